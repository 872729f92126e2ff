(function_item
  name: (_) @name
  body: (_) @body) @definition.function

(function_signature_item name: (_) @name) @definition.function

(struct_item
  name: (_) @name
  body: (field_declaration_list) @body) @definition.struct
(struct_item name: (_) @name) @definition.struct

(enum_item
  name: (_) @name
  body: (_) @body) @definition.enum
(enum_variant name: (_) @name) @definition.enum_member

(union_item
  name: (_) @name
  body: (_) @body) @definition.union

(field_declaration name: (_) @name) @definition.field

(trait_item
  name: (_) @name
  body: (_) @body) @definition.trait

(impl_item
  type: [
    (type_identifier) @name
    (scoped_type_identifier) @name
    (generic_type type: [(type_identifier) (scoped_type_identifier)] @name)
    (reference_type) @name
    (tuple_type) @name
    (array_type) @name
    (primitive_type) @name
    (pointer_type) @name
    (dynamic_type) @name
    (function_type) @name
    (unit_type) @name
  ]
  body: (_) @body) @definition.implementation

(mod_item
  name: (_) @name
  body: (_) @body) @definition.module

(macro_definition
  name: (_) @name
  [(macro_rule) "{"] @body) @definition.macro

(const_item name: (_) @name) @definition.constant
(static_item name: (_) @name) @definition.variable
(type_item name: (_) @name) @definition.type
(associated_type name: (_) @name) @definition.type

((attribute_item (attribute [
  (identifier) @_attribute
  (scoped_identifier name: (identifier) @_attribute)
])) @leading.test
  (#match? @_attribute "^(test|bench|rstest|proptest|test_case|quickcheck)$"))
(attribute_item) @leading
((line_comment) @comment (#not-match? @comment "^//!"))
((block_comment) @comment (#not-match? @comment "^/[*]!"))
