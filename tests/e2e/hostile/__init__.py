"""Repositories and indexes that a stranger made to do harm."""
