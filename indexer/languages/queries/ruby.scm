(module
  name: (_) @name
  [body: (_) "end"]? @body) @definition.module
(class
  name: (_) @name
  superclass: (_)?
  [body: (_) "end"]? @body) @definition.class
((assignment
  left: (constant) @name
  right: (call
    receiver: (constant) @_factory
    block: (_) @body)) @definition.class
  (#any-of? @_factory "Struct" "Class" "Data" "Module"))

((method
  name: (_) @name
  parameters: (_)?
  [body: (_) "end"]? @body) @definition.constructor
  (#eq? @name "initialize"))
(method
  name: (_) @name
  parameters: (_)?
  [body: (_) "end"]? @body) @definition.method
(singleton_method
  object: (self) @static
  name: (_) @name
  parameters: (_)?
  [body: (_) "end"]? @body) @definition.method
(singleton_method
  object: (constant) @owner @static
  name: (_) @name
  parameters: (_)?
  [body: (_) "end"]? @body) @definition.method
(alias name: (_) @name) @definition.method
((call
  method: (identifier) @_call
  arguments: (argument_list . (simple_symbol) @name)) @definition.method
  (#any-of? @_call "alias_method" "define_method"))
((call
  method: (identifier) @_call
  arguments: (argument_list (simple_symbol) @name)) @definition.property
  (#any-of? @_call "attr_reader" "attr_writer" "attr_accessor"))

(assignment left: (constant) @name) @definition.constant

((call
  method: (identifier) @_call
  arguments: (argument_list . [(string (string_content) @name) (constant) @name (scope_resolution) @name])
  block: (_) @body) @definition.test
  (#any-of? @_call "describe" "context" "it" "specify" "feature" "scenario" "test" "should"))
((call
  method: (identifier) @_call
  arguments: (argument_list . (simple_symbol) @name)
  block: (_) @body) @definition.namespace
  (#eq? @_call "namespace"))
((call
  method: (identifier) @_call
  arguments: (argument_list . [(simple_symbol) @name (pair key: (_) @name) (string (string_content) @name)])
  block: (_)? @body) @definition.target
  (#eq? @_call "task"))

(comment) @comment
