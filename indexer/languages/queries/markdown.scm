(document (section
  .
  (atx_heading . (_) @level heading_content: (inline) @name)
  .
  (_)? @body) @definition.section)
(section (section
  .
  (atx_heading . (_) @level heading_content: (inline) @name)
  .
  (_)? @body) @definition.section)
(section
  .
  (atx_heading heading_content: (inline) @name)
  .
  (_)? @body) @definition.section
(setext_heading
  heading_content: (paragraph (inline) @name)
  [(setext_h1_underline) (setext_h2_underline)] @body @level) @definition.section
