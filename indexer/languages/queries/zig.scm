(Decl
  (FnProto function: (IDENTIFIER) @name)
  (Block)? @body) @definition.function

(Decl (VarDecl
  variable_type_function: (IDENTIFIER) @name
  (ErrorUnionExpr (SuffixExpr (ContainerDecl (ContainerDeclType "struct") "{" @body))))) @definition.struct
(Decl (VarDecl
  variable_type_function: (IDENTIFIER) @name
  (ErrorUnionExpr (SuffixExpr (ContainerDecl (ContainerDeclType "enum") "{" @body))))) @definition.enum
(Decl (VarDecl
  variable_type_function: (IDENTIFIER) @name
  (ErrorUnionExpr (SuffixExpr (ContainerDecl (ContainerDeclType "union") "{" @body))))) @definition.union
(Decl (VarDecl
  variable_type_function: (IDENTIFIER) @name
  (ErrorUnionExpr (SuffixExpr (ContainerDecl))))) @definition.type
(Decl (VarDecl
  variable_type_function: (IDENTIFIER) @name
  (ErrorUnionExpr (SuffixExpr (ErrorSetDecl))))) @definition.enum
(source_file (Decl (VarDecl
  "const"
  variable_type_function: (IDENTIFIER) @name)) @definition.constant)
(source_file (Decl (VarDecl variable_type_function: (IDENTIFIER) @name)) @definition.variable)
(ContainerDecl (Decl (VarDecl
  "const"
  variable_type_function: (IDENTIFIER) @name)) @definition.constant)
(ContainerField field_member: (IDENTIFIER) @name) @definition.field
(ContainerField . (ErrorUnionExpr (SuffixExpr variable_type_function: (IDENTIFIER) @name))) @definition.enum_member

(TestDecl
  [(STRINGLITERALSINGLE) (IDENTIFIER)] @name
  (Block) @body) @definition.test

"pub" @leading
(line_comment) @comment
(doc_comment) @comment
