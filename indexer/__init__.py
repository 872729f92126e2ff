"""Index a code base: walk, detect, parse, chunk, embed, reduce, commit; then search."""
