"""Symbols and lines to chunks, the units of retrieval."""
