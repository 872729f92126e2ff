"""The window of a chunk that a hit shows."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.languages.analyzer import terms
from indexer.search.answer import snippet
from indexer.search.query import read_query

ROWS = st.lists(st.sampled_from(["", "alpha", "beta gamma", "alphaBeta", "delta", "gamma alpha"]), max_size=14)


@given(ROWS, st.integers(1, 5))
@settings(max_examples=60)
def test_the_first_window_with_the_most_of_the_query(rows: list[str], lines: int) -> None:
    query = read_query("alpha beta gamma")
    asked = {**query.words, **query.wholes}

    def gain(start: int) -> float:
        window = set(terms("\n".join(rows[start : start + lines])))
        return round(sum(sorted(asked[term] for term in asked.keys() & window)), 9)

    starts = range(max(1, len(rows) - lines + 1))
    best = max(starts, key=lambda start: (gain(start), -start))
    shown, line = snippet("\n".join(rows), query, start_line=10, lines=lines)
    assert (shown, line) == ("\n".join(rows[best : best + lines]), 10 + best)


def test_without_a_query_the_start_is_shown() -> None:
    assert snippet("a\nb\nc", None, start_line=3, lines=2) == ("a\nb", 3)
