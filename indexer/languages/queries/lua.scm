(function_declaration
  name: (method_index_expression) @name
  [body: (_) "end"]? @body) @definition.method
(function_declaration
  name: (_) @name
  [body: (_) "end"]? @body) @definition.function
(variable_declaration (assignment_statement
  (variable_list . name: (_) @name .)
  (expression_list . value: (function_definition [body: (_) "end"]? @body)))) @definition.function
(assignment_statement
  (variable_list . name: (_) @name .)
  (expression_list . value: (function_definition [body: (_) "end"]? @body))) @definition.function
(field
  name: (_) @name
  value: (function_definition [body: (_) "end"]? @body)) @definition.function

((function_call
  name: (identifier) @_call
  arguments: (arguments
    .
    (string content: (_) @name)
    (function_definition [body: (_) "end"]? @body))) @definition.test
  (#any-of? @_call "describe" "it" "context" "test"))

((chunk (variable_declaration (assignment_statement (variable_list name: (identifier) @name))) @definition.constant)
  (#match? @name "^[A-Z][A-Z0-9_]+$"))
(chunk (variable_declaration (assignment_statement (variable_list name: (identifier) @name))) @definition.variable)
(chunk (assignment_statement (variable_list name: (_) @name)) @definition.variable)

(comment) @comment
