"""One query's look into one generation for what it writes: found by its words, checked against their text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from indexer.languages.analyzer import FLAG, word_terms
from indexer.search.candidates import allowed_chunks
from indexer.search.file_kinds import FileKind, file_kind
from indexer.search.filters import Selection
from indexer.search.literals import (
    MIN_CONSTANT_WORDS,
    Literals,
    Match,
    option_field,
    option_line,
    phrase,
    quoted_name,
    verbatim,
)
from indexer.search.query import STEPS, Query, QueryKind, is_code_name
from indexer.search.roles import Rank, Role, role_of
from indexer.search.standing import Standing, Sureness
from indexer.stores.text.document import StoredChunk, source_path

if TYPE_CHECKING:
    from indexer.stores.generation.reader import Generation

CHECKED = 64
CHECKED_FOR_ONE = 256
"""How many chunks that have the words, or the only one, are read to see whether they stand as asked for."""
TOO_MANY = 48
"""What stands in so many chunks tells nothing."""
LIKELY = 24
"""How many chunks with most of the words are read when none has all."""
MOST = 0.7
"""The share, by weight, of the words which must stand in a row to be evidence."""
SOME = 0.4
"""The share of the words that a chunk must have to be read, where what is not plain words may be values."""
NEARLY = 0.7
"""Where less than this share of the most words in a row stand, that is no second place of a message."""
MOST_WORDS = 12
SURE_WORDS = 6
"""So many words in a row are no chance, even where no value of a format string shows that it is the text."""
RARE = 2
"""A few plain words that stand in a row in no more chunks than this are told, not chanced upon."""
MOST_FILES = 5
MOST_PLACES = 16
"""How many places in one chunk are looked at."""

_WORD = re.compile(r"\w+")


class _Place(NamedTuple):
    """Where something stands in a text: the row, from 0, its columns there, and how much of what was asked it is."""

    row: int
    start: int
    end: int
    share: float = 1.0


Check = Callable[[str], Iterable[_Place]]
"""Returns the places of a text in which what is looked for stands."""


def standing(
    generation: Generation, query: Query, literals: Literals, selection: Selection, paths: Mapping[str, Sequence[str]]
) -> list[Standing]:
    """Return the chunks of one generation in which the query, or a part of it that is written as only code is, stands.

    Of the ways in which it can, the surest that any chunk has. `paths` maps lower-cased file names to paths.
    """
    look = _Look(generation, query, selection)
    if query.kind is QueryKind.PATH and any(path.rpartition("/")[2].lower() in paths for path in query.paths):
        return look.files(literals.whole, paths) or look.verbatim(literals.whole, Sureness.CHANCE)
    if query.kind is not QueryKind.CODE and literals.whole and (named := look.named(query, literals)):
        return named if len(named) == 1 else []
    if found := look.at_places(literals, paths):
        return found
    whole = look.whole(literals)
    if any(own.kind is FileKind.SOURCE for own in whole) or (whole and not literals.is_telling):
        return whole
    # A test or a document may tell a message as a person sees it, where the code has its format.
    filled = look.filled_in(literals)
    if whole or not (filled and literals.is_plain):
        filled = _each_once([*filled, *look.mostly(literals)])
    in_source = [own for own in filled if own.kind is FileKind.SOURCE]
    kept = _nearly_most(in_source) or ([] if whole else _nearly_most(filled))
    return _each_once([*whole, *kept]) or look.parts(literals)


def _nearly_most(found: Sequence[Standing]) -> list[Standing]:
    """Return those in which nearly as much of the query stands as in any."""
    least = NEARLY * max((own.share for own in found), default=0.0)
    return [own for own in found if own.share >= least]


def _each_once(found: Iterable[Standing]) -> list[Standing]:
    """Return each chunk once, as it comes first."""
    return list({own.chunk.id: own for own in reversed(list(found))}.values())[::-1]


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
                over = [chunk for chunk in self.chunks_of(path) if chunk.start_line <= line <= chunk.end_line]
                if over:
                    chunk = min(over, key=lambda chunk: (chunk.end_line - chunk.start_line, chunk.start_line, chunk.id))
                    found.append(Standing(chunk, chunk.row_of(line), Role.DEFINES, Sureness.PLACE, 1.0, 0.0))
        return found

    def files(self, written: str, paths: Mapping[str, Sequence[str]]) -> list[Standing]:
        """Return the beginnings of the files whose paths end as the query says, unless there are many."""
        wanted = written.replace("\\", "/").removeprefix("./").lower()
        known = paths.get(wanted.rpartition("/")[2], ())
        found = [path for path in known if path.lower() == wanted]
        found = found or [path for path in known if path.lower().endswith(f"/{wanted}")]
        heads = [chunks[0] for path in found[:MOST_FILES] if (chunks := self.chunks_of(path))]
        return [Standing(chunk, 0, Role.DEFINES, Sureness.PLACE, 1.0, 0.0) for chunk in heads[: len(found)]]

    def named(self, query: Query, literals: Literals) -> list[Standing]:
        """Return the definitions of a query that is nothing but a name, at the lines of their names."""
        is_symbol = query.kind is QueryKind.SYMBOL
        steps = STEPS.split(literals.whole.removesuffix("()")) if is_symbol else [literals.whole]
        ending = "." + ".".join(steps)
        ids = self.text.find("name", steps[-1].lower(), limit=TOO_MANY)
        return [
            Standing(chunk, chunk.row_of(own.line), Role.DEFINES, Sureness.DEFINED, 1.0, 0.0)
            for chunk in self.documents(ids)
            for own in chunk.definitions
            if (
                ("." + ".".join(STEPS.split(own.qualified_name))).endswith(ending)
                if is_symbol
                else own.name == steps[0]
            )
        ]

    def whole(self, literals: Literals) -> list[Standing]:
        """Return the chunks in which the whole query stands, as it is written, or its words in a row."""
        if not literals.whole:
            return []
        # Words find where a name is used; a constant or a key, which no definition has, may be nothing but text.
        is_word = self.query.kind is QueryKind.SYMBOL and not is_code_name(literals.whole)
        by_chance = is_word or not literals.is_telling
        for text in literals.texts:
            written = self.verbatim(text, Sureness.CHANCE if by_chance else Sureness.WHOLE)
            if by_chance and len(written) <= RARE and len(literals.words) >= MIN_CONSTANT_WORDS:
                written = [replace(own, sureness=Sureness.WORDS) for own in written]
            if FLAG.fullmatch(text):
                written = _each_once([*written, *self.declared(text)])
            if written:
                return written
            words = tuple(word.lower() for word in _WORD.findall(text))
            if len(words) > 1 and not by_chance and (found := self.in_a_row(words, words, 1.0, Sureness.WORDS)):
                return found
        return []

    def declared(self, flag: str) -> list[Standing]:
        """Return the chunks of source in which a flag's name stands as only its declaration writes it."""
        words = _WORD.findall(flag)
        found = self.holding(words, _places(option_line(flag)), Sureness.WHOLE)
        if len(words) > 1:
            found = found or self.holding(words, _places(quoted_name(flag)), Sureness.WHOLE)
            found = [*found, *self.holding(words, _places(option_field(flag)), Sureness.WHOLE)]
        return [own for own in found if own.rank <= Rank.SETTINGS]

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

        def check(text: str) -> Iterable[_Place]:
            match = phrase(text, words, weights)
            if match and match.share >= least and (least == 1.0 or match.is_format or match.words >= SURE_WORDS):
                yield _of_match(text, match, words)

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
        least = (MOST if literals.is_plain else SOME) * sum(asked.values())
        likely = {match.id: match.score for match in matches if match.score >= least}

        def check(text: str) -> Iterable[_Place]:
            match = phrase(text, literals.words, weights)
            if match and match.share >= MOST and (match.is_format or match.words >= SURE_WORDS):
                yield _of_match(text, match, literals.words)

        return self.checked(likely, check, Sureness.MOSTLY)

    def verbatim(self, literal: str, sureness: Sureness) -> list[Standing]:
        """Return the chunks in which a literal stands as it is written."""
        words = [literal] if FLAG.fullmatch(literal) else _WORD.findall(literal)
        return self.holding(words, _places(verbatim(literal)), sureness)

    def holding(self, words: Sequence[str], check: Check, sureness: Sureness) -> list[Standing]:
        """Return the chunks that have all the words and pass the check, unless too many do."""
        terms = [word if FLAG.fullmatch(word) else _term(word) for word in words]
        terms = [term for term in terms if term]
        if not terms:
            return []
        limit = CHECKED if len(terms) > 1 else CHECKED_FOR_ONE
        matches = self.text.holding_all(
            terms, "body", limit=limit, filters=self.selection.filters, any_of=sorted(self.selection.only or ())
        )
        found = self.checked({match.id: match.score for match in matches}, check, sureness)
        if len(found) >= TOO_MANY:  # tells nothing, but where it is defined
            found = [own for own in found if own.rank <= Rank.DOCUMENTED]
        return found if len(found) < TOO_MANY else []

    def checked(self, scores: Mapping[int, float], check: Check, sureness: Sureness) -> list[Standing]:
        """Return those of the chunks that pass the check, each at its best place."""
        found: list[Standing] = []
        for chunk in self.documents(list(scores)):
            kind = file_kind(source_path(chunk.path))
            lines = chunk.text.split("\n")
            places = [(role_of(lines[place.row], place.start, place.end, kind), place) for place in check(chunk.text)]
            if places:
                role, best = min(places, key=lambda entry: entry[0])
                found.append(Standing(chunk, best.row, role, sureness, best.share, scores[chunk.id]))
        return found

    def chunks_of(self, path: str) -> list[StoredChunk]:
        """Return the chunks of a file that the selection lets through, in order."""
        chunks = self.documents(self.generation.catalog.chunk_ids_of(path))
        return sorted(chunks, key=lambda chunk: (chunk.start_line, chunk.id))

    def documents(self, ids: Sequence[int]) -> list[StoredChunk]:
        """Return the chunks of these ids that the selection lets through."""
        kept = ids
        if self.selection.filters is not None:
            allowed = allowed_chunks(self.generation, self.selection, among=ids)
            kept = [chunk_id for chunk_id in ids if chunk_id in allowed]
        return list(self.text.documents(kept).values())


def _places(pattern: re.Pattern[str]) -> Check:
    """Return what finds the first places at which a pattern stands."""

    def check(text: str) -> Iterable[_Place]:
        for found in islice(pattern.finditer(text), MOST_PLACES):
            line = text.rfind("\n", 0, found.start()) + 1
            yield _Place(text.count("\n", 0, line), found.start() - line, found.end() - line)

    return check


def _of_match(text: str, match: Match, words: Sequence[str]) -> _Place:
    """Return the place of words in a row, which are text of the line rather than what it defines."""
    end = len(text.split("\n")[match.row])
    return _Place(match.row, end, end, match.words / len(words))


def _term(word: str) -> str:
    """Return the term of a word that says most: the whole identifier, or the stem; "" where the index has none."""
    return next(iter(word_terms(word)), "")
