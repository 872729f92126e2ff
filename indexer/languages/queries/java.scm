((method_declaration
  (modifiers [
    (marker_annotation name: (identifier) @_annotation)
    (annotation name: (identifier) @_annotation)
  ])
  name: (_) @name
  body: (_) @body) @definition.test
  (#match? @_annotation "Test$"))

(method_declaration
  name: (_) @name
  body: (_)? @body) @definition.method

(constructor_declaration
  name: (_) @name
  body: (_) @body) @definition.constructor
(compact_constructor_declaration
  name: (_) @name
  body: (_) @body) @definition.constructor

(class_declaration
  name: (_) @name
  body: (_) @body) @definition.class
(record_declaration
  name: (_) @name
  body: (_) @body) @definition.class
(interface_declaration
  name: (_) @name
  body: (_) @body) @definition.interface
(annotation_type_declaration
  name: (_) @name
  body: (_) @body) @definition.interface
(annotation_type_element_declaration name: (_) @name) @definition.method

(enum_declaration
  name: (_) @name
  body: (_) @body) @definition.enum
(enum_constant name: (_) @name) @definition.enum_member

((field_declaration declarator: (variable_declarator name: (_) @name)) @definition.constant
  (#match? @name "^[A-Z][A-Z0-9_]*$"))
(field_declaration declarator: (variable_declarator name: (_) @name)) @definition.field
(record_declaration parameters: (formal_parameters (formal_parameter name: (_) @name) @definition.field))
(constant_declaration declarator: (variable_declarator name: (_) @name)) @definition.constant

(modifiers [(annotation) (marker_annotation)] @leading)
(line_comment) @comment
(block_comment) @comment
