(class_definition
  name: (_) @name
  body: (_)? @body) @definition.class
(object_definition
  name: (_) @name
  body: (_)? @body) @definition.object
(package_object
  name: (_) @name
  body: (_) @body) @definition.object
(trait_definition
  name: (_) @name
  body: (_)? @body) @definition.trait
(enum_definition
  name: (_) @name
  body: (_) @body) @definition.enum
(simple_enum_case name: (_) @name) @definition.enum_member
(full_enum_case name: (_) @name) @definition.enum_member
(given_definition
  name: (_) @name
  body: (_) @body) @definition.object
(type_definition name: (_) @name) @definition.type

((function_definition
  name: (_) @name
  body: (_) @body) @definition.constructor
  (#eq? @name "this"))
(function_definition
  name: (_) @name
  body: (_) @body) @definition.function
(function_declaration name: (_) @name) @definition.function

(template_body (val_definition pattern: (identifier) @name) @definition.field)
(template_body (val_definition pattern: (tuple_pattern (identifier) @name)) @definition.field)
(template_body (var_definition pattern: (identifier) @name) @definition.field)
(template_body (val_declaration name: (identifier) @name) @definition.field)
(template_body (var_declaration name: (identifier) @name) @definition.field)
(compilation_unit (val_definition pattern: (identifier) @name) @definition.variable)
(compilation_unit (var_definition pattern: (identifier) @name) @definition.variable)

((call_expression
  function: (call_expression
    function: (identifier) @_call
    arguments: (arguments . (string) @name))
  arguments: (block) @body) @definition.test
  (#any-of? @_call "test" "it" "describe" "property" "suite" "feature" "scenario"))

(annotation) @leading
(comment) @comment
(block_comment) @comment
