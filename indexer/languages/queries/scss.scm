(mixin_statement
  name: (_) @name
  (block) @body) @definition.macro
(function_statement
  name: (_) @name
  (block) @body) @definition.function
(rule_set
  (selectors) @name
  (block) @body) @definition.rule
(keyframes_statement
  (keyframes_name) @name
  (keyframe_block_list) @body) @definition.rule
(stylesheet (declaration (property_name) @name) @definition.variable)
(comment) @comment
(js_comment) @comment
