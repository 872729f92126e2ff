"""Which programming languages a question names, and a query without some of its words.

Who asks `sort a list in python` of a repository of Python means all of it: that word says nothing of where to look,
and is written in few chunks, so that it would weigh more than what is asked about.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from indexer.languages.analyzer import stem
from indexer.languages.registry import LANGUAGES
from indexer.search.query import Query, QueryKind

_FORMATS = (
    *("css", "scss", "html", "markdown", "toml", "yaml", "json", "notebook"),
    *("sql", "make", "dockerfile", "terraform", "protobuf"),
)
"""What a question names as a thing, not as the language that the code is in."""
_LANGUAGE_NAMES = {
    stem(name): row.name
    for row in LANGUAGES.values()
    if row.has_symbols and row.name not in _FORMATS
    for name in (row.name, *row.aliases)
}


def languages_named(query: Query) -> dict[str, str]:
    """Return the programming languages that a question in words names, by its word for each."""
    if query.kind is not QueryKind.NATURAL:
        return {}
    return {word: language for word in query.words if (language := _LANGUAGE_NAMES.get(word))}


def without(query: Query, words: Collection[str]) -> Query:
    """Return a query without some of its words, and names that are these, unless it has no others."""
    kept = {word: gain for word, gain in query.words.items() if word not in words}
    names = tuple(name for name in query.names if stem(name.lower()) not in words)
    return replace(query, words=kept, names=names) if kept else query
