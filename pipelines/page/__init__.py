"""A report as one page that a person opens from disk."""
