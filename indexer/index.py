"""An index open for reading: search it, ask for chunks like one, walk through what it holds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from msgspec.structs import replace

from indexer.closing import Closing
from indexer.config import EncoderOptions, VectorOptions
from indexer.errors import ConfigError, NoIndexError
from indexer.search.answer import SNIPPET_LINES, make_hit
from indexer.search.current import CurrentGeneration
from indexer.search.encoding import QueryEncoder, check_encoder
from indexer.search.freshness import KEEP_SECONDS, CountStale, Freshness
from indexer.search.literals import required
from indexer.search.meaning import by_meaning
from indexer.search.query import read_query
from indexer.search.ranking import Ranker
from indexer.search.searcher import Searcher
from indexer.search.space import Filter
from indexer.stores.generation import layout
from indexer.stores.generation.reader import Generation
from indexer.types import Answering, Chunk, Encoder, Hit, SearchMode, SearchResult, StoredVector, SymbolKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.stores.text.document import StoredChunk

MAX_HITS = 1000


def open_index(
    path: str | Path,
    *,
    encoder: Encoder | None = None,
    options: EncoderOptions | None = None,
    vectors: VectorOptions | None = None,
    count_stale: CountStale | None = None,
    stale_seconds: float = KEEP_SECONDS,
) -> Index:
    """Open the index of a folder, or an index folder, for searching.

    `encoder` is used instead of loading the one that the index names; it must be the same function. `options` says
    where the encoder's files are, when not in the package, and how many threads it may use. `count_stale` says how
    many files changed since a generation was built; its answer is kept for `stale_seconds`. Raises NoIndexError when
    nothing was committed there, DamagedIndexError when what was is altered.
    """
    path = Path(path)
    if not os.path.lexists(path):
        raise NoIndexError(f"{path}: there is no index here; run `indexer build`")
    index_dir = path if layout.is_index_dir(path) else layout.default_index_dir(path)
    return Index(
        index_dir,
        encoder=encoder,
        options=options,
        vectors=vectors,
        count_stale=count_stale,
        stale_seconds=stale_seconds,
    )


class Index(Closing):
    """The current generation of an index, open until `close`; a context manager, safe to share between threads.

    When a build commits another generation, the next call uses that; a call that has begun ends on the one it began on.
    """

    def __init__(
        self,
        index_dir: Path,
        *,
        encoder: Encoder | None = None,
        options: EncoderOptions | None = None,
        vectors: VectorOptions | None = None,
        count_stale: CountStale | None = None,
        stale_seconds: float = KEEP_SECONDS,
    ) -> None:
        """Open an index folder; `open_index` says more."""
        self._encoder = QueryEncoder(options or EncoderOptions(), encoder=encoder)
        self._freshness = None if count_stale is None else Freshness(count_stale, keep_seconds=stale_seconds)

        def accept(generation: Generation) -> None:
            if encoder is not None:
                check_encoder(generation, encoder)

        self._current = CurrentGeneration(index_dir, options=vectors, accept=accept)

    @property
    def generation(self) -> Generation:
        """The generation that is open now."""
        return self._current.generation

    def search(
        self,
        query: str,
        *,
        k: int = 10,
        mode: SearchMode = "hybrid",
        languages: Sequence[str] = (),
        kinds: Sequence[str] = (),
        paths: Sequence[str] = (),
        within: str = "",
        pattern: str = "",
        explain: bool = False,
        ranker: Ranker | None = None,
        lines: int = SNIPPET_LINES,
        beside: Sequence[Index] = (),
    ) -> SearchResult:
        """Return the best `k` chunks; of one file no more than a few, as `ranking.arrange` has it.

        `mode` asks only the words, only the meaning, or both. A chunk has one of the languages and one of the kinds,
        its path matches one of the globs and none that starts with `!`, and it is part of a symbol named `within`; its
        text has what stands in double quotes in the query, and a match of `pattern`, a regular expression of re2's.
        A hit shows up to `lines` lines of its chunk; with `explain` it says what each feature of the ranking
        contributed to its score. `ranker` replaces the shipped weights. Indexes `beside` this one are searched together
        with it, and a hit's `space` is the place of its index among all. Raises
        ConfigError for an empty query, for what can't be meant, and for indexes of different models, TypeError for
        arguments of the wrong type, and ModelError when the encoder is needed and its files are not what the index was
        built with.
        """
        check_count(k)
        if mode not in get_args(SearchMode):
            raise ConfigError(f"there is no mode {mode!r}; there are {', '.join(get_args(SearchMode))}")
        asked = read_query(_text("query", query))
        chosen = replace(
            make_filter(languages, kinds, paths, within), literals=required(asked), pattern=_text("pattern", pattern)
        )
        with ExitStack() as stack:
            opened = [stack.enter_context(index._current.using()) for index in (self, *beside)]
            made = {(own.encoder.digest, own.projection.digest) for own in (one.generation.manifest for one in opened)}
            if len(made) > 1 and mode != "text":
                raise ConfigError("the indexes were made with different models; search one by one, or with mode text")
            for own in opened:
                own.space.select(chosen)
                if own.is_searched:
                    own.generation.vectors.pack()
            first = opened[0].generation
            vector = None if mode == "text" else stack.enter_context(self._encoder.encoding(asked.embedded, first))
            indexes = (self, *beside)
            # While an encoder may be loading.
            stale = [index._stale(own.generation) for index, own in zip(indexes, opened, strict=True)]
            offset = self._encoder.static_offset(first.manifest.encoder.name)
            searcher = Searcher([own.space for own in opened], static_offset=offset)
            hits = searcher.search(
                asked, vector, k=k, words=mode != "vector", chosen=chosen, ranker=ranker, explain=explain, lines=lines
            )
            for own in opened:
                own.generation.bound_memory()
                own.is_searched |= vector is not None
            return _result(query, [own.generation for own in opened], hits, stale)

    def similar(
        self,
        path: str,
        line: int,
        *,
        k: int = 10,
        languages: Sequence[str] = (),
        kinds: Sequence[str] = (),
        paths: Sequence[str] = (),
        lines: int = SNIPPET_LINES,
    ) -> SearchResult:
        """Return the `k` chunks whose vectors are nearest to that of the chunk at a line, itself left out.

        Raises ConfigError when the path is not in the index or has no chunk there.
        """
        check_count(k)
        chosen = make_filter(languages, kinds, paths, "")
        with self._current.using() as opened:
            generation = opened.generation
            origin = _chunk_at(generation, _text("path", path), line)
            segment = generation.catalog.segments_of([origin.id])[origin.id]
            vector = generation.vectors.get(segment, [origin.id])[0]
            near = by_meaning(generation, vector, opened.space.select(chosen), limit=k + 1)
            best = [(chunk_id, score) for chunk_id, score in near.items() if chunk_id != origin.id][:k]
            stored = generation.text.documents([chunk_id for chunk_id, _ in best])
            hits = tuple(
                make_hit(
                    stored[chunk_id],
                    None,
                    score=round(score, 6),
                    ranks={"vector": place},
                    contributions={},
                    lines=lines,
                )
                for place, (chunk_id, score) in enumerate(best, 1)
            )
            generation.bound_memory()
            return _result(f"{path}:{line}", [generation], hits, [self._stale(generation)])

    def outline(self, path: str) -> tuple[Chunk, ...]:
        """Return the symbols of a file that have a chunk of their own, in file order, the first part of long ones.

        Raises ConfigError when the path is not in the index.
        """
        return tuple(chunk for chunk in self.chunks(path) if not chunk.part and chunk.kind is not SymbolKind.REGION)

    def chunks(self, path: str | None = None) -> Iterator[Chunk]:
        """Yield the chunks of a file in file order, or those of all files, one file after the other by path.

        Raises ConfigError when the path is not in the index.
        """
        with self._current.using() as opened:
            generation = opened.generation
            for own in sorted(generation.catalog.stats()) if path is None else [_text("path", path)]:
                stored = generation.text.documents(generation.catalog.chunk_ids_of(own)).values()
                if not stored and path is not None:
                    raise ConfigError(_unknown(path))
                for chunk in sorted(stored, key=lambda chunk: (chunk.start_byte, chunk.part, chunk.id)):
                    yield chunk.to_chunk()

    def vectors(self, ids: Sequence[int]) -> dict[int, StoredVector]:
        """Return the stored vectors of the given chunks by id, with scale and tier; unknown ids are left out."""
        with self._current.using() as opened:
            generation = opened.generation
            tiers = {segment.number: segment.tier for segment in generation.manifest.segments}
            return {
                row.id: StoredVector(generation.vectors.get(row.segment, [row.id])[0], row.scale, tiers[row.segment])
                for row in generation.catalog.chunks(list(ids)).values()
            }

    def encode(self, text: str) -> NDArray[np.int8]:
        """Return the vector of a query as the index holds vectors: int8[k]; raises ModelError."""
        with self._current.using() as opened:
            return self._encoder.encode(_text("text", text), opened.generation)

    def stale(self) -> int | None:
        """Return how many files changed since the current generation was built, as of a moment ago.

        None without `count_stale`, and where there is nothing to compare with.
        """
        with self._current.using() as opened:
            return self._stale(opened.generation)

    def close(self) -> None:
        """Close the files as soon as no call uses them."""
        self._current.close()

    def _stale(self, generation: Generation) -> int | None:
        return None if self._freshness is None else self._freshness.stale(generation)


def _result(
    query: str, generations: Sequence[Generation], hits: tuple[Hit, ...], stale: Sequence[int | None]
) -> SearchResult:
    first, *beside = (
        Answering(generation.number, changed, generation.manifest.upgraded)
        for generation, changed in zip(generations, stale, strict=True)
    )
    return SearchResult(query, first.generation, hits, first.stale, first.upgraded, tuple(beside))


def _chunk_at(generation: Generation, path: str, line: int) -> StoredChunk:
    """Return the smallest chunk over a line."""
    stored = generation.text.documents(generation.catalog.chunk_ids_of(path)).values()
    if not stored:
        raise ConfigError(_unknown(path))
    over = [chunk for chunk in stored if chunk.start_line <= line <= chunk.end_line]
    if not over:
        raise ConfigError(f"{path}:{line}: no chunk is there; blank lines and lines past the end have none")
    return min(over, key=lambda chunk: (chunk.end_line - chunk.start_line, chunk.start_line, chunk.id))


def _unknown(path: str) -> str:
    return f"{path}: is not in the index; give a path relative to the indexed folder"


def check_count(k: int) -> None:
    """Raise ConfigError unless so many hits can be asked for."""
    if not 1 <= k <= MAX_HITS:
        raise ConfigError(f"k is {k}; give a number from 1 to {MAX_HITS}")


def make_filter(languages: Sequence[str], kinds: Sequence[str], paths: Sequence[str], within: str) -> Filter:
    """Return a filter of what a caller gave; raises TypeError for arguments of the wrong type."""
    return Filter(
        languages=_names("languages", languages),
        kinds=_names("kinds", kinds),
        paths=_names("paths", paths),
        within=_text("within", within),
    )


def _names(argument: str, values: Sequence[str]) -> tuple[str, ...]:
    if isinstance(values, str) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{argument} is {values!r}; give a list of strings")
    return tuple(values)


def _text(argument: str, value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{argument} is {value!r}; give a string")
    return value
