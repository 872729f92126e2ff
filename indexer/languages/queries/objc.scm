(function_definition
  declarator: [
    (function_declarator declarator: (identifier) @name)
    (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))
  ]
  body: (_) @body) @definition.function
(translation_unit (declaration declarator: [
  (init_declarator declarator: (identifier) @name)
  (init_declarator declarator: (pointer_declarator declarator: (identifier) @name))
]) @definition.variable)
(struct_specifier
  name: (_) @name
  body: (_) @body) @definition.struct
(enum_specifier
  name: (_) @name
  body: (_) @body) @definition.enum
(enumerator name: (_) @name) @definition.enum_member
(type_definition
  type: (struct_specifier !name body: (_) @body)
  declarator: (type_identifier) @name) @definition.struct
(type_definition
  type: (enum_specifier !name body: (_) @body)
  declarator: (type_identifier) @name) @definition.enum
(type_definition declarator: (type_identifier) @name) @definition.type
(preproc_def
  name: (_) @name
  value: (_)) @definition.macro
(preproc_function_def
  name: (_) @name
  value: (_)? @body) @definition.macro
(comment) @comment

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
