((rule
  (targets (word) @name)
  (recipe)? @body) @definition.target
  (#not-match? @name "^\\.[A-Z_]+$"))
(variable_assignment name: (_) @name) @definition.variable
(define_directive name: (_) @name) @definition.macro
(comment) @comment
