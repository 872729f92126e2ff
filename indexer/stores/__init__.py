"""Nouns: each store persists one thing; `generation` commits them together."""
