(binary_operator
  lhs: [(identifier) (string) (extract_operator)] @name
  operator: ["<-" "=" "<<-"]
  rhs: (function_definition body: (_) @body)) @definition.function

((binary_operator
  lhs: (identifier) @name
  operator: ["<-" "="]
  rhs: (call
    function: [(identifier) @_class (namespace_operator rhs: (identifier) @_class)]
    arguments: (_) @body)) @definition.class
  (#any-of? @_class "R6Class" "setRefClass" "ggproto" "new_class"))
((call
  function: (identifier) @_list
  arguments: (arguments (argument
    name: (identifier) @name
    value: (function_definition body: (_) @body)) @definition.method))
  (#eq? @_list "list"))

((call
  function: (identifier) @_call
  arguments: (arguments . (argument value: (string) @name))) @definition.class
  (#eq? @_call "setClass"))
((call
  function: (identifier) @_call
  arguments: (arguments
    .
    (argument value: (string) @name)
    (argument value: (function_definition body: (_) @body)))) @definition.function
  (#any-of? @_call "setGeneric" "setMethod"))
((call
  function: (identifier) @_call
  arguments: (arguments
    .
    (argument value: (string) @name)
    (argument value: (braced_expression) @body))) @definition.test
  (#any-of? @_call "test_that" "describe" "it"))

((program (binary_operator
  lhs: (identifier) @name
  operator: ["<-" "="]) @definition.constant)
  (#match? @name "^[A-Z][A-Z0-9_.]+$"))
(program (binary_operator
  lhs: (identifier) @name
  operator: ["<-" "="]) @definition.variable)

(comment) @comment
