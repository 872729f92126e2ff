"""Verbs: each stage turns one kind of data into the next and keeps nothing."""
