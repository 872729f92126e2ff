"""Which language a file is in, and which tree-sitter query finds its symbols."""
