"""Words of a query in a row in a text, whatever stands between them, and whatever stands for its values.

Where the text has the value of a format string (`%s`, `{name!r}`, `${x}`), the query may have up to MAX_VALUE_WORDS
words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from indexer.languages.analyzer import words_apart
from indexer.search.format_strings import VALUE, Match

MAX_VALUE_WORDS = 8
MAX_EDGE_WORDS = 12
"""What comes before or after all constant words of a text is often a longer value: a path, an address, an error."""
MAX_VALUES = 3
MAX_STARTS = 16
MAX_CHARS = 600
"""How many places that begin as a message does are read to see which goes on so, and how far."""
_VALUE = "\0"
_BETWEEN = f" {_VALUE} "
_ROW = re.compile(r"\w+|\0")
_PREFIX = re.compile(r"[bBfFrRuU](?<!\w\w)[bBfFrRuU]?(?=[\"'])")
_ESCAPE = re.compile(r"\\[nrt]")


def phrase(text: str, words: tuple[str, ...], weights: Mapping[str, float]) -> Match | None:
    """Return where most of the words, by their weights, stand in a row; None where no two do.

    `share` is the weight of those in the row, of all words but those that stand for values there.
    """
    row = _in_one_row(text)
    best, share = _Run("", [], 0, 0), 0.0
    start = 0
    while start < len(words):
        run = _run(row, words, start)
        if len(run.held) > 1:
            gain = sum(weights.get(word, 0.0) for word in set(run.held))
            rest = set(words[: start - run.before] + words[run.end :]).difference(run.held)
            own = gain / ((gain + sum(weights.get(word, 0.0) for word in rest)) or 1.0)
            if own > share:
                best, share = run, own
            start = run.end
        else:
            start += 1
    if not best.text:
        return None
    return Match(_row_of(text, best.text), share, len(best.held), best.has_value)


@lru_cache(maxsize=64)
def _in_one_row(text: str) -> str:
    """Return the words and values of a text, which a search looks at several times, between blanks."""
    read = VALUE.sub(_BETWEEN, _ESCAPE.sub(" ", _PREFIX.sub("", text))).lower()
    words = words_apart(read) if read.isascii() and _VALUE not in text else _ROW.findall(read)
    return f" {' '.join(words)} "


class _Run(NamedTuple):
    """Words of a query in a row, from one to the place `end`, as a text has them; `before` stand for a value there."""

    text: str
    held: list[str]
    before: int
    end: int
    has_value: bool = False


def _run(row: str, words: tuple[str, ...], start: int) -> _Run:
    """Return the longest run from one word on."""
    run, held, at = f" {words[start]} ", [words[start]], start + 1
    if run not in row:
        return _Run("", [], 0, at)
    while at < len(words):
        if f"{run}{words[at]} " in row:
            run, at = f"{run}{words[at]} ", at + 1
        elif found := _past_values(row, words, run, at):
            run, at = found
        else:
            break
        held.append(words[at - 1])
    before = min(start, MAX_EDGE_WORDS) if f" {_VALUE}{run}" in row else 0
    end = min(at + MAX_EDGE_WORDS, len(words)) if f"{run}{_VALUE} " in row else at
    return _Run(run, held, before, end, _VALUE in run or before > 0 or end > at)


def _past_values(row: str, words: tuple[str, ...], run: str, at: int) -> tuple[str, int] | None:
    """Return the run with the next word after values that it goes on with, and the place after that word."""
    for _ in range(MAX_VALUES):
        run = f"{run}{_VALUE} "
        if run not in row:
            return None
        for place in range(at, min(at + MAX_VALUE_WORDS + 1, len(words))):
            if f"{run}{words[place]} " in row:
                return f"{run}{words[place]} ", place + 1
    return None


def _row_of(text: str, run: str) -> int:
    """Return the line on which a run of words begins, or where it is first told from other text."""
    words = run.split(_VALUE, maxsplit=1)[0].split()
    for first in range(max(1, len(words) - 1)):
        pattern = r"\W{1,40}?".join(map(re.escape, words[first : first + 3]))
        found = re.finditer(rf"(?<!\w){pattern}", text, re.IGNORECASE)
        starts = [match.start() for match in islice(found, MAX_STARTS)]
        if starts:
            rest = " ".join(["", *run.split()[first:], ""])
            # Of several texts that begin alike, the one that goes on so.
            begun = (at for at in starts if len(starts) > 1 and _in_one_row(text[at : at + MAX_CHARS]).startswith(rest))
            return text.count("\n", 0, next(begun, starts[0]))
    return 0
