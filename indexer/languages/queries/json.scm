(document (object (pair
  key: (string) @name
  value: [(object) (array)] @body) @definition.key))
(document (object (pair key: (string) @name) @definition.key))
(comment) @comment
