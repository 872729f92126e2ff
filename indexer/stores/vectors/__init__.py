"""Meaning: immutable segments of int8 vectors."""
