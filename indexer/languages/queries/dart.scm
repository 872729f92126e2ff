(class_definition
  name: (_) @name
  body: (_) @body) @definition.class
(mixin_declaration
  (identifier) @name
  (class_body) @body) @definition.class
(enum_declaration
  name: (_) @name
  body: (_) @body) @definition.enum
(enum_constant name: (_) @name) @definition.enum_member
(extension_declaration
  name: (_) @name
  body: (_) @body) @definition.implementation
(type_alias . (type_identifier) @name) @definition.type

((method_signature [
    (function_signature name: (_) @name)
    (getter_signature name: (_) @name)
    (setter_signature name: (_) @name)
    (operator_signature (binary_operator) @name)
  ]) @definition.method
  .
  (function_body) @body)
(method_signature [
  (function_signature name: (_) @name)
  (getter_signature name: (_) @name)
  (setter_signature name: (_) @name)
  (operator_signature (binary_operator) @name)
]) @definition.method
((method_signature [
    (constructor_signature name: (identifier) name: (identifier) @name)
    (factory_constructor_signature (identifier) (identifier) @name)
  ]) @definition.constructor
  .
  (function_body) @body)
((method_signature [
    (constructor_signature name: (identifier) @name)
    (factory_constructor_signature (identifier) @name)
  ]) @definition.constructor
  .
  (function_body) @body)
(declaration [
  (constant_constructor_signature (identifier) (identifier) @name)
  (constructor_signature name: (identifier) name: (identifier) @name)
  (factory_constructor_signature (identifier) (identifier) @name)
  (redirecting_factory_constructor_signature (identifier) (identifier) @name)
]) @definition.constructor
(declaration [
  (constant_constructor_signature (identifier) @name)
  (constructor_signature name: (identifier) @name)
  (factory_constructor_signature (identifier) @name)
  (redirecting_factory_constructor_signature (identifier) @name)
]) @definition.constructor
(declaration [
  (function_signature name: (_) @name)
  (getter_signature name: (_) @name)
  (setter_signature name: (_) @name)
  (operator_signature (binary_operator) @name)
]) @definition.method
(declaration (initialized_identifier_list (initialized_identifier . (identifier) @name))) @definition.field
(declaration (static_final_declaration_list (static_final_declaration . (identifier) @name))) @definition.constant

((program
  (function_signature name: (_) @name) @definition.function
  .
  (function_body) @body))
(program (getter_signature name: (_) @name) @definition.function)
(local_function_declaration (lambda_expression
  parameters: (function_signature name: (_) @name)
  body: (_) @body)) @definition.function
(program (static_final_declaration_list (static_final_declaration . (identifier) @name) @definition.constant))
(program (initialized_identifier_list (initialized_identifier . (identifier) @name) @definition.variable))

((expression_statement
  (identifier) @_call
  (selector (argument_part (arguments
    .
    (argument (string_literal) @name)
    .
    (argument (function_expression body: (_) @body)))))) @definition.test
  (#any-of? @_call "test" "testWidgets" "group" "blocTest"))

(annotation) @leading
(comment) @comment
(documentation_comment) @comment
