"""Files to chunks, in processes that may die alone."""
