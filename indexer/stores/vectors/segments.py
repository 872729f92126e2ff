"""The vector index: immutable segments of int8 vectors, searched by cosine.

A vector is live when the catalog says that its chunk lives in that segment. A small segment is compared whole; a large
one has a graph, which is checked when the segment is opened: an index may come from elsewhere.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.config import VectorOptions
from indexer.errors import DamagedIndexError, StorageError
from indexer.stores.vectors.segment_file import GRAPH_VECTORS, SegmentFile, write_without_graph
from indexer.types import Tier

if TYPE_CHECKING:
    from indexer.stores.generation.manifest import Segment
    from indexer.stores.vectors.graph import Graph

SUFFIX = ".vectors"
_TIES = 16
"""How many more are fetched than asked for, to see whether a tie reaches over the end."""
_MANY_TIES = 512
"""How many more are fetched from a graph at most when it does; who is picked from an even larger tie is left to it."""
_MARGIN = 1e-6
"""More than a sum of two similarities in single precision is wrong by."""

Segments = Callable[[Sequence[int]], dict[int, int]]
"""Says in which segment each of the given chunks lives."""


def segment_file(number: int) -> str:
    """Return a segment's file name."""
    return f"{number:08d}{SUFFIX}"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Chunk ids, int64[n], nearest first, and their cosine similarities, float32[n]."""

    ids: NDArray[np.int64]
    similarities: NDArray[np.float32]


class VectorSegments:
    """The segments of a generation, opened on first use; safe to share between threads."""

    def __init__(
        self,
        folder: Path,
        segments: Iterable[Segment],
        *,
        dims: int,
        options: VectorOptions,
        check: Callable[[str], None],
    ) -> None:
        """Say which segments there are; nothing is opened. `check` compares a file, by name, to its checksum."""
        self._check = check
        self._folder = folder
        self._segments = {segment.number: segment for segment in segments}
        self._dims = dims
        self._options = options
        self._open: dict[int, SegmentFile] = {}
        self._graphs: dict[int, Graph] = {}
        self._lock = threading.Lock()

    @property
    def live(self) -> int:
        """The number of live vectors."""
        return sum(segment.live for segment in self._segments.values())

    def search(
        self,
        vector: NDArray[np.int8],
        *,
        limit: int,
        segments_of: Segments,
        exact: bool = False,
        static_offset: float = 0.0,
        least: float = -1.0,
    ) -> Neighbours:
        """Return the live chunks nearest to int8[k] by cosine, equal ones by id.

        Every vector is compared in segments without a graph, and in all when `exact`. `static_offset` is added to the
        cosines of static vectors. Chunks that are not as near as `least` may be left out.
        """
        ids: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        similarities: list[NDArray[np.float32]] = [np.empty(0, np.float32)]
        for segment in self._segments.values():
            wanted = min(limit, segment.live)
            if wanted < 1:
                continue
            file = self.segment(segment.number)
            offset = np.float32(static_offset if segment.tier is Tier.STATIC else 0.0)
            if file.has_graph and not exact:
                found = self._search_graph(segment, file, vector, wanted, segments_of)
            else:
                found = self._compare_all(segment, file, vector, wanted, segments_of, least - float(offset) - _MARGIN)
            ids.append(found.ids)
            similarities.append(found.similarities + offset)
        all_ids, all_similarities = np.concatenate(ids), np.concatenate(similarities)
        order = np.lexsort((all_ids, -all_similarities))[:limit]
        return Neighbours(all_ids[order], all_similarities[order])

    def get(self, number: int, ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int8]:
        """Return vectors of one segment, int8[n, k]; raises DamagedIndexError when one is missing."""
        file = self.segment(number)
        return file.take(self._rows(file, ids))

    def cosines(
        self, number: int, ids: Sequence[int] | NDArray[np.int64], vector: NDArray[np.int8]
    ) -> NDArray[np.float32]:
        """Return the cosines of vectors of one segment to int8[k], float32[n]; raises as `get`."""
        file = self.segment(number)
        return file.cosines(vector, self._rows(file, ids))

    def find(self, number: int, ids: Sequence[int]) -> dict[int, NDArray[np.int8]]:
        """Return those of the vectors, int8[k], that a segment holds."""
        file = self.segment(number)
        rows = file.find(ids).tolist()
        return {chunk_id: file.vectors[row] for chunk_id, row in zip(ids, rows, strict=True) if row >= 0}

    def keys(self, number: int) -> NDArray[np.int64]:
        """Return the chunk ids that a segment holds, ascending, dead ones included."""
        return self.segment(number).ids

    def segment(self, number: int) -> SegmentFile:
        """Return an open segment; raises DamagedIndexError when the file is not what the manifest says."""
        with self._lock:
            if number not in self._open:
                if number not in self._segments:
                    raise DamagedIndexError(f"{self._folder}: has no segment {number}, which the catalog names")
                path = self._folder / segment_file(number)
                self._check(path.name)
                self._open[number] = SegmentFile(path, rows=self._segments[number].vectors, dims=self._dims)
            return self._open[number]

    def pack(self) -> None:
        """Hold the vectors of segments that were searched before, so that they are compared faster; see SegmentFile."""
        for file in list(self._open.values()):
            if not file.has_graph:
                file.pack()

    def let_go(self) -> None:
        """Let go of the pages of open segments without a graph, which a search reads from end to end."""
        for file in list(self._open.values()):
            if not file.has_graph:
                file.let_go()

    def close(self) -> None:
        """Close all segments."""
        with self._lock:
            for graph in self._graphs.values():
                graph.close()
            self._graphs.clear()
            self._open.clear()

    def _rows(self, file: SegmentFile, ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        rows = file.find(ids)
        if (rows < 0).any():
            raise DamagedIndexError(f"{file.path}: lacks vectors that the catalog names")
        return rows

    def _compare_all(
        self,
        segment: Segment,
        file: SegmentFile,
        vector: NDArray[np.int8],
        limit: int,
        segments_of: Segments,
        least: float,
    ) -> Neighbours:
        """Compare every vector; ask which of the nearest are alive until enough are, whole ties at a time.

        Where only a few are as near as `least`, these are all.
        """
        similarities = file.similarities(vector)
        if least > -1.0 and len(rows := (similarities >= least).nonzero()[0]) <= limit:
            return _living(file.ids[rows], similarities[rows], segment, segments_of)
        wanted = limit if segment.live == segment.vectors else limit * 2
        while True:
            wanted = min(wanted, segment.vectors)
            rows = _at_least(similarities, wanted)
            found = _living(file.ids[rows], similarities[rows], segment, segments_of)
            if len(found.ids) >= limit or wanted == segment.vectors:
                return found
            wanted *= 4

    def _search_graph(
        self, segment: Segment, file: SegmentFile, vector: NDArray[np.int8], limit: int, segments_of: Segments
    ) -> Neighbours:
        """Ask for more until there are enough live ones, and no tie reaches over the end."""
        graph = self._graph(segment.number, file)
        wanted = limit + _TIES if segment.live == segment.vectors else limit * 2 + _TIES
        while True:
            wanted = min(wanted, segment.vectors)
            ids, similarities = graph.nearest(vector, wanted)
            found = _living(ids, similarities, segment, segments_of)
            enough = len(found.ids) >= limit and (
                found.similarities[limit - 1] > similarities[-1] or wanted >= limit + _MANY_TIES
            )
            if enough or wanted == segment.vectors:
                return found
            wanted *= 4

    def _graph(self, number: int, file: SegmentFile) -> Graph:
        from indexer.stores.vectors.graph import Graph

        with self._lock:
            if number not in self._graphs:
                self._graphs[number] = Graph(file, expansion=self._options.expansion_search)
            return self._graphs[number]


class SegmentWriter:
    """Collects the vectors of one segment in memory and saves them once."""

    def __init__(self, *, dims: int, options: VectorOptions) -> None:
        """Make an empty segment of int8[k] vectors, k = `dims`."""
        self._dims = dims
        self._options = options
        self._ids = array("q")
        self._rows: dict[int, int] = {}
        self._vectors = bytearray()

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: Sequence[int], vectors: NDArray[np.int8]) -> None:
        """Add vectors, int8[n, k], under chunk ids, each of which comes once."""
        self._ids.extend(ids)
        self._vectors += np.ascontiguousarray(vectors, np.int8).tobytes()

    def get(self, ids: Sequence[int]) -> NDArray[np.int8]:
        """Return vectors that were added, int8[n, k]."""
        # A first build asks for none, and is spared some megabytes.
        self._rows.update((self._ids[row], row) for row in range(len(self._rows), len(self._ids)))
        return self._matrix()[[self._rows[chunk_id] for chunk_id in ids]]

    def save(self, path: Path) -> None:
        """Write the segment to a path where there is no file, by ascending id; raises StorageError, also for an id that
        came twice."""
        if path.exists():
            # usearch would write into that file, and into every other generation that links to it.
            raise StorageError(f"{path}: exists already; report this as a bug")
        ids = np.frombuffer(self._ids, np.int64)
        order = np.argsort(ids)
        if (np.diff(ids[order]) == 0).any():
            raise StorageError(f"{path}: two vectors have the same id; report this as a bug")
        if len(ids) <= GRAPH_VECTORS:
            write_without_graph(path, ids, self._matrix(), order)
            return
        from indexer.stores.vectors.graph import save_graph

        vectors = self._matrix()[order]
        self._vectors = bytearray()
        save_graph(path, ids[order], vectors, self._options)

    def _matrix(self) -> NDArray[np.int8]:
        return np.frombuffer(self._vectors, np.int8).reshape(-1, self._dims)


def _at_least(similarities: NDArray[np.float32], wanted: int) -> NDArray[np.int64]:
    """Return the rows of the `wanted` highest numbers of float32[n], and of those that equal the least of them."""
    if len(similarities) >= 2 * wanted:
        # So many blocks have a number of at least the least of their highest, which few others reach.
        blocks = similarities[: len(similarities) // wanted * wanted].reshape(wanted, -1)
        rows = np.flatnonzero(similarities >= blocks.max(axis=1).min())
    else:
        rows = np.arange(len(similarities))
    near = similarities[rows]
    nearest: NDArray[np.int64] = rows[near >= np.partition(near, -wanted)[-wanted]]
    return nearest


def _living(
    ids: NDArray[np.int64], similarities: NDArray[np.float32], segment: Segment, segments_of: Segments
) -> Neighbours:
    """Leave out the dead."""
    if segment.live < segment.vectors:
        lives = segments_of(ids.tolist())
        mask = np.fromiter((lives.get(chunk_id) == segment.number for chunk_id in ids.tolist()), bool, len(ids))
        ids, similarities = ids[mask], similarities[mask]
    return Neighbours(ids, similarities)
