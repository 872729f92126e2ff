(from_instruction as: (image_alias) @name) @definition.stage @open
(from_instruction (image_spec name: (image_name) @name)) @definition.stage @open
(arg_instruction name: (_) @name) @definition.variable
(env_pair name: (_) @name) @definition.variable

(env_instruction . (env_pair) @wrapped .) @wrapper
(comment) @comment
