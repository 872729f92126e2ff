"""One query's look into one generation: chunks found by their words, and checked against their text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from indexer.languages.analyzer import FLAG, word_terms
from indexer.search.file_kinds import FileKind, file_kind
from indexer.search.filters import Selection
from indexer.search.meaning import allowed_chunks
from indexer.search.roles import Rank, role_of
from indexer.search.standing import Standing, Sureness
from indexer.search.verbatim import verbatim
from indexer.stores.text.document import StoredChunk, source_path

if TYPE_CHECKING:
    from indexer.search.candidates import Terms
    from indexer.search.content import Content

CHECKED = 64
CHECKED_FOR_ONE = 256
"""How many chunks that have the words, or the only one, are read to see whether they stand as asked for."""
WIDER = 1024
"""Among so many that have the words those of source are looked for, where the first have been tests and documents."""
TOO_MANY = 48
"""What stands in so many chunks tells nothing."""
MOST_PLACES = 16
"""How many places in one chunk are looked at."""

WORD = re.compile(r"\w+")


class Place(NamedTuple):
    """Where something stands in a text: the row, from 0, its columns there, and how much of what was asked it is."""

    row: int
    start: int
    end: int
    share: float = 1.0


Check = Callable[[str], Iterable[Place]]
"""Returns the places of a text in which what is looked for stands."""

_Scored = tuple[dict[int, float], list[StoredChunk]]
"""Scores by id, and the chunks that were read."""


class Look:
    """What one generation has of a query, of the chunks that a selection lets through."""

    def __init__(self, generation: Content, selection: Selection) -> None:
        """Look into `generation`, which stays the caller's to close."""
        self.catalog = generation.catalog
        self.text = generation.text
        self.selection = selection
        self._generation = generation
        self._found: dict[tuple[str, ...], _Scored] = {}
        self._more: dict[tuple[str, ...], _Scored] = {}

    def verbatim(self, literal: str, sureness: Sureness) -> list[Standing]:
        """Return the chunks in which a literal stands as it is written."""
        words = [literal] if FLAG.fullmatch(literal) else WORD.findall(literal)
        return self.holding(words, places_of(verbatim, literal), sureness)

    def holding(self, words: Sequence[str], check: Check, sureness: Sureness) -> list[Standing]:
        """Return the chunks that have all the words and pass the check, unless too many do."""
        told = [word if FLAG.fullmatch(word) else term_of(word) for word in words]
        terms = tuple([term for term in told if term])
        if not terms:
            return []
        scores, chunks = self._having(terms)
        found = self._checked(scores, chunks, check, sureness)
        if len(scores) == CHECKED and all(own.kind is not FileKind.SOURCE for own in found):
            found += self._checked(*self._of_source(terms), check, sureness)
        if len(found) >= TOO_MANY:  # tells nothing, but where it is defined
            found = [own for own in found if own.rank <= Rank.DOCUMENTED]
        return found if len(found) < TOO_MANY else []

    def checked(self, scores: Mapping[int, float], check: Check, sureness: Sureness) -> list[Standing]:
        """Return those of the chunks that pass the check, each at its best place."""
        return self._checked(scores, self.documents(list(scores)), check, sureness)

    def _of_source(self, terms: tuple[str, ...]) -> _Scored:
        """Return more chunks that have all the terms, of source, with the scores of all by id, kept as well."""
        if terms not in self._more:
            scores = self._best(terms, limit=WIDER)
            first, _ = self._having(terms)
            kept = self._in_source([chunk_id for chunk_id in scores if chunk_id not in first])
            self._more[terms] = scores, self.documents(kept[:CHECKED])
        return self._more[terms]

    def _in_source(self, ids: Iterable[int]) -> list[int]:
        """Return those of the chunks that are of source, in their order."""
        paths = self._generation.places.paths_of(list(ids))
        return [key for key in ids if key in paths and file_kind(source_path(paths[key])) is FileKind.SOURCE]

    def _having(self, terms: tuple[str, ...]) -> _Scored:
        """Return the chunks that have all the terms, with their scores by id, kept: several checks ask for the same."""
        if terms not in self._found:
            matches = self._best(terms, limit=CHECKED if len(terms) > 1 else CHECKED_FOR_ONE)
            self._found[terms] = matches, self.documents(list(matches))
        return self._found[terms]

    def _best(self, terms: Sequence[str], *, limit: int) -> dict[int, float]:
        """Return the chunks that have all the terms, with their scores by id, the best first."""
        return self.text.holding_all(
            terms,
            "body",
            limit=limit,
            filters=self.selection.filters,
            any_of=sorted(self.selection.only or ()),
            passing=self.selection.passing,
        )

    def _checked(
        self, scores: Mapping[int, float], chunks: Iterable[StoredChunk], check: Check, sureness: Sureness
    ) -> list[Standing]:
        found: list[Standing] = []
        for chunk in chunks:
            if not (places := [*check(chunk.text)]):
                continue
            kind = file_kind(source_path(chunk.path))
            lines = chunk.text.split("\n")
            roles = [role_of(lines[place.row], place.start, place.end, kind) for place in places]
            role = min(roles)
            best = places[roles.index(role)]
            found.append(Standing(chunk, best.row, role, sureness, best.share, scores[chunk.id]))
        return found

    def holding_most(self, weights: Mapping[str, float], *, least: float, limit: int) -> dict[int, float]:
        """Return the chunks whose terms weigh most together, with that weight: `least` or more.

        Where so many tests and documents do that no source is among them, source that weighs less is added.
        """
        found = self._heaviest(weights, least=least, limit=limit)
        if len(found) < limit or self._in_source(found):
            return found
        wider = self._heaviest(weights, least=least, limit=WIDER)
        return found | {key: wider[key] for key in self._in_source(wider)[:limit]}

    def _heaviest(self, weights: Mapping[str, float], *, least: float, limit: int) -> dict[int, float]:
        return self.text.holding_most(
            weights,
            "body",
            least=least,
            limit=limit,
            filters=self.selection.filters,
            any_of=sorted(self.selection.only or ()),
            passing=self.selection.passing,
        )

    def scores(self, terms: Terms, ids: Sequence[int]) -> dict[int, float]:
        """Return the weighted BM25 of some chunks by id; one that has none of the terms is left out."""
        return self.text.search(terms, limit=len(ids), any_of=ids)

    def chunks_of(self, path: str) -> list[StoredChunk]:
        """Return the chunks of a file that the selection lets through, in order."""
        chunks = self.documents(self.catalog.chunk_ids_of(path))
        return sorted(chunks, key=lambda chunk: (chunk.start_line, chunk.id))

    def documents(self, ids: Sequence[int]) -> list[StoredChunk]:
        """Return the chunks of these ids that the selection lets through."""
        kept = ids
        if self.selection.filters is not None:
            allowed = allowed_chunks(self._generation, self.selection, among=ids)
            kept = [chunk_id for chunk_id in ids if chunk_id in allowed]
        return list(self.text.documents(kept).values())


def places_of(find: Callable[[str, str], Iterable[tuple[int, int]]], literal: str) -> Check:
    """Return what finds the first places of a literal, of those that `find` finds in a text."""
    return lambda text: _places(text, find(text, literal))


def _places(text: str, spans: Iterable[tuple[int, int]]) -> Iterable[Place]:
    for start, end in islice(spans, MOST_PLACES):
        line = text.rfind("\n", 0, start) + 1
        yield Place(text.count("\n", 0, line), start - line, end - line)


def term_of(word: str) -> str:
    """Return the term of a word that says most: the whole identifier, or the stem; "" where the index has none."""
    return next(iter(word_terms(word)), "")
