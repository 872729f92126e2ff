; Wildcards in place of declarators, since a query takes long to compile where it names them.
(function_definition
  declarator: (_ declarator: [
    (identifier) @name
    (parenthesized_declarator (identifier) @name)
    (_ declarator: [(identifier) @name (_ declarator: (identifier) @name) @declarator]) @declarator
  ]) @declarator
  body: (_) @body) @definition.function

; A pattern for each of the places would take as long to compile.
(_ (declaration
  declarator: [
    (function_declarator declarator: (identifier) @name)
    (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))
  ]) @definition.function) @place
(ERROR (declaration
  declarator: (_ declarator: [
    (identifier) @name
    (_ declarator: (identifier) @name) @declarator
  ]) @declarator) @definition.function)
(ERROR (field_declaration
  declarator: (_ declarator: [
    (field_identifier) @name
    (_ declarator: (field_identifier) @name) @declarator
  ]) @declarator) @definition.function)

(translation_unit (declaration
  declarator: [
    (identifier) @name
    (_ declarator: [
      (identifier) @name
      (_ declarator: [(identifier) @name (_ declarator: (identifier) @name) @declarator]) @declarator
    ]) @declarator
  ]) @definition.variable)

(struct_specifier
  name: (_) @name
  body: (_) @body) @definition.struct
(union_specifier
  name: (_) @name
  body: (_) @body) @definition.union
(enum_specifier
  name: (_) @name
  body: (_) @body) @definition.enum
(enumerator name: (_) @name) @definition.enum_member

(type_definition
  type: (struct_specifier !name body: (_) @body)
  declarator: (type_identifier) @name) @definition.struct
(type_definition
  type: (union_specifier !name body: (_) @body)
  declarator: (type_identifier) @name) @definition.union
(type_definition
  type: (enum_specifier !name body: (_) @body)
  declarator: (type_identifier) @name) @definition.enum
(type_definition
  type: (_ name: (_) body: (_))
  declarator: (type_identifier) @name @definition.type)
(type_definition
  declarator: [
    (type_identifier) @name
    (_ declarator: [
      (type_identifier) @name
      (_ (_ declarator: (type_identifier) @name) @declarator) @declarator
    ]) @declarator
  ]) @definition.type

(field_declaration
  declarator: [
    (field_identifier) @name
    (_ declarator: [
      (field_identifier) @name
      (_ (_ declarator: (field_identifier) @name) @declarator) @declarator
    ]) @declarator
  ]) @definition.field

(preproc_def
  name: (_) @name
  value: (_)) @definition.macro
(preproc_function_def
  name: (_) @name
  value: (_)? @body) @definition.macro

(comment) @comment
