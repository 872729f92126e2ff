; inherits: ecma

(abstract_class_declaration
  name: (_) @name
  body: (_) @body) @definition.class

(interface_declaration
  name: (_) @name
  body: (_) @body) @definition.interface

(type_alias_declaration
  name: (_) @name
  value: (_) @body) @definition.type

(enum_declaration
  name: (_) @name
  body: (_) @body) @definition.enum

(enum_body name: (_) @name @definition.enum_member)
(enum_assignment name: (_) @name) @definition.enum_member

(internal_module
  name: (_) @name
  body: (_) @body) @definition.namespace

(module
  name: [(identifier) @name (nested_identifier) @name (string (string_fragment) @name)]
  body: (_) @body) @definition.namespace

(function_signature name: (_) @name) @definition.function
(method_signature name: (_) @name) @definition.method
(abstract_method_signature name: (_) @name) @definition.method
(interface_body (property_signature name: (_) @name) @definition.field)

(public_field_definition
  name: (_) @name
  value: [
    (arrow_function body: (_) @body)
    (function_expression body: (_) @body)
  ]) @definition.method
(public_field_definition name: (_) @name) @definition.field
(required_parameter
  [(accessibility_modifier) "readonly"]
  pattern: (identifier) @name) @definition.property

(ambient_declaration (lexical_declaration
  (variable_declarator name: (identifier) @name)) @definition.constant)

(ambient_declaration (_) @wrapped) @wrapper
(expression_statement (internal_module) @wrapped) @wrapper
