((command
  name: (command_name) @_test
  .
  argument: [(string) (raw_string)] @name) @definition.test @open
  (#eq? @_test "@test"))

(function_definition
  name: (_) @name
  body: (_) @body) @definition.function

((program (declaration_command (variable_assignment name: (variable_name) @name)) @definition.constant)
  (#match? @name "^[A-Z][A-Z0-9_]*$"))
(program (declaration_command (variable_assignment name: (variable_name) @name)) @definition.variable)
(program (declaration_command (variable_name) @name) @definition.variable)
(program (variable_assignment name: (variable_name) @name) @definition.variable)

(comment) @comment
