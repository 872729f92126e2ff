(module_definition
  name: (_) @name
  (block)? @body) @definition.module
(struct_definition
  (type_head [
    (identifier) @name
    (parametrized_type_expression . (identifier) @name)
    (binary_expression . (identifier) @name)
    (binary_expression . (parametrized_type_expression . (identifier) @name))
  ])
  (block)? @body) @definition.struct
(struct_definition (block [
  (identifier) @name @definition.field
  (typed_expression . (identifier) @name) @definition.field
  (assignment . (typed_expression . (identifier) @name)) @definition.field
]))
(abstract_definition (type_head [
  (identifier) @name
  (parametrized_type_expression . (identifier) @name)
  (binary_expression . (identifier) @name)
  (binary_expression . (parametrized_type_expression . (identifier) @name))
])) @definition.type
(primitive_definition (type_head (identifier) @name)) @definition.type

(function_definition
  (signature [
    (identifier) @name
    (call_expression . (_) @name)
    (typed_expression . (call_expression . (_) @name))
    (where_expression . (call_expression . (_) @name))
    (where_expression . (typed_expression . (call_expression . (_) @name)))
    (where_expression . (where_expression . (call_expression . (_) @name)))
  ])
  (block)? @body) @definition.function
(assignment
  .
  [
    (call_expression . (_) @name)
    (typed_expression . (call_expression . (_) @name))
    (where_expression . (call_expression . (_) @name))
    (where_expression . (typed_expression . (call_expression . (_) @name)))
  ]
  (operator)
  (_) @body) @definition.function
(macro_definition
  (signature (call_expression . (_) @name))
  (block)? @body) @definition.macro

(const_statement (assignment . (identifier) @name)) @definition.constant
(module_definition (block (assignment . (identifier) @name) @definition.variable))
(source_file (assignment . (identifier) @name) @definition.variable)

((macrocall_expression
  (macro_identifier (identifier) @_macro)
  (macro_argument_list
    (string_literal (content) @name)
    (compound_statement) @body)) @definition.test
  (#any-of? @_macro "testset" "testitem"))

((macrocall_expression (macro_argument_list [
  (function_definition)
  (struct_definition)
  (assignment)
  (const_statement)
] @wrapped .)) @wrapper)
((string_literal) @leading @doc
  .
  [
    (function_definition)
    (struct_definition)
    (abstract_definition)
    (primitive_definition)
    (macro_definition)
    (module_definition)
    (const_statement)
    (assignment)
    (macrocall_expression)
  ])
(line_comment) @comment
(block_comment) @comment
