((element
  (start_tag (attribute
    (attribute_name) @_id
    (quoted_attribute_value (attribute_value) @name)))
  .
  (_)? @body) @definition.element
  (#eq? @_id "id"))
((element
  (start_tag (tag_name) @_tag)
  .
  (text) @name) @definition.section
  (#any-of? @_tag "title" "h1" "h2" "h3" "h4" "h5" "h6" "caption" "summary"))
(script_element (start_tag (tag_name) @name) (raw_text) @body) @definition.element
(style_element (start_tag (tag_name) @name) (raw_text) @body) @definition.element
(comment) @comment
