((value_definition
  (attribute_id) @_test
  (let_binding
    pattern: (string (string_content) @name)
    body: (_) @body)) @definition.test
  (#match? @_test "test"))
(compilation_unit (value_definition (let_binding
  pattern: [(value_name) (parenthesized_operator)] @name
  (parameter)
  body: (_) @body) @definition.function))
(structure (value_definition (let_binding
  pattern: [(value_name) (parenthesized_operator)] @name
  (parameter)
  body: (_) @body) @definition.function))
(compilation_unit (value_definition (let_binding
  pattern: [(value_name) (parenthesized_operator)] @name
  body: [(function_expression) (fun_expression)] @body) @definition.function))
(structure (value_definition (let_binding
  pattern: [(value_name) (parenthesized_operator)] @name
  body: [(function_expression) (fun_expression)] @body) @definition.function))
(compilation_unit (value_definition (let_binding pattern: (value_name) @name) @definition.variable))
(structure (value_definition (let_binding pattern: (value_name) @name) @definition.variable))

(module_definition (module_binding
  (module_name) @name
  body: (_) @body)) @definition.module
(class_definition (class_binding
  (class_name) @name
  body: (_) @body)) @definition.class
(method_definition
  (method_name) @name
  body: (_)? @body) @definition.method
(instance_variable_definition (instance_variable_name) @name) @definition.field

; inherits: ocaml_interface

(value_definition . (let_binding) @wrapped .) @wrapper
(value_definition ["let" "rec" "and"] @leading)
