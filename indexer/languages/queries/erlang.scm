(module_attribute name: (_) @scope)

(fun_decl (function_clause
  name: (_) @name
  body: (_) @body)) @definition.function

(pp_define lhs: (macro_lhs name: (_) @name)) @definition.macro
(record_decl name: (_) @name) @definition.struct
(record_decl fields: (record_field name: (atom) @name) @definition.field)
(type_alias name: (type_name name: (_) @name)) @definition.type
(opaque name: (type_name name: (_) @name)) @definition.type
(callback fun: (_) @name) @definition.method

(spec) @signature
(comment) @comment
