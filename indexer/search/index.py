"""An index open for searching: one committed generation, its encoder loaded at the first need."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from indexer.config import EncoderOptions, VectorOptions
from indexer.errors import ConfigError, ModelError, NoIndexError
from indexer.search import rank as ranking
from indexer.search import retrieve
from indexer.search.features import Definition, Evidence
from indexer.search.file_scores import score_files
from indexer.search.filters import Selection, select
from indexer.search.fuse import WEIGHTS, reciprocal_ranks
from indexer.search.hits import best_hits, make_hit
from indexer.search.query import Query, read_query
from indexer.stores.generation.layout import default_index_dir
from indexer.stores.generation.reader import Generation, open_generation
from indexer.stores.text.document import source_path
from indexer.types import Encoder, SearchMode, SearchResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.stages.reduce import Projection
    from indexer.stores.text.document import StoredChunk

CANDIDATE_FILES = 25
"""How many files are ranked; more than a person looks at, few enough to score every field of all their chunks."""
NAMED_CHUNKS = 60
"""How many chunks with a name that the query writes are looked at."""
MAX_HITS = 1000


def open_index(
    path: str | Path,
    *,
    encoder: Encoder | None = None,
    options: EncoderOptions | None = None,
    vectors: VectorOptions | None = None,
) -> Index:
    """Open the index of a folder, or an index folder, for searching.

    `encoder` is used instead of loading the one that the index names; it must be the same function. `options` says
    where the encoder's files are, when not in the package, and how many threads it may use. Raises NoIndexError when
    nothing was committed there, DamagedIndexError when what was is altered.
    """
    path = Path(path)
    if not path.exists():
        raise NoIndexError(f"{path}: there is no such folder; build an index first")
    index_dir = path if (path / "CURRENT").exists() else default_index_dir(path)
    generation = open_generation(index_dir, options=vectors)
    try:
        return Index(generation, encoder=encoder, options=options)
    except ModelError:
        generation.close()
        raise


class Index:
    """A generation open for searching; close it, or use it in a `with` statement. Safe to share between threads."""

    def __init__(
        self, generation: Generation, *, encoder: Encoder | None = None, options: EncoderOptions | None = None
    ) -> None:
        """Take over an open generation; `open_index` says more."""
        self.generation = generation
        self._options = options or EncoderOptions()
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._projection: Projection | None = None
        self._names: dict[str, list[str]] | None = None
        if encoder is not None:
            from indexer.search.space import checked_encoder

            self._encoder = checked_encoder(generation, encoder)

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
        explain: bool = False,
        ranker: ranking.Ranker | None = None,
    ) -> SearchResult:
        """Return the best `k` chunks; of one file no more than a few, as `passages.arrange` has it.

        `mode` asks only the words, only the meaning, or both. The filters are those of `filters.select`. With `explain`
        a hit says what each feature of the ranking contributed to its score. `ranker` replaces the shipped weights.
        Raises ConfigError for an empty query and for filters that can't be meant, and ModelError when the encoder is
        needed and its files are not what the index was built with.
        """
        if not 1 <= k <= MAX_HITS:
            raise ConfigError(f"k is {k}; give a number from 1 to {MAX_HITS}")
        asked = read_query(query)
        selection = select(self.generation, languages=languages, kinds=kinds, paths=paths, within=within)
        evidence = self.evidence(asked, selection, mode=mode, files=max(CANDIDATE_FILES, k))
        default = ranking.MEANING_ALONE if mode == "vector" else ranking.shipped_ranker()
        ranked = ranking.rank(evidence, ranker or default, explain=explain)
        hits = best_hits(self.generation.text, evidence, ranked, k=k, closely=mode != "vector")
        self.generation.bound_memory()
        return SearchResult(query, self.generation.number, hits)

    def similar(
        self,
        path: str,
        line: int,
        *,
        k: int = 10,
        languages: Sequence[str] = (),
        kinds: Sequence[str] = (),
        paths: Sequence[str] = (),
    ) -> SearchResult:
        """Return the `k` chunks whose vectors are nearest to that of the chunk at a line, itself left out.

        Raises ConfigError when the path is not in the index or has no chunk there.
        """
        origin = self._chunk_at(path, line)
        selection = select(self.generation, languages=languages, kinds=kinds, paths=paths)
        segment = self.generation.catalog.segments_of([origin.id])[origin.id]
        vector = self.generation.vectors.get(segment, [origin.id])[0]
        near = retrieve.by_meaning(self.generation, vector, selection, limit=k + 1)
        chosen = [(chunk_id, score) for chunk_id, score in near.items() if chunk_id != origin.id][:k]
        documents = self.generation.text.documents([chunk_id for chunk_id, _ in chosen])
        hits = tuple(
            make_hit(documents[chunk_id], None, score=round(score, 6), ranks={"vector": place}, contributions={})
            for place, (chunk_id, score) in enumerate(chosen, 1)
        )
        self.generation.bound_memory()
        return SearchResult(f"{path}:{line}", self.generation.number, hits)

    def evidence(
        self, query: Query, selection: Selection, *, mode: SearchMode = "hybrid", files: int = CANDIDATE_FILES
    ) -> Evidence:
        """Return what ranking needs to know of the `files` best candidates: both passes of the retrievers."""
        vector = None if mode == "text" else self.encode(query.embedded)
        found = self._find(query, selection, vector, words=mode != "vector")
        leading = self._leading(query, found, count=files)
        scores = score_files(self.generation, query, leading, selection, words=mode != "vector", vector=vector)
        return Evidence(query, found, scores, self._definitions(found))

    def encode(self, text: str) -> NDArray[np.int8]:
        """Return the vector of a text as the index holds vectors: int8[k]."""
        from indexer.search.space import load_encoder, load_projection
        from indexer.stages.reduce import reduce

        with self._lock:
            if self._encoder is None:
                self._encoder = load_encoder(self.generation, self._options)
            if self._projection is None:
                self._projection = load_projection(self.generation, self._options)
            encoder, projection = self._encoder, self._projection
        vector: NDArray[np.int8] = reduce(encoder.encode([text], role="query"), projection)[0][0]
        return vector

    def close(self) -> None:
        """Close the generation."""
        self.generation.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _find(
        self, query: Query, selection: Selection, vector: NDArray[np.int8] | None, *, words: bool
    ) -> retrieve.Found:
        """Ask each retriever: those of words, and that of meaning when there is a vector."""
        chunks: dict[str, retrieve.Scores] = {}
        files: dict[str, float] = {}
        if not self.generation.manifest.counts.chunks or selection.only == frozenset():
            return retrieve.Found(chunks, files, {})
        if words:
            chunks["text"] = retrieve.by_words(self.generation, query, selection)
            chunks["name"] = retrieve.by_name(self.generation, query, selection)
            files = retrieve.by_path(self._paths(), query) if query.paths else {}
        if vector is not None:
            chunks["vector"] = retrieve.by_meaning(self.generation, vector, selection)
        ids = sorted({chunk_id for scores in chunks.values() for chunk_id in scores})
        return retrieve.Found(chunks, files, self.generation.catalog.paths_of(ids))

    def _leading(self, query: Query, found: retrieve.Found, *, count: int) -> list[str]:
        """Return the files that the retrievers put first."""
        fused = reciprocal_ranks(found.rankings(), WEIGHTS[query.kind])
        return sorted(fused, key=lambda path: (-fused[path], path))[:count]

    def _definitions(self, found: retrieve.Found) -> dict[int, Definition]:
        """Return the chunks that have a name which the query writes."""
        ids = list(found.chunks.get("name", ()))[:NAMED_CHUNKS]
        documents = self.generation.text.documents(ids)
        return {
            chunk_id: Definition(source_path(stored.path), stored.kind, stored.name, stored.qualified_name, stored.part)
            for chunk_id, stored in documents.items()
        }

    def _chunk_at(self, path: str, line: int) -> StoredChunk:
        """Return the smallest chunk over a line."""
        documents = self.generation.text.documents(self.generation.catalog.chunk_ids_of(path)).values()
        if not documents:
            raise ConfigError(f"{path}: is not in the index; give a path relative to the indexed folder")
        over = [chunk for chunk in documents if chunk.start_line <= line <= chunk.end_line]
        if not over:
            raise ConfigError(f"{path}:{line}: no chunk is there; blank lines and lines past the end have none")
        return min(over, key=lambda chunk: (chunk.end_line - chunk.start_line, chunk.start_line, chunk.id))

    def _paths(self) -> dict[str, list[str]]:
        """Return the paths of all indexed files by lower-cased file name."""
        with self._lock:
            if self._names is None:
                self._names = {}
                for path in sorted(self.generation.catalog.stats()):
                    self._names.setdefault(path.rpartition("/")[2].lower(), []).append(path)
            return self._names
