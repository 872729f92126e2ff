(function_declaration
  name: (_) @name
  body: (_) @body) @definition.function

(generator_function_declaration
  name: (_) @name
  body: (_) @body) @definition.function

(class_declaration
  name: (_) @name
  body: (_) @body) @definition.class

((method_definition
  name: (property_identifier) @name
  body: (_) @body) @definition.constructor
  (#eq? @name "constructor"))
(method_definition
  name: (_) @name
  body: (_) @body) @definition.method

(lexical_declaration
  (variable_declarator
    name: (identifier) @name
    value: [
      (arrow_function body: (_) @body)
      (function_expression body: (_) @body)
      (generator_function body: (_) @body)
    ])) @definition.function

(variable_declaration
  (variable_declarator
    name: (identifier) @name
    value: [
      (arrow_function body: (_) @body)
      (function_expression body: (_) @body)
      (generator_function body: (_) @body)
    ])) @definition.function

(lexical_declaration
  (variable_declarator
    name: (identifier) @name
    value: (class body: (_) @body))) @definition.class

(pair
  key: [(property_identifier) @name (string (string_fragment) @name)]
  value: [
    (arrow_function body: (_) @body)
    (function_expression body: (_) @body)
    (generator_function body: (_) @body)
  ]) @definition.method

(assignment_expression
  left: [(member_expression) (identifier)] @name
  right: [
    (arrow_function body: (_) @body)
    (function_expression body: (_) @body)
    (generator_function body: (_) @body)
  ]) @definition.function

(assignment_expression
  left: [(member_expression) (identifier)] @name
  right: (class body: (_) @body)) @definition.class

(export_statement
  "default" @name
  value: [
    (arrow_function body: (_) @body)
    (function_expression body: (_) @body)
    (generator_function body: (_) @body)
  ]) @definition.function

(export_statement "default" @name value: (class body: (_) @body)) @definition.class
(export_statement "default" @name value: (object) @body) @definition.object

((call_expression
  function: [
    (identifier) @_call
    (member_expression object: (identifier) @_call)
  ]
  arguments: (arguments
    .
    [(string (string_fragment) @name) (template_string (string_fragment) @name)]
    [(arrow_function body: (_) @body) (function_expression body: (_) @body)])) @definition.test
  (#any-of? @_call "describe" "it" "test" "suite" "context" "specify"))

(program (lexical_declaration
  "const"
  (variable_declarator name: (identifier) @name)) @definition.constant)
(program (lexical_declaration (variable_declarator name: (identifier) @name)) @definition.variable)
(program (variable_declaration (variable_declarator name: (identifier) @name)) @definition.variable)
(export_statement declaration: (lexical_declaration
  "const"
  (variable_declarator name: (identifier) @name)) @definition.constant)
(export_statement declaration: (lexical_declaration
  (variable_declarator name: (identifier) @name)) @definition.variable)

(export_statement declaration: (_) @wrapped) @wrapper
(expression_statement [(assignment_expression) (call_expression)] @wrapped) @wrapper
(decorator) @leading
(comment) @comment
