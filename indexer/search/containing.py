"""Chunks whose text must hold something: literals as they are written, and what a regular expression matches.

Expressions are re2's: it looks at each character once, so that no expression takes long, unlike Python's own. What it
can't do for that reason, references to groups and looking around, is an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from indexer.errors import ConfigError
from indexer.languages.analyzer import word_terms
from indexer.search.verbatim import verbatim

if TYPE_CHECKING:
    from indexer.stores.text.index import TextIndex

READ_AT_ONCE = 512
READ_ALL = 1_000
"""Up to so many chunks that have the words are all read; of more, those that are found."""
MOST_READ = 1 << 17
"""Of so many chunks it is remembered whether they hold it, about 12 MB; then the memory starts anew."""
MAX_PATTERN_CHARS = 1000
_WORD = re.compile(r"\w+")
_BY_LINE = "(?m)"
"""Lets ^ and $ match at each line; a prefix, since a group would end at the expression's own unpaired parenthesis."""


class Containing:
    """What a chunk's text must hold: every literal, and a match of the expression, if there is one."""

    def __init__(self, literals: Sequence[str], pattern: str) -> None:
        """Compile; raises ConfigError for an expression that re2 can't read."""
        self.literals = tuple(literals)
        self._pattern = _compiled(pattern) if pattern else None

    @cached_property
    def terms(self) -> list[str]:
        """The terms that every such text has in the text index."""
        words = (word for literal in self.literals for word in _WORD.findall(literal))
        return [term for word in words for term in word_terms(word)[:1]]

    def row(self, text: str) -> int | None:
        """Return the first row, from 0, of what the text holds; None where it lacks any of it."""
        start = 0
        for literal in self.literals:
            place = next(verbatim(text, literal), None)
            if place is None:
                return None
            start = place[0]
        if self._pattern is not None:
            match = self._pattern.search(text)
            if match is None:
                return None
            start = match.start()
        return text.count("\n", 0, start)


class Reading:
    """Says which chunks of a text index hold something; each is read once. Safe to share between threads."""

    def __init__(self, text: TextIndex, held: Containing) -> None:
        self._text = text
        self._held = held
        self._known: dict[int, bool] = {}

    def __call__(self, ids: Sequence[int]) -> set[int]:
        """Return those of the chunks that hold it."""
        known = self._known
        unknown = [chunk_id for chunk_id in ids if chunk_id not in known]
        if len(known) + len(unknown) > MOST_READ:
            self._known = known = {}
            unknown = list(ids)
        for first in range(0, len(unknown), READ_AT_ONCE):
            chunks = self._text.documents(unknown[first : first + READ_AT_ONCE]).values()
            known.update((chunk.id, self._held.row(chunk.text) is not None) for chunk in chunks)
            if first:  # memory is to be that of a few batches
                self._text.let_go()
        return {chunk_id for chunk_id in ids if known.get(chunk_id)}


@lru_cache(maxsize=32)
def containing(literals: tuple[str, ...], pattern: str) -> Containing | None:
    """Return what a text must hold; None where it is nothing."""
    return Containing(literals, pattern) if literals or pattern else None


def _compiled(pattern: str) -> Any:
    import re2

    if len(pattern) > MAX_PATTERN_CHARS:
        raise ConfigError(f"an expression of {len(pattern):,} characters; give no more than {MAX_PATTERN_CHARS:,}")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(_BY_LINE + pattern, options)
    except UnicodeEncodeError as error:
        raise ConfigError(f"{pattern!r}: is not UTF-8, as all that is searched; give an expression that is") from error
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ConfigError(f"'{pattern}': is no expression that re2 can read: {_located(reason, pattern)}") from error


def _located(reason: str, pattern: str) -> str:
    """Return what re2 says, with the place of the part that it names; it names the whole where it knows no place."""
    what, _, part = reason.partition(": ")
    part = part.removeprefix(_BY_LINE)
    if part in ("", pattern):
        return what
    return f"{what}: {part}" + (f" at character {pattern.index(part) + 1}" if pattern.count(part) == 1 else "")
