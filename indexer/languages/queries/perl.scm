(package_statement
  name: (_) @name
  (block) @body) @definition.module
(package_statement name: (_) @scope .)

(subroutine_declaration_statement
  name: (_) @name
  body: (_)? @body) @definition.function

((use_statement
  module: (package) @_constant
  (list_expression . (autoquoted_bareword) @name)) @definition.constant
  (#eq? @_constant "constant"))
(source_file (expression_statement (assignment_expression
  left: (variable_declaration variable: (_) @name))) @definition.variable)
(source_file (expression_statement (variable_declaration variable: (_) @name)) @definition.variable)

(comment) @comment
((pod) @comment (#match? @comment "^=(head[2-4]|item|method|func|attr)"))
