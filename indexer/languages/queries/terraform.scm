((block
  .
  (identifier) @_block @owner
  .
  (string_lit (template_literal) @owner)
  .
  (string_lit (template_literal) @name)
  (block_start) @body) @definition.resource
  (#eq? @_block "data"))
(block
  .
  (identifier) @_block
  .
  (string_lit (template_literal) @owner)
  .
  (string_lit (template_literal) @name)
  (block_start) @body) @definition.resource
(block
  .
  (identifier) @owner
  .
  (string_lit (template_literal) @name)
  .
  (block_start) @body) @definition.resource
(config_file (body (block
  .
  (identifier) @name
  .
  (block_start) @body) @definition.resource))
((block
  .
  (identifier) @_block
  (body (attribute (identifier) @name) @definition.variable))
  (#eq? @_block "locals"))
(config_file (body (attribute (identifier) @name) @definition.variable))
(comment) @comment
