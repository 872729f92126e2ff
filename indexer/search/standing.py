"""Chunks in which what the query writes stands as it is written: found by its words, checked against their text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from indexer.languages.analyzer import FLAG, word_terms
from indexer.search.candidates import allowed_chunks
from indexer.search.file_kinds import FileKind, file_kind
from indexer.search.filters import Selection
from indexer.search.literals import Literals, phrase, verbatim
from indexer.search.query import STEPS, Query, QueryKind
from indexer.stores.text.document import StoredChunk, source_path

if TYPE_CHECKING:
    from indexer.stores.generation.reader import Generation

CHECKED = 64
"""How many chunks that have the words are read to see whether they stand as asked for."""
TOO_MANY = 48
"""What stands in so many chunks tells nothing."""
LIKELY = 24
"""How many chunks with most of the words are read when none has all."""
MOST = 0.7
"""The share, by weight, of the words which must stand in a row to be evidence."""
MOST_WORDS = 12
SURE_WORDS = 6
"""So many words in a row are no chance, even where no value of a format string shows that it is the text."""
FIRST_WHOLE = 10
FIRST_PART = 3
"""How many chunks come first when the whole query stands in them, and when a part does."""
AFTER_CHANCE = 3
"""How many chunks come before those in which a few plain words stand, perhaps by chance."""

_KEY = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]*|\w+(?:[.-]\w+)+")
_DEFINES = re.compile(r"\s*(?:[a-z]+\s+)?[\"'`]?[\w.-]+[\"'`]?\s*(?::|=(?!=)|=>)")
_WORD = re.compile(r"\w+")
_QUOTE = re.compile(r"[\"'`]")
_COMMENT = re.compile(r"\s*(?:#|//|/?\*|--|;|%)")


class Sureness(IntEnum):
    """How surely a chunk is what is asked for, the surest first."""

    PLACE = 0
    DEFINED = 1
    WHOLE = 2
    WORDS = 3
    MOSTLY = 4
    PART = 5
    CHANCE = 6


class Role(IntEnum):
    """What a line does with a text that stands in it."""

    DEFINES = 0
    QUOTES = 1
    NAMES = 2
    COMMENTS = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """A chunk in which some of the query stands, on which line of its text, from 0, and what that is worth."""

    chunk: StoredChunk
    row: int
    sureness: Sureness
    share: float
    score: float

    @property
    def order(self) -> tuple[int, float, FileKind, Role]:
        """What puts one before another: sureness, how much stands there, the sort of file, and what the line does."""
        line = self.chunk.text.split("\n")[self.row]
        if _COMMENT.match(line):
            role = Role.COMMENTS
        elif _DEFINES.match(line):
            role = Role.DEFINES
        else:
            role = Role.QUOTES if _QUOTE.search(line) else Role.NAMES
        return self.sureness, -round(self.share, 1), file_kind(source_path(self.chunk.path)), role


def standing(
    generation: Generation, query: Query, literals: Literals, selection: Selection, paths: Mapping[str, Sequence[str]]
) -> list[Standing]:
    """Return the chunks of one generation in which the query, or a part of it that is written as only code is, stands.

    Of the ways in which it can, the surest that any chunk has. `paths` maps lower-cased file names to paths.
    """
    look = _Look(generation, query, selection)
    if query.kind is QueryKind.PATH and any(path.rpartition("/")[2].lower() in paths for path in query.paths):
        return look.verbatim(literals.whole, Sureness.CHANCE)
    if query.kind is QueryKind.SYMBOL and (named := look.named(literals)):
        return named if len(named) == 1 else []
    return (
        look.at_places(literals, paths)
        or look.whole(literals)
        or look.filled_in(literals)
        or look.parts(literals)
        or look.mostly(literals)
    )


class _Look:
    """One query's look into one generation."""

    def __init__(self, generation: Generation, query: Query, selection: Selection) -> None:
        self.generation = generation
        self.text = generation.text
        self.query = query
        self.selection = selection

    def at_places(self, literals: Literals, paths: Mapping[str, Sequence[str]]) -> list[Standing]:
        """Return the smallest chunk over each line that the query names, in files whose paths end as it says."""
        found: list[Standing] = []
        for written, line in literals.places:
            ending = "/" + written.replace("\\", "/").strip("./").lower()
            for path in paths.get(ending.rpartition("/")[2], ()):
                if not f"/{path.lower()}".endswith(ending) and not ending.endswith(f"/{path.lower()}"):
                    continue
                chunks = self.documents(self.generation.catalog.chunk_ids_of(path))
                over = [chunk for chunk in chunks if chunk.start_line <= line <= chunk.end_line]
                if over:
                    chunk = min(over, key=lambda chunk: (chunk.end_line - chunk.start_line, chunk.start_line, chunk.id))
                    found.append(Standing(chunk, chunk.row_of(line), Sureness.PLACE, 1.0, 0.0))
        return found

    def named(self, literals: Literals) -> list[Standing]:
        """Return the definitions of a query that is nothing but a name, at the lines of their names."""
        steps = STEPS.split(literals.whole.removesuffix("()"))
        ending = "." + ".".join(steps)
        ids = self.text.find("name", steps[-1].lower(), limit=TOO_MANY)
        return [
            Standing(chunk, chunk.row_of(own.line), Sureness.DEFINED, 1.0, 0.0)
            for chunk in self.documents(ids)
            for own in chunk.definitions
            if ("." + ".".join(STEPS.split(own.qualified_name))).endswith(ending)
        ]

    def whole(self, literals: Literals) -> list[Standing]:
        """Return the chunks in which the whole query stands, as it is written, or its words in a row."""
        if not literals.whole:
            return []
        # Words find where a name is used; a constant or a key may be nothing but text.
        is_name = self.query.kind is QueryKind.SYMBOL and not _KEY.fullmatch(literals.whole)
        by_chance = is_name or not literals.is_telling
        written = self.verbatim(literals.whole, Sureness.CHANCE if by_chance else Sureness.WHOLE)
        if written or len(literals.words) < 2 or by_chance:
            return written
        return self.in_a_row(literals.words, literals.words, 1.0, Sureness.WORDS)

    def filled_in(self, literals: Literals) -> list[Standing]:
        """Return the chunks in which stands what is no value in an error text."""
        for words in literals.constant:
            if words == literals.words:
                continue
            if found := self.in_a_row(literals.words, words, MOST, Sureness.MOSTLY):
                return found
        return []

    def in_a_row(
        self, words: tuple[str, ...], constant: tuple[str, ...], least: float, sureness: Sureness
    ) -> list[Standing]:
        """Return the chunks that have the constant words, `least` of them in a row or around values."""
        weights = dict.fromkeys(constant, 1.0)

        def check(text: str) -> tuple[int, float] | None:
            match = phrase(text, words, weights)
            if match is None or match.share < least:
                return None
            is_sure = least == 1.0 or match.has_value or match.words >= SURE_WORDS
            return (match.row, match.share) if is_sure else None

        return self.holding(constant, check, sureness)

    def parts(self, literals: Literals) -> list[Standing]:
        """Return the chunks in which a part stands that is written as only code is: the one that fewest have."""
        found = [own for part in literals.parts if (own := self.verbatim(part, Sureness.PART))]
        return min(found, key=len, default=[])

    def mostly(self, literals: Literals) -> list[Standing]:
        """Return the chunks in which most of the words stand in a row, by the weight of those that are known."""
        terms = {word: term for word in literals.words if (term := _term(word))}
        known = self.text.frequencies([("body", term) for term in terms.values()])
        total = self.text.count
        weights = {
            word: math.log(1 + (total - own + 0.5) / (own + 0.5))
            for word, term in terms.items()
            if (own := known["body", term])
        }
        if len(weights) < 3:
            return []
        rarest = sorted(weights, key=lambda word: (-weights[word], word))[:MOST_WORDS]
        asked = {terms[word]: weights[word] for word in rarest}
        matches = self.text.holding_most(
            asked, "body", limit=LIKELY, filters=self.selection.filters, any_of=sorted(self.selection.only or ())
        )
        least = MOST * sum(asked.values())
        likely = {match.id: match.score for match in matches if match.score >= least}
        found: list[Standing] = []
        for chunk in self.documents(list(likely)):
            match = phrase(chunk.text, literals.words, weights)
            if match and match.share >= MOST and (match.has_value or match.words >= SURE_WORDS):
                found.append(Standing(chunk, match.row, Sureness.MOSTLY, match.share, likely[chunk.id]))
        return found

    def verbatim(self, literal: str, sureness: Sureness) -> list[Standing]:
        """Return the chunks in which a literal stands as it is written."""
        pattern = verbatim(literal)

        def check(text: str) -> tuple[int, float] | None:
            found = pattern.search(text)
            return (text.count("\n", 0, found.start()), 1.0) if found else None

        return self.holding([literal] if FLAG.fullmatch(literal) else _WORD.findall(literal), check, sureness)

    def holding(
        self, words: Sequence[str], check: Callable[[str], tuple[int, float] | None], sureness: Sureness
    ) -> list[Standing]:
        """Return the chunks that have all the words and pass the check, unless too many do."""
        terms = [word if FLAG.fullmatch(word) else _term(word) for word in words]
        terms = [term for term in terms if term]
        if not terms:
            return []
        matches = self.text.holding_all(
            terms, "body", limit=CHECKED, filters=self.selection.filters, any_of=sorted(self.selection.only or ())
        )
        scores = {match.id: match.score for match in matches}
        found = [
            Standing(chunk, stands[0], sureness, stands[1], scores[chunk.id])
            for chunk in self.documents(list(scores))
            if (stands := check(chunk.text))
        ]
        return found if len(found) < TOO_MANY else []

    def documents(self, ids: Sequence[int]) -> list[StoredChunk]:
        """Return the chunks of these ids that the selection lets through."""
        kept = ids
        if self.selection.filters is not None:
            allowed = allowed_chunks(self.generation, self.selection, among=ids)
            kept = [chunk_id for chunk_id in ids if chunk_id in allowed]
        return list(self.text.documents(kept).values())


