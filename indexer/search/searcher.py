"""The story of a search, top to bottom: ask every space, see which files lead, score them, rank, choose chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from indexer.search.answer import SNIPPET_LINES, best_hits
from indexer.search.candidates import (
    Asked,
    Found,
    QueryVector,
    best_overall,
    name_terms,
    with_paths,
    word_terms,
)
from indexer.search.features import Definition, Evidence, named_definition
from indexer.search.fusion import FileKey, leading_files
from indexer.search.literals import Literals, read_literals
from indexer.search.named_language import languages_named, without
from indexer.search.query import Query
from indexer.search.ranking import Ranker, meaning_alone, rank, shipped_ranker
from indexer.search.scoring import FileScores, joined, nothing_scored
from indexer.search.space import Filter, Searchable
from indexer.search.standing import MESSAGES, NOTHING_FIRST, Standing, first_of
from indexer.search.together import Together, one_by_one
from indexer.stores.text.document import StoredChunk
from indexer.types import Hit

if TYPE_CHECKING:
    from indexer.stores.text.statistics import Statistics, Term

CANDIDATE_FILES = 25
"""How many files are ranked; more than a person looks at, few enough to score all of their chunks."""
MOST_CHUNKS = 0.5
"""The name of a language that a larger part of the chunks is in is no word to look for."""
NAMED_CHUNKS = 60
"""How many chunks with a name that the query writes are looked at."""


class Searcher:
    """Ranks over one or many spaces whose vectors one encoder and one projection made.

    Words weigh what they weigh in all spaces together, and features compare the files of all, so that scores mean the
    same in each. Safe to share between threads.
    """

    def __init__(
        self,
        spaces: Sequence[Searchable],
        *,
        static_offset: float = 0.0,
        together: Together = one_by_one,
    ) -> None:
        """Search these; they stay the caller's to close.

        `static_offset` is added to the cosines of static vectors where there are others as well; `together` makes calls
        that need not wait for each other.
        """
        self._spaces = tuple(spaces)
        self._together = together
        shares = [space.upgraded for space in spaces if space.chunks]
        is_mixed = min(shares, default=0.0) < 1 and max(shares, default=0.0) > 0
        self._static_offset = static_offset if is_mixed else 0.0

    def search(
        self,
        query: Query,
        vector: QueryVector | None,
        *,
        k: int,
        words: bool = True,
        chosen: Filter | None = None,
        ranker: Ranker | None = None,
        explain: bool = False,
        lines: int = SNIPPET_LINES,
    ) -> tuple[Hit, ...]:
        """Return the best `k` chunks, of one file no more than a few, by words, by the query's vector, or by both.

        `vector` returns the query's, and is None when only words count. `ranker` replaces the shipped weights. A hit
        shows up to `lines` lines. Raises ConfigError for a filter that can't be meant.
        """
        if chosen and chosen.literals and words and self._is_message(query, chosen):
            chosen = replace(chosen, literals=())
        calls: list[Callable[[], Any]] = [
            partial(self.evidence, query, vector, words=words, chosen=chosen, files=max(CANDIDATE_FILES, k))
        ]
        if words:
            calls.insert(0, partial(self._standing, query, chosen or Filter()))
        *standing, evidence = self._together(calls)
        ranker = ranker or (shipped_ranker() if words else meaning_alone())
        ranked = rank(evidence, ranker, explain=explain)
        places = {(file.space, file.path): place for place, file in enumerate(ranked)}
        first = first_of(standing[0], places) if words else NOTHING_FIRST
        passages = ranker.passages if words else None
        return best_hits(
            self._documents,
            evidence,
            ranked,
            passages,
            k=k,
            first=first,
            lines=lines,
            explain=explain,
            row=chosen.row if chosen else None,
        )

    def evidence(
        self,
        query: Query,
        vector: QueryVector | None,
        *,
        words: bool = True,
        chosen: Filter | None = None,
        files: int = CANDIDATE_FILES,
    ) -> Evidence:
        """Return what ranking needs to know of the `files` best candidates of all spaces: both passes."""
        chosen = chosen or Filter()
        if words:
            query = self._without_language(query)
        statistics = self._statistics(query) if words else _nothing()
        asked = Asked(query, vector, words, statistics, self._static_offset, self._together)
        passed = best_overall([space.first_pass(asked, chosen) for space in self._spaces])
        found = [with_paths(own, space.paths_of) for own, space in zip(passed, self._spaces, strict=True)]
        paths: dict[int, list[str]] = {}
        leading = leading_files(found, query, count=files)
        for place, path in leading:
            paths.setdefault(place, []).append(path)
        nothing = nothing_scored(asked)

        def score(place: int) -> FileScores:
            own = paths.get(place)
            return self._spaces[place].second_pass(asked, chosen, own) if own else nothing

        define = partial(self._definitions, query, found, set(leading))
        definitions, scores = self._together(
            [define, lambda: joined([score(place) for place in range(len(self._spaces))])]
        )
        by_words = scores.aligned([own.chunks.get("text", {}) for own in found])
        return Evidence(asked, found, scores, by_words, definitions)

    def _is_message(self, query: Query, chosen: Filter) -> bool:
        """Whether the quotes are part of a message rather than what must stand.

        The query stands somewhere with them, or they are around a value: what is written as only code is outside them
        stands somewhere, and nowhere with what they hold.
        """
        literals = read_literals(query)
        freed = replace(chosen, literals=())
        if literals.is_message and any(own.sureness in MESSAGES for own in self._stands(query, literals, freed)):
            return True
        outside = Literals("", literals.outside, ())
        if not outside.parts or any(self._stands(query, outside, chosen)):
            return False
        return any(self._stands(query, outside, freed))

    def _stands(self, query: Query, literals: Literals, chosen: Filter) -> Iterator[Standing]:
        return (own for space in self._spaces for own in space.standing(query, literals, chosen))

    def _standing(self, query: Query, chosen: Filter) -> list[tuple[int, Standing]]:
        """Return the chunks in which the query, or a part of it, stands, each with the place of its space."""
        literals = read_literals(query)
        return [
            (place, own) for place, space in enumerate(self._spaces) for own in space.standing(query, literals, chosen)
        ]

    def _without_language(self, query: Query) -> Query:
        """Return the query without the name of the language that most chunks are in."""
        if not (named := languages_named(query)):
            return query
        counts = self._frequencies([("language", language) for language in named.values()])
        most = MOST_CHUNKS * sum(space.chunks for space in self._spaces)
        return without(query, {word for word, language in named.items() if counts["language", language] > most})

    def _statistics(self, query: Query) -> Statistics:
        """Return the document frequencies of the query's terms in all spaces together."""
        from indexer.stores.text.statistics import Statistics

        weighted = (*word_terms(query).items(), *name_terms(query).items())
        terms = [(field, term) for field, own in weighted for term in own]
        return Statistics(sum(space.chunks for space in self._spaces), self._frequencies(terms))

    def _frequencies(self, terms: Sequence[Term]) -> Mapping[Term, int]:
        """Return how many chunks of all spaces have each of the terms."""
        if len(self._spaces) == 1:
            return self._spaces[0].frequencies(terms)
        total: Counter[Term] = Counter()
        for space in self._spaces:
            total.update(space.frequencies(terms))
        return total

    def _definitions(
        self, query: Query, found: Sequence[Found], leading: Container[FileKey]
    ) -> list[dict[int, Definition]]:
        """Return the chunks of each space, of the leading files, that have a name which the query writes."""

        def named(place: int, own: Found) -> dict[int, Definition]:
            first = islice(own.chunks.get("name", ()), NAMED_CHUNKS)
            ids = [chunk_id for chunk_id in first if (place, own.path_of.get(chunk_id)) in leading]
            read = self._documents(place, ids) if ids else {}
            told = {chunk_id: named_definition(query, chunk) for chunk_id, chunk in read.items()}
            return {chunk_id: definition for chunk_id, definition in told.items() if definition}

        return [named(place, own) for place, own in enumerate(found)]

    def _documents(self, space: int, ids: Sequence[int]) -> dict[int, StoredChunk]:
        return self._spaces[space].documents(ids)


def _nothing() -> Statistics:
    from indexer.stores.text.statistics import Statistics

    return Statistics(0, {})
