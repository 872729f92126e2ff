((function_definition
  declarator: (function_declarator
    declarator: (identifier) @_macro
    parameters: (parameter_list
      .
      (parameter_declaration type: (type_identifier) @owner)
      .
      (parameter_declaration type: (type_identifier) @name)
      .))
  body: (_) @body) @definition.test
  (#match? @_macro "^(TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P|BENCHMARK_F)$"))

(ERROR (field_declaration
  declarator: [
    (function_declarator declarator: (field_identifier) @name)
    (pointer_declarator declarator: (function_declarator declarator: (field_identifier) @name))
  ]) @definition.method)

; inherits: c

(function_definition
  declarator: [
    (function_declarator declarator: [(field_identifier) (qualified_identifier) (destructor_name)] @name)
    (pointer_declarator
      declarator: (function_declarator declarator: [(field_identifier) (qualified_identifier)] @name))
    (reference_declarator (function_declarator declarator: [(field_identifier) (qualified_identifier)] @name))
    (operator_cast "operator" @name.start type: (_) @name)
    (qualified_identifier scope: (_) @name.start name: (operator_cast type: (_) @name))
  ]
  [(compound_statement) (try_statement) (default_method_clause) (delete_method_clause)] @body) @definition.method

(function_definition
  declarator: [
    (function_declarator declarator: [(operator_name) (identifier)] @name)
    (pointer_declarator declarator: (function_declarator declarator: (operator_name) @name))
    (reference_declarator (function_declarator declarator: [(operator_name) (identifier)] @name))
  ]
  [(compound_statement) (try_statement) (default_method_clause) (delete_method_clause)] @body) @definition.function

(field_declaration
  declarator: [
    (function_declarator declarator: [(field_identifier) (operator_name)] @name)
    (pointer_declarator declarator: (function_declarator declarator: [(field_identifier) (operator_name)] @name))
    (reference_declarator (function_declarator declarator: [(field_identifier) (operator_name)] @name))
  ]) @definition.method
(field_declaration_list (declaration
  declarator: [
    (function_declarator declarator: [(identifier) (destructor_name) (operator_name)] @name)
    (operator_cast "operator" @name.start type: (_) @name)
  ]) @definition.method)
(field_declaration_list (template_declaration (declaration
  declarator: [
    (function_declarator declarator: [(identifier) (operator_name)] @name)
    (pointer_declarator declarator: (function_declarator declarator: [(identifier) (operator_name)] @name))
    (reference_declarator (function_declarator declarator: [(identifier) (operator_name)] @name))
  ]) @definition.method))
(field_declaration
  declarator: (reference_declarator (field_identifier) @name)) @definition.field

(declaration_list (declaration
  declarator: [
    (identifier) @name
    (init_declarator declarator: [
      (identifier) @name
      (pointer_declarator declarator: [(identifier) @name (array_declarator declarator: (identifier) @name)])
      (array_declarator declarator: (identifier) @name)
    ])
    (array_declarator declarator: (identifier) @name)
    (pointer_declarator declarator: (identifier) @name)
  ]) @definition.variable)

(class_specifier
  name: (_) @name
  body: (_) @body) @definition.class
(namespace_definition
  name: (_) @name
  body: (_) @body) @definition.namespace
(concept_definition name: (_) @name) @definition.interface
(alias_declaration name: (_) @name) @definition.type

(field_declaration type: [(struct_specifier) (union_specifier) (enum_specifier) (class_specifier)] @wrapped) @wrapper
(template_declaration
  [(function_definition) (class_specifier) (struct_specifier) (declaration) (alias_declaration) (concept_definition)
   (field_declaration) (friend_declaration)] @wrapped) @wrapper
