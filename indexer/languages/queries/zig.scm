(Decl
  (_ function: (IDENTIFIER) @name)
  (Block)? @body) @definition.function

(Decl (_
  variable_type_function: (IDENTIFIER) @name
  (_ (_ (_ (_ "struct") "{" @body))))) @definition.struct
(Decl (_
  variable_type_function: (IDENTIFIER) @name
  (_ (_ (_ (_ "enum") "{" @body))))) @definition.enum
(Decl (_
  variable_type_function: (IDENTIFIER) @name
  (_ (_ (_ (_ "union") "{" @body))))) @definition.union
(Decl (_
  variable_type_function: (IDENTIFIER) @name
  (_ (_ (ContainerDecl))))) @definition.type
(Decl (_
  variable_type_function: (IDENTIFIER) @name
  (_ (_ (ErrorSetDecl))))) @definition.enum
(source_file (_ (_
  "const"
  variable_type_function: (IDENTIFIER) @name)) @definition.constant)
(source_file (_ (_ variable_type_function: (IDENTIFIER) @name)) @definition.variable)
(ContainerDecl (_ (_
  "const"
  variable_type_function: (IDENTIFIER) @name)) @definition.constant)
(ContainerField field_member: (IDENTIFIER) @name) @definition.field
(ContainerField . (_ (_ variable_type_function: (IDENTIFIER) @name))) @definition.enum_member

(TestDecl
  [(STRINGLITERALSINGLE) (IDENTIFIER)] @name
  (Block) @body) @definition.test

"pub" @leading
(line_comment) @comment
(doc_comment) @comment
