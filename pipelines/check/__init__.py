"""Is an index whole, and how it is mended."""
