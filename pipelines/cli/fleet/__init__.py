"""`indexer fleet`: which fleet, its commands, its search, and what they say."""

from .group import command

__all__ = ["command"]
