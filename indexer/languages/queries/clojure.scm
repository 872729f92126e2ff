((source (list_lit
  .
  (sym_lit name: (sym_name) @_define)
  .
  (sym_lit name: (sym_name) @scope)))
  (#any-of? @_define "ns" "in-ns"))

((source (list_lit
  .
  (sym_lit name: (sym_name) @_define)
  .
  (sym_lit name: (sym_name) @name)
  .
  (str_lit)? @doc
  .
  (map_lit)?
  .
  (vec_lit)
  .
  (_) @body) @definition.function)
  (#any-of? @_define "defn" "defn-" "defmethod" "defmulti" "definline"))
((source (list_lit
  .
  (sym_lit name: (sym_name) @_define)
  .
  (sym_lit name: (sym_name) @name)
  .
  (str_lit)? @doc
  .
  (_) @body) @definition.function)
  (#any-of? @_define "defn" "defn-" "defmethod" "defmulti" "definline"))
((source (list_lit
  .
  (sym_lit name: (sym_name) @_define)
  .
  (sym_lit name: (sym_name) @name)
  .
  (str_lit)? @doc
  .
  (vec_lit)?
  .
  (_) @body) @definition.macro)
  (#eq? @_define "defmacro"))
((source (list_lit
  .
  (sym_lit name: (sym_name) @_define)
  .
  (sym_lit name: (sym_name) @name)
  .
  (_) @body) @definition.test)
  (#any-of? @_define "deftest" "defspec"))
((source (list_lit
  .
  (sym_lit name: (sym_name) @_define)
  .
  (sym_lit name: (sym_name) @name)
  .
  (str_lit)? @doc
  .
  (_)? @body) @definition.protocol)
  (#any-of? @_define "defprotocol" "definterface"))
((source (list_lit
  .
  (sym_lit name: (sym_name) @_define)
  .
  (sym_lit name: (sym_name) @name)
  .
  (vec_lit)
  .
  (_)? @body) @definition.struct)
  (#any-of? @_define "defrecord" "deftype"))
((source (list_lit
  .
  (sym_lit name: (sym_name) @_define)
  .
  (sym_lit name: (sym_name) @name)
  .
  (_) @body) @definition.implementation)
  (#any-of? @_define "extend-type" "extend-protocol"))
((source (list_lit
  .
  (sym_lit name: (sym_name) @_define)
  .
  (sym_lit name: (sym_name) @name)
  .
  (str_lit)? @doc) @definition.variable)
  (#any-of? @_define "def" "defonce" "declare"))
((source (list_lit
  .
  (sym_lit name: (sym_name) @_define)
  (list_lit
    .
    (sym_lit name: (sym_name) @name)
    .
    (vec_lit)
    .
    (_)? @body) @definition.method))
  (#any-of? @_define "defprotocol" "defrecord" "deftype" "extend-type" "extend-protocol"))

(comment) @comment
