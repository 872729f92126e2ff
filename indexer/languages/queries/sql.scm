(create_table
  [(keyword_table) (keyword_exists)]
  .
  (object_reference) @name
  (column_definitions)? @body) @definition.table
(column_definition name: (_) @name) @definition.field
(create_view
  [(keyword_view) (keyword_exists)]
  .
  (object_reference) @name
  (keyword_as) @body) @definition.table
(create_materialized_view
  [(keyword_view) (keyword_exists)]
  .
  (object_reference) @name
  (keyword_as) @body) @definition.table
(create_function
  (keyword_function)
  .
  (object_reference) @name
  (function_body) @body) @definition.function
(create_trigger (keyword_trigger) . (object_reference) @name) @definition.function
(create_type (keyword_type) . (object_reference) @name) @definition.type
(create_schema (identifier) @name) @definition.namespace
(create_index column: (identifier) @name) @definition.rule
(create_sequence (object_reference) @name) @definition.variable

(statement (_) @wrapped) @wrapper
(comment) @comment
(marginalia) @comment
