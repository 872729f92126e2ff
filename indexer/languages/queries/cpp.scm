((function_definition
  declarator: (_
    declarator: (identifier) @_macro
    parameters: (_ . (_ type: (type_identifier) @owner) . (_ type: (type_identifier) @name) .))
  body: (_) @body) @definition.test
  (#match? @_macro "^(TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P|BENCHMARK_F)$"))

(ERROR (field_declaration
  declarator: (_ declarator: [
    (field_identifier) @name
    (_ declarator: (field_identifier) @name) @declarator
  ]) @declarator) @definition.method)

; inherits: c

(function_definition
  declarator: [
    (_ declarator: [(field_identifier) (qualified_identifier) (destructor_name)] @name) @declarator
    (_ (_ declarator: [(field_identifier) (qualified_identifier)] @name) @declarator) @declarator
    (_ "operator" @name.start type: (_) @name)
    (_ scope: (_) @name.start name: (_ type: (_) @name))
  ]
  [(compound_statement) (try_statement) (default_method_clause) (delete_method_clause)] @body) @definition.method

(function_definition
  declarator: [
    (_ declarator: [(operator_name) (identifier)] @name) @declarator
    (_ (_ declarator: [(operator_name) (identifier)] @name) @declarator) @declarator
  ]
  [(compound_statement) (try_statement) (default_method_clause) (delete_method_clause)] @body) @definition.function

(field_declaration
  declarator: [
    (_ declarator: [(field_identifier) (operator_name)] @name) @declarator
    (_ (_ declarator: [(field_identifier) (operator_name)] @name) @declarator) @declarator
  ]) @definition.method
(field_declaration_list (declaration
  declarator: [
    (_ declarator: [(identifier) (destructor_name) (operator_name)] @name) @declarator
    (_ "operator" @name.start type: (_) @name)
  ]) @definition.method)
(field_declaration_list (template_declaration (declaration
  declarator: [
    (_ declarator: [(identifier) (operator_name)] @name) @declarator
    (_ (_ declarator: [(identifier) (operator_name)] @name) @declarator) @declarator
  ]) @definition.method))
(field_declaration
  declarator: (reference_declarator (field_identifier) @name)) @definition.field

(declaration_list (declaration
  declarator: [
    (identifier) @name
    (_ declarator: (identifier) @name) @declarator
    (init_declarator
      declarator: (_ declarator: [(identifier) @name (_ declarator: (identifier) @name) @declarator]) @declarator
    ) @declarator
  ]) @definition.variable)

(class_specifier
  name: (_) @name
  body: (_) @body) @definition.class
(namespace_definition
  name: (_) @name
  body: (_) @body) @definition.namespace
(concept_definition name: (_) @name) @definition.interface
(alias_declaration name: (_) @name) @definition.type

(field_declaration type: (_ body: (_)) @wrapped) @wrapper
(template_declaration
  [(function_definition) (class_specifier) (struct_specifier) (declaration) (alias_declaration) (concept_definition)
   (field_declaration) (friend_declaration)] @wrapped) @wrapper
