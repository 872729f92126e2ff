"""Words: BM25 over chunks, and all that a hit shows of one."""
