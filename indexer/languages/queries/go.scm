(function_declaration
  name: (identifier) @name
  body: (_)? @body) @definition.function

(method_declaration
  receiver: (parameter_list
    (parameter_declaration
      type: [
        (type_identifier) @owner
        (generic_type type: (type_identifier) @owner)
        (pointer_type (type_identifier) @owner)
        (pointer_type (generic_type type: (type_identifier) @owner))
      ]))
  name: (_) @name
  body: (_)? @body) @definition.method

(type_spec
  name: (_) @name
  type: (struct_type (field_declaration_list) @body)) @definition.struct

(type_spec
  name: (_) @name
  type: (interface_type . "interface" . "{" @body)) @definition.interface

(type_spec name: (_) @name) @definition.type
(type_alias name: (_) @name) @definition.type

(field_declaration_list (field_declaration name: (_) @name) @definition.field)
(interface_type (method_elem name: (_) @name) @definition.method)

(source_file (const_declaration (const_spec name: (_) @name) @definition.constant))
(source_file (var_declaration (var_spec name: (_) @name) @definition.variable))
(source_file (var_declaration (var_spec_list (var_spec name: (_) @name) @definition.variable)))

(type_declaration . [(type_spec) (type_alias)] @wrapped .) @wrapper
(const_declaration . (const_spec) @wrapped .) @wrapper
(var_declaration . (var_spec) @wrapped .) @wrapper
(comment) @comment
