(function
  name: (_) @name
  (match) @body) @definition.function
(function
  (infix operator: (_) @name)
  (match) @body) @definition.function
(declarations (bind
  name: (variable) @name
  match: (_) @body) @definition.function)
(instance_declarations (bind
  name: (variable) @name
  match: (_) @body) @definition.function)
(class_declarations (bind
  name: (variable) @name
  match: (_) @body) @definition.function)
(class_declarations (signature name: (_) @name) @definition.function)

(data_type
  name: (_) @name
  constructors: (_)? @body) @definition.type
(newtype
  name: (_) @name
  constructor: (_) @body) @definition.type
(type_synomym
  name: (_) @name
  type: (_) @body) @definition.type
(type_family
  name: (_) @name
  closed_family: (_)? @body) @definition.type
(data_constructor constructor: [
  (prefix name: (constructor) @name)
  (record name: (constructor) @name)
  (infix operator: (_) @name)
]) @definition.enum_member
(gadt_constructor name: (_) @name) @definition.enum_member
(field name: (field_name) @name) @definition.field

(class
  name: (_) @name
  declarations: (_)? @body) @definition.class
(instance
  name: (_) @name
  declarations: (_)? @body) @definition.implementation

(declarations (signature) @signature)
(instance_declarations (signature) @signature)
(pragma) @leading
(comment) @comment
(haddock) @comment
