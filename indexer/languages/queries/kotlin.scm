(class_declaration
  "interface"
  (type_identifier) @name
  (class_body)? @body) @definition.interface
(class_declaration
  "enum"
  (type_identifier) @name
  (enum_class_body)? @body) @definition.enum
(class_declaration
  (type_identifier) @name
  (class_body)? @body) @definition.class
(object_declaration
  (type_identifier) @name
  (class_body)? @body) @definition.object
(companion_object
  (type_identifier) @name
  (class_body)? @body) @definition.object
(companion_object
  "companion" @name
  (class_body)? @body) @definition.object
(enum_entry
  (simple_identifier) @name
  (class_body)? @body) @definition.enum_member
(type_alias (type_identifier) @name) @definition.type

(function_declaration
  receiver: (receiver_type (user_type (type_identifier) @owner))
  (simple_identifier) @name
  (function_body)? @body) @definition.function
(function_declaration
  (simple_identifier) @name
  (function_body)? @body) @definition.function
(secondary_constructor
  "constructor" @name
  (statements)? @body) @definition.constructor

((source_file (property_declaration
  (modifiers (property_modifier) @_modifier)
  (variable_declaration (simple_identifier) @name)) @definition.constant)
  (#eq? @_modifier "const"))
((class_body (property_declaration
  (modifiers (property_modifier) @_modifier)
  (variable_declaration (simple_identifier) @name)) @definition.constant)
  (#eq? @_modifier "const"))
(source_file (property_declaration
  receiver: (receiver_type (user_type (type_identifier) @owner))
  (variable_declaration (simple_identifier) @name)) @definition.property)
(source_file (property_declaration (variable_declaration (simple_identifier) @name)) @definition.variable)
(class_body (property_declaration (variable_declaration (simple_identifier) @name)) @definition.property)
(primary_constructor (class_parameter
  (binding_pattern_kind)
  (simple_identifier) @name) @definition.property)

((modifiers (annotation [
  (user_type (type_identifier) @_annotation)
  (constructor_invocation (user_type (type_identifier) @_annotation))
]) @leading.test)
  (#match? @_annotation "Test$"))
(modifiers (annotation) @leading)
(line_comment) @comment
(multiline_comment) @comment
