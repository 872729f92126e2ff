"""Which lines of a chunk a hit shows, and which of them answers best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from math import fsum

from indexer.languages.analyzer import beginning, terms_of_words

_NONE: frozenset[str] = frozenset()


def terms_by_row(text: str, asked: Mapping[str, float]) -> list[AbstractSet[str]]:
    """Return which of the query's terms each row of a text has."""
    lines = text.split("\n")
    among = frozenset(asked).intersection
    present: list[AbstractSet[str]] = [_NONE] * len(lines)
    for row in _rows_to_read(text, tuple(asked)) if text.isascii() else range(len(lines)):
        present[row] = among(terms_of_words(lines[row]))
    return present


def _rows_to_read(text: str, asked: tuple[str, ...]) -> set[int]:
    """Return the rows of a text of plain ASCII that may have one of the terms: to find these takes less than to read
    all words."""
    plain = text.lower().replace("_", "")
    rows: set[int] = set()
    for start in _beginnings(asked):
        at, row, counted = plain.find(start), 0, 0
        while at >= 0:
            row += plain.count("\n", counted, at)
            rows.add(row)
            counted, end = at, plain.find("\n", at)
            at = plain.find(start, end) if end >= 0 else -1
    return rows


@lru_cache(maxsize=16)
def _beginnings(asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a row must hold one of to have one of the terms: none that holds another."""
    found: list[str] = []
    for start in sorted({beginning(term) for term in asked}, key=len):
        if not any(other in start for other in found):
            found.append(start)
    return tuple(found)


def best_row(present: Sequence[AbstractSet[str]], asked: Mapping[str, float], *, otherwise: int) -> int:
    """Return the row with most of the query's terms, by their weights: `otherwise` if that is one of them, or none is.

    `present` are the terms that each row has.
    """
    # Exact sums, since the order of a set changes from process to process.
    gains = [fsum([asked[term] for term in own]) if own else 0.0 for own in present]
    most = max(gains)
    return otherwise if gains[otherwise] == most else gains.index(most)


def shown_rows(
    present: Sequence[AbstractSet[str]],
    asked: Mapping[str, float],
    row: int,
    *,
    lines: int,
    first: int,
    is_outline: bool,
) -> list[int]:
    """Return up to `lines` rows, the best one `row` among them, in order.

    They follow one another: the window from row `first` on that has most of the query's terms, the earliest of the
    best. Of an outline they are its first row and those that have terms.
    """
    count = len(present)
    if count <= lines:
        return list(range(count))
    if is_outline:
        gains = {place: fsum(asked[term] for term in own) for place, own in enumerate(present) if own}
        best = sorted(gains, key=lambda place: (-gains[place], place))
        return sorted(list(dict.fromkeys([row, 0, *best, *range(count)]))[:lines])
    if first:
        return list(range(min(first, count - 1), min(first + lines, count)))
    earliest, latest = max(0, row - lines + 1), min(row, count - lines)
    windows = {
        start: fsum([asked[term] for term in _NONE.union(*present[start : start + lines])])
        for start in range(earliest, latest + 1)
    }
    start = min(windows, key=lambda start: (-windows[start], start), default=0)
    return list(range(start, start + lines))
