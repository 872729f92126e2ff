"""Text, vectors and catalog that belong together: read, staged, and committed at one point."""
