; inherits: c

(protocol_declaration
  .
  (identifier) @name
  [
    (method_declaration)
    (property_declaration)
    (qualified_protocol_interface_declaration)
  ]? @body) @definition.protocol
(class_interface
  .
  (identifier) @name
  [(instance_variables) (method_declaration) (property_declaration)]? @body) @definition.interface
(class_implementation
  .
  (identifier) @name
  [(instance_variables) (implementation_definition)]? @body) @definition.implementation

(method_declaration (method_type) . (identifier) @name) @definition.method
((method_definition
  (method_type)
  .
  (identifier) @name
  (compound_statement) @body) @definition.test
  (#match? @name "^test[A-Z0-9_]"))
(method_definition
  (method_type)
  .
  (identifier) @name
  (compound_statement) @body) @definition.method
(property_declaration (struct_declaration (struct_declarator [
  (identifier) @name
  (pointer_declarator declarator: (identifier) @name)
]))) @definition.property
(instance_variable (struct_declaration (struct_declarator [
  (identifier) @name
  (pointer_declarator declarator: (identifier) @name)
]))) @definition.field
(type_definition declarator: (function_declarator
  declarator: (parenthesized_declarator (block_pointer_declarator
    declarator: (type_identifier) @name)))) @definition.type
