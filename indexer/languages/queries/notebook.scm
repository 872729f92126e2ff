((document (object (pair
  key: (string (string_content) @_cells)
  value: (array (object
    .
    "{" @body
    (pair
      key: (string (string_content) @_type)
      value: (string (string_content) @name))) @definition.cell))))
  (#eq? @_cells "cells")
  (#eq? @_type "cell_type"))
((document (object (pair key: (string (string_content) @name)) @definition.key))
  (#not-eq? @name "cells"))
