"""What a search asks of each index it looks in, and how a generation answers."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from indexer.search import candidates, scoring
from indexer.search.candidates import Asked, Found
from indexer.search.containing import containing
from indexer.search.content import Content
from indexer.search.filters import Selection, select
from indexer.search.literals import Literals
from indexer.search.query import Query
from indexer.search.scoring import FileScores
from indexer.search.standing import Standing
from indexer.search.written import standing
from indexer.stores.text.document import StoredChunk

if TYPE_CHECKING:
    from indexer.stores.text.statistics import Term


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What may be found, as `filters.select` has it: languages, kinds, path globs, the inside of a symbol, and chunks
    whose text has literals and a match of an expression."""

    languages: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    within: str = ""
    literals: tuple[str, ...] = ()
    pattern: str = ""

    def row(self, text: str) -> int | None:
        """Return the first row of a text that has what it must have; None where it need not have anything."""
        held = containing(self.literals, self.pattern)
        return held.row(text) if held else None


class Searchable(Protocol):
    """One index as a search sees it; ids and paths are its own."""

    @property
    def chunks(self) -> int:
        """How many chunks there are."""

    @property
    def upgraded(self) -> float:
        """Which part of the chunks has the encoder's own vector, 0 to 1."""

    def frequencies(self, terms: Collection[Term]) -> dict[Term, int]:
        """Return how many chunks have each of the terms."""

    def first_pass(self, asked: Asked, chosen: Filter) -> Found:
        """Return the chunks and files that the retrievers put first."""

    def paths_of(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the paths of the files that chunks are in, by chunk."""

    def second_pass(self, asked: Asked, chosen: Filter, paths: Sequence[str]) -> FileScores:
        """Return the scores of all chunks of the given files."""

    def standing(self, query: Query, literals: Literals, chosen: Filter) -> list[Standing]:
        """Return the chunks in which the query, or a part of it that only code is written as, stands."""

    def documents(self, ids: Sequence[int]) -> dict[int, StoredChunk]:
        """Return what is stored of chunks, by id; unknown ids are left out."""


class GenerationSpace:
    """A generation as a `Searchable`; safe to share between threads."""

    def __init__(self, generation: Content) -> None:
        """Read `generation`, which stays the caller's to close."""
        self.generation = generation
        self._names: dict[str, list[str]] | None = None
        self._selected: tuple[Filter, Selection] | None = None
        self._lock = threading.Lock()

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return self.generation.chunks

    @property
    def upgraded(self) -> float:
        """Which part of the chunks has the encoder's own vector, 0 to 1."""
        return self.generation.upgraded

    def frequencies(self, terms: Collection[Term]) -> dict[Term, int]:
        """Return how many chunks have each of the terms."""
        return self.generation.text.frequencies(terms)

    def first_pass(self, asked: Asked, chosen: Filter) -> Found:
        """Return the chunks and files that the retrievers put first."""
        paths = self._paths() if asked.query.paths else {}
        return candidates.find(self.generation, asked, self.select(chosen), paths)

    def paths_of(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the paths of the files that chunks are in, by chunk."""
        return self.generation.places.paths_of(ids)

    def second_pass(self, asked: Asked, chosen: Filter, paths: Sequence[str]) -> FileScores:
        """Return the scores of all chunks of the given files."""
        return scoring.score_files(self.generation, asked, paths, self.select(chosen))

    def standing(self, query: Query, literals: Literals, chosen: Filter) -> list[Standing]:
        """Return the chunks in which the query, or a part of it that only code is written as, stands."""
        selection = self.select(chosen)
        if not self.chunks or selection.only == frozenset():
            return []
        paths = self._paths() if query.paths or literals.places else {}
        return standing(self.generation, query, literals, selection, paths)

    def documents(self, ids: Sequence[int]) -> dict[int, StoredChunk]:
        """Return what is stored of chunks, by id; unknown ids are left out."""
        return self.generation.text.documents(ids)

    def select(self, chosen: Filter) -> Selection:
        """Return what the filter lets through here; raises ConfigError for one that can't be meant."""
        with self._lock:
            if self._selected is None or self._selected[0] != chosen:
                self._selected = (chosen, self._select(chosen))
            return self._selected[1]

    def _select(self, chosen: Filter) -> Selection:
        return select(
            self.generation,
            languages=chosen.languages,
            kinds=chosen.kinds,
            paths=chosen.paths,
            within=chosen.within,
            literals=chosen.literals,
            pattern=chosen.pattern,
        )

    def _paths(self) -> dict[str, list[str]]:
        """Return the paths of all indexed files by lower-cased file name."""
        with self._lock:
            if self._names is None:
                self._names = {}
                for path in sorted(self.generation.catalog.stats()):
                    self._names.setdefault(path.rpartition("/")[2].lower(), []).append(path)
            return self._names
