(class_declaration
  declaration_kind: "struct"
  name: (_) @name
  body: (_) @body) @definition.struct
(class_declaration
  declaration_kind: "enum"
  name: (_) @name
  body: (_) @body) @definition.enum
(class_declaration
  declaration_kind: "extension"
  name: (_) @name
  body: (_) @body) @definition.implementation
(class_declaration
  name: (_) @name
  body: (_) @body) @definition.class
(protocol_declaration
  name: (_) @name
  body: (_) @body) @definition.protocol
(enum_entry name: (simple_identifier) @name) @definition.enum_member
(typealias_declaration name: (type_identifier) @name) @definition.type
(associatedtype_declaration name: (type_identifier) @name) @definition.type

(function_declaration
  "func"
  .
  name: _ @name
  body: (_) @body) @definition.function
(protocol_function_declaration
  "func"
  .
  name: _ @name) @definition.method
(init_declaration
  name: "init" @name
  body: (_)? @body) @definition.constructor
(deinit_declaration
  "deinit" @name
  body: (_) @body) @definition.method
(subscript_declaration
  "subscript" @name
  (computed_property) @body) @definition.property

(source_file (_
  name: (_ bound_identifier: (_) @name)
  computed_value: (_)? @body) @definition.variable)
(class_body (_
  name: (_ bound_identifier: (_) @name)
  [(computed_property) (willset_didset_block)]? @body) @definition.property)
(enum_class_body (_
  name: (_ bound_identifier: (_) @name)
  [(computed_property) (willset_didset_block)]? @body) @definition.property)
(protocol_property_declaration name: (pattern bound_identifier: (_) @name)) @definition.property

((modifiers (attribute (user_type (type_identifier) @_attribute)) @leading.test)
  (#any-of? @_attribute "Test" "Suite"))
(modifiers (attribute) @leading)
(comment) @comment
(multiline_comment) @comment
