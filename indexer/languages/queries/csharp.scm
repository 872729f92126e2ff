(class_declaration
  name: (_) @name
  body: (_)? @body) @definition.class
(record_declaration
  name: (_) @name
  body: (_)? @body) @definition.class
(record_declaration (parameter_list (parameter name: (_) @name) @definition.property))
(struct_declaration
  name: (_) @name
  body: (_)? @body) @definition.struct
(interface_declaration
  name: (_) @name
  body: (_)? @body) @definition.interface
(enum_declaration
  name: (_) @name
  body: (_)? @body) @definition.enum
(enum_member_declaration name: (_) @name) @definition.enum_member
(namespace_declaration
  name: (_) @name
  body: (_) @body) @definition.namespace
(file_scoped_namespace_declaration name: (_) @scope)
(delegate_declaration name: (_) @name) @definition.type

(method_declaration
  name: (_) @name
  body: (_)? @body) @definition.method
(local_function_statement
  name: (_) @name
  body: (_)? @body) @definition.function
(constructor_declaration
  name: (_) @name
  body: (_)? @body) @definition.constructor
(destructor_declaration
  "~" @name.start
  name: (_) @name
  body: (_)? @body) @definition.method
(operator_declaration
  "operator" @name.start
  operator: _ @name
  body: (_)? @body) @definition.method
(conversion_operator_declaration
  "operator" @name.start
  type: (_) @name
  body: (_)? @body) @definition.method

(property_declaration
  name: (_) @name
  [(accessor_list) (arrow_expression_clause)]? @body) @definition.property
(indexer_declaration
  "this" @name
  [(accessor_list) (arrow_expression_clause)] @body) @definition.property
(event_declaration name: (_) @name) @definition.field
(event_field_declaration (variable_declaration (variable_declarator name: (_) @name))) @definition.field

((field_declaration
  (modifier) @_modifier
  (variable_declaration (variable_declarator name: (_) @name))) @definition.constant
  (#eq? @_modifier "const"))
(field_declaration (variable_declaration (variable_declarator name: (_) @name))) @definition.field

((attribute_list (attribute name: (_) @_attribute)) @leading.test
  (#match? @_attribute "^(Fact|Theory|Test|TestCase|TestMethod|DataTestMethod|Benchmark)(Attribute)?$"))
(attribute_list) @leading
(comment) @comment
