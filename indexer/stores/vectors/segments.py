"""The vector index: immutable usearch segments, int8 and cosine, memory-mapped.

The only module that imports usearch. A vector is live when the catalog says that its chunk lives in that segment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from indexer.config import VectorOptions
from indexer.errors import REMEDY, DamagedIndexError, StorageError

if TYPE_CHECKING:
    from indexer.stores.generation.manifest import Segment

SUFFIX = ".usearch"
EXACT_VECTORS = 50_000
"""Up to here every vector is compared: measured at 2 ms a query, and a result that no commit history can change."""
_MAGIC = b"usearch"
_TIES = 16
"""How many more are fetched than asked for, to see whether a tie reaches over the end."""
_MANY_TIES = 512
"""How many more are fetched at most when it does; who is picked from an even larger tie is left to usearch."""

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
        self._open: dict[int, Index] = {}
        self._lock = threading.Lock()

    @property
    def live(self) -> int:
        """The number of live vectors."""
        return sum(segment.live for segment in self._segments.values())

    def search(
        self, vector: NDArray[np.int8], *, limit: int, segments_of: Segments, exact: bool | None = None
    ) -> Neighbours:
        """Return the live chunks nearest to int8[k] by cosine, equal ones by id.

        Every vector is compared when `exact`, by default when there are at most EXACT_VECTORS.
        """
        total = sum(segment.vectors for segment in self._segments.values())
        if exact is None:
            exact = total <= EXACT_VECTORS
        ids: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        similarities: list[NDArray[np.float32]] = [np.empty(0, np.float32)]
        for segment in self._segments.values():
            found = self._search_segment(
                segment, vector, limit=min(limit, segment.live), segments_of=segments_of, exact=exact
            )
            ids.append(found.ids)
            similarities.append(found.similarities)
        all_ids, all_similarities = np.concatenate(ids), np.concatenate(similarities)
        order = np.lexsort((all_ids, -all_similarities))[:limit]
        return Neighbours(all_ids[order], all_similarities[order])

    def get(self, number: int, ids: Sequence[int]) -> NDArray[np.int8]:
        """Return vectors of one segment, int8[n, k]; raises DamagedIndexError when one is missing."""
        found = _get(self.segment(number), ids)
        try:
            joined = b"".join(found)
        except TypeError as error:  # one is None
            raise DamagedIndexError(f"{self._path(number)}: lacks vectors that the catalog names; {REMEDY}") from error
        return np.frombuffer(joined, np.int8).reshape(-1, self._dims)

    def find(self, number: int, ids: Sequence[int]) -> dict[int, NDArray[np.int8]]:
        """Return those of the vectors, int8[k], that a segment holds."""
        found = _get(self.segment(number), ids)
        return {chunk_id: vector for chunk_id, vector in zip(ids, found, strict=True) if vector is not None}

    def keys(self, number: int) -> NDArray[np.uint64]:
        """Return the chunk ids that a segment holds, dead ones included."""
        return np.asarray(self.segment(number).keys, np.uint64)

    def close(self) -> None:
        """Close all segments."""
        with self._lock:
            for index in self._open.values():
                index.reset()  # type: ignore[no-untyped-call]
            self._open.clear()

    def _search_segment(
        self, segment: Segment, vector: NDArray[np.int8], *, limit: int, segments_of: Segments, exact: bool
    ) -> Neighbours:
        """Ask for more until there are enough live ones, and no tie reaches over the end."""
        if limit < 1:
            return Neighbours(np.empty(0, np.int64), np.empty(0, np.float32))
        number = segment.number
        index = self.segment(number)
        wanted = limit + _TIES if segment.live == segment.vectors else limit * 2 + _TIES
        while True:
            wanted = min(wanted, segment.vectors)
            with self._lock:
                # usearch gives every caller the same working memory.
                matches: Any = index.search(vector, wanted, exact=exact, threads=1)
            keys = matches.keys.astype(np.int64)
            similarities = (1.0 - matches.distances).astype(np.float32)
            last = similarities[-1]
            if segment.live < segment.vectors:
                lives = segments_of(keys.tolist())
                mask = np.fromiter((lives.get(key) == number for key in keys.tolist()), bool, len(keys))
                keys, similarities = keys[mask], similarities[mask]
            enough = len(keys) >= limit and (similarities[limit - 1] > last or wanted >= limit + _MANY_TIES)
            if enough or wanted == segment.vectors:
                return Neighbours(keys, similarities)
            wanted *= 4

    def segment(self, number: int) -> Index:
        """Return an open segment; raises DamagedIndexError when the file is not what the manifest says."""
        with self._lock:
            if number not in self._open:
                self._open[number] = self._view(number)
            return self._open[number]

    def _view(self, number: int) -> Index:
        path = self._path(number)
        self._check(path.name)
        expected = self._segments[number].vectors
        try:
            with path.open("rb") as file:
                rows, width = (int.from_bytes(file.read(4), "little") for _ in range(2))
                file.seek(8 + rows * width)
                magic = file.read(len(_MAGIC))
            # usearch reads rows x width bytes first, so a header that lies must not reach it.
            if (rows, width) != (expected, self._dims) or magic != _MAGIC:
                raise DamagedIndexError(f"{path}: is not a segment of {expected} vectors; {REMEDY}")
            index = Index.restore(path, view=True)
        except (OSError, RuntimeError, ValueError) as error:
            raise DamagedIndexError(f"{path}: {error}; {REMEDY}") from error
        if index is None or len(index) != expected or index.ndim != self._dims:
            raise DamagedIndexError(f"{path}: is not a segment of {expected} vectors; {REMEDY}")
        index.expansion_search = self._options.expansion_search  # type: ignore[misc]
        return index

    def _path(self, number: int) -> Path:
        return self._folder / segment_file(number)


class SegmentWriter:
    """Builds one segment in memory and saves it once."""

    def __init__(self, *, dims: int, options: VectorOptions) -> None:
        """Make an empty segment of int8[k] vectors, k = `dims`."""
        self._index = Index(
            ndim=dims,
            metric="cos",
            dtype="i8",
            connectivity=options.connectivity,
            expansion_add=options.expansion_add,
            expansion_search=options.expansion_search,
        )

    def __len__(self) -> int:
        return len(self._index)

    def add(self, ids: Sequence[int], vectors: NDArray[np.int8]) -> None:
        """Add vectors, int8[n, k], under chunk ids; raises StorageError when usearch refuses."""
        if not len(ids):
            return
        try:
            # One thread: the graph then depends on the order of vectors alone, and encoding has the other cores.
            self._index.add(np.asarray(ids, np.uint64), np.ascontiguousarray(vectors, np.int8), copy=True, threads=1)
        except (RuntimeError, MemoryError) as error:
            raise StorageError(f"the vector index refused a vector: {error}") from error

    def get(self, ids: Sequence[int]) -> NDArray[np.int8]:
        """Return vectors that were added, int8[n, k]."""
        return np.stack(_get(self._index, ids))

    def save(self, path: Path) -> None:
        """Write the segment to a path where there is no file: usearch rewrites in place, so a link would be damaged."""
        if path.exists():
            raise StorageError(f"{path}: exists already; report this as a bug")
        try:
            self._index.save(path)
        except (RuntimeError, OSError) as error:
            raise StorageError(f"{path}: {error}; check the free space and the permissions") from error


def _get(index: Index, ids: Sequence[int]) -> Sequence[Any]:
    """Return a vector, int8[k], or None for each id."""
    if not len(ids):
        return ()
    found: Any = index.get(np.asarray(ids, np.uint64))
    return [None] * len(ids) if found is None else found
