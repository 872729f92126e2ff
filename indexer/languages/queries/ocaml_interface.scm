(external (value_name) @name) @definition.function
(value_specification [(value_name) (parenthesized_operator)] @name) @definition.function

(type_definition (type_binding
  name: (_) @name
  body: (_)? @body) @definition.type)
(type_binding body: (variant_declaration (constructor_declaration (constructor_name) @name) @definition.enum_member))
(type_binding body: (record_declaration (field_declaration (field_name) @name) @definition.field))
(exception_definition (constructor_declaration (constructor_name) @name)) @definition.type

(module_definition (module_binding
  (module_name) @name
  module_type: (_) @body)) @definition.module
(module_definition (module_binding (module_name) @name)) @definition.module
(module_type_definition
  (module_type_name) @name
  body: (_)? @body) @definition.interface

(class_definition (class_binding
  (class_name) @name
  class_type: (_) @body)) @definition.class
(method_specification (method_name) @name) @definition.method

(type_definition . (type_binding) @wrapped .) @wrapper
(type_definition ["type" "and"] @leading)
(comment) @comment