def _term(word: str) -> str:
    """Return the term of a word that says most: the whole identifier, or the stem; "" where the index has none."""
    return next(iter(word_terms(word)), "")


@dataclass(frozen=True, slots=True)
class First:
    """Chunks, each with the place of its space, that come before the ranking, or after so many of it; best first."""

    chunks: tuple[tuple[int, Standing], ...]
    after: int


NOTHING_FIRST = First((), 0)


def first_of(found: Sequence[tuple[int, Standing]], places: Mapping[tuple[int, str], int]) -> First:
    """Return what comes first of what stands in several spaces: the surest that there is.

    Equals are in the order of their files, whose places in the ranking are given by space and path.
    """
    surest = min((own.sureness for _, own in found), default=Sureness.CHANCE)
    kept = [(space, own) for space, own in found if own.sureness is surest]

    def order(entry: tuple[int, Standing]) -> tuple[object, ...]:
        space, own = entry
        path = source_path(own.chunk.path)
        depth = path.count("/") if own.sureness is Sureness.PLACE else 0
        return own.order, depth, places.get((space, path), len(places)), -own.score, path, own.chunk.start_line, space

    kept.sort(key=order)
    count = FIRST_WHOLE if surest <= Sureness.MOSTLY else FIRST_PART
    return First(tuple(kept[:count]), AFTER_CHANCE if surest is Sureness.CHANCE else 0)
