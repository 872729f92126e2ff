((call
  target: (identifier) @_define
  (_ . (alias) @name)
  (do_block
    .
    (unary_operator operand: (call
      target: (identifier) @_moduledoc
      (arguments [(string) (sigil)] @doc)))) @body) @definition.module
  (#eq? @_define "defmodule")
  (#eq? @_moduledoc "moduledoc"))
((call
  target: (identifier) @_define
  (_ . (alias) @name)
  (do_block) @body) @definition.module
  (#eq? @_define "defmodule"))
((call
  target: (identifier) @_define
  (_ . (alias) @name)
  (do_block) @body) @definition.protocol
  (#eq? @_define "defprotocol"))
((call
  target: (identifier) @_define
  (_ . (alias) @name)
  (do_block) @body) @definition.implementation
  (#eq? @_define "defimpl"))

((call
  target: (identifier) @_define
  (arguments
    .
    [
      (identifier) @name
      (_ target: (identifier) @name)
      (_ left: (_ target: (identifier) @name) operator: "when")
      (_ left: (_ left: (identifier) operator: _ @name) operator: "when")
      (_ left: (identifier) operator: _ @name)
    ]
    .
    (keywords)? @body)
  (do_block)? @body) @definition.macro
  (#any-of? @_define "defmacro" "defmacrop" "defguard" "defguardp"))
((call
  target: (identifier) @_define
  (arguments
    .
    [
      (identifier) @name
      (_ target: (identifier) @name)
      (_ left: (_ target: (identifier) @name) operator: "when")
      (_ left: (_ left: (identifier) operator: _ @name) operator: "when")
      (_ left: (identifier) operator: _ @name)
    ]
    .
    (keywords)? @body)
  (do_block)? @body) @definition.function
  (#any-of? @_define "def" "defp" "defdelegate" "defn" "defnp"))

((call
  target: (identifier) @_define
  (_ . (_ (quoted_content) @name))
  (do_block) @body) @definition.test
  (#any-of? @_define "test" "describe" "property"))

((unary_operator
  operator: "@"
  operand: (call
    target: (identifier) @_attribute
    (arguments . (_
      left: [(identifier) @name (_ target: (identifier) @name)]
      operator: "::")))) @definition.type
  (#any-of? @_attribute "type" "typep" "opaque"))
((unary_operator
  operator: "@"
  operand: (call
    target: (identifier) @_attribute
    (arguments . (_
      left: (_ target: (identifier) @name)
      operator: "::")))) @definition.method
  (#any-of? @_attribute "callback" "macrocallback"))
((unary_operator
  operator: "@"
  operand: (call
    target: (identifier) @name
    (arguments))) @definition.constant
  (#not-match? @name "^(after_|before_|behaviour|callback|compile|deprecated|derive|dialyzer|doc|enforce_keys|external_|impl|macrocallback|module|on_|opaque|optional_|since|spec|tag|type)"))

((unary_operator
  operator: "@"
  operand: (call
    target: (identifier) @_attribute
    (arguments [(string) (sigil)] @doc))) @leading
  (#any-of? @_attribute "doc" "typedoc"))
((unary_operator
  operator: "@"
  operand: (call target: (identifier) @_attribute)) @leading
  (#any-of? @_attribute "doc" "typedoc" "spec" "impl" "deprecated" "tag"))
(comment) @comment
