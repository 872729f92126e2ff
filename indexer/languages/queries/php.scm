(class_declaration
  name: (_) @name
  body: (_) @body) @definition.class
(interface_declaration
  name: (_) @name
  body: (_) @body) @definition.interface
(trait_declaration
  name: (_) @name
  body: (_) @body) @definition.trait
(enum_declaration
  name: (_) @name
  body: (_) @body) @definition.enum
(enum_case name: (_) @name) @definition.enum_member
(namespace_definition
  name: (_) @name
  body: (_) @body) @definition.namespace

((method_declaration
  name: (_) @name
  body: (_)? @body) @definition.constructor
  (#eq? @name "__construct"))
(method_declaration
  name: (_) @name
  body: (_)? @body) @definition.method
(function_definition
  name: (_) @name
  body: (_) @body) @definition.function

(property_declaration (property_element name: (_) @name)) @definition.property
(property_promotion_parameter name: (_) @name) @definition.property
(const_declaration (const_element . (name) @name)) @definition.constant
((expression_statement (function_call_expression
  function: (name) @_define
  arguments: (arguments . (argument (string (string_content) @name))))) @definition.constant
  (#eq? @_define "define"))

((attribute_list (attribute_group (attribute (name) @_attribute))) @leading.test
  (#any-of? @_attribute "Test" "DataProvider"))
(attribute_list) @leading
(comment) @comment
