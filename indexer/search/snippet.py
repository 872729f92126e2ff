"""The lines of a chunk that show best why it was found."""

from __future__ import annotations

from math import fsum

from indexer.languages.analyzer import terms
from indexer.search.query import Query

SNIPPET_LINES = 8


def snippet(text: str, query: Query | None, *, start_line: int, lines: int = SNIPPET_LINES) -> tuple[str, int]:
    """Return up to `lines` lines of a chunk's text and the number of the first of them.

    The window that holds most of the query's words, the earliest of the best; without a query the chunk's start.
    """
    rows = text.split("\n")
    if query is None or len(rows) <= lines:
        return "\n".join(rows[:lines]), start_line
    asked = {**query.words, **query.wholes}
    present = [asked.keys() & terms(row) for row in rows]
    best, best_gain = 0, -1.0
    for start in range(len(rows) - lines + 1):
        if start and not present[start + lines - 1]:
            continue  # it can't hold more than the one before
        # An exact sum, since the order of a set changes from process to process.
        gain = fsum(asked[term] for term in set[str]().union(*present[start : start + lines]))
        if gain > best_gain:
            best, best_gain = start, gain
    return "\n".join(rows[best : best + lines]), start_line + best
