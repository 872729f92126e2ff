"""A segment's file: its vectors, then their ids, and for a large segment usearch's graph around the ids.

    rows u32, cols u32      little-endian, as all numbers
    int8[rows, cols]        the vectors, by ascending id
    int64[rows]             the ids; or, with more than GRAPH_VECTORS, the graph that `graph` describes

A segment may come from elsewhere. What is said of it is compared to the file's size before anything is made of it.
"""

from __future__ import annotations

import math
import mmap
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from indexer.errors import DamagedIndexError
from indexer.stores.vectors import graph_check

if TYPE_CHECKING:
    from numkong import PackedMatrix

GRAPH_VECTORS = 50_000
"""Up to here a segment has no graph, and every vector is compared: about as fast as usearch compares them all, with a
result that no commit history can change, and built at the speed of a copy."""

_HEADER = struct.Struct("<II")
_WRITTEN_ROWS = 4096
"""So many vectors are ordered at a time, lest there are twice as many in memory."""


class SegmentFile:
    """An open segment: `ids` int64[n], ascending, and `vectors` int8[n, k], both mapped. Raises DamagedIndexError."""

    def __init__(self, path: Path, *, rows: int, dims: int) -> None:
        """Map a file that should hold int8[rows, dims], and check all that it says."""
        self.path = path
        self.rows = rows
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                end = _HEADER.size + rows * dims
                if size < _HEADER.size or _HEADER.unpack(file.read(_HEADER.size)) != (rows, dims) or size < end:
                    raise DamagedIndexError(f"{path}: is not a segment of {rows} vectors of {dims} dims")
                self.content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self.vectors = np.frombuffer(self.content, np.int8, rows * dims, _HEADER.size).reshape(rows, dims)
            self.has_graph = rows > GRAPH_VECTORS
            self.ids = (
                graph_check.checked_ids(self.content, end, rows=rows, dims=dims) if self.has_graph else self._list(end)
            )
        except (OSError, ValueError, OverflowError, struct.error) as error:
            raise DamagedIndexError(f"{path}: {error}") from error
        if rows and (self.ids[0] < 0 or not (self.ids[1:] > self.ids[:-1]).all()):
            raise DamagedIndexError(f"{path}: its ids do not ascend")
        self._known_lengths: NDArray[np.float32] | None = None
        self._packed: PackedMatrix | None = None
        self._latest: tuple[NDArray[np.int8], NDArray[np.float32]] | None = None

    def find(self, ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each id, int64[m], -1 for those that are not in the segment."""
        wanted = np.asarray(ids, np.int64)
        rows = np.searchsorted(self.ids, wanted)
        there = rows < self.rows
        there[there] = self.ids[rows[there]] == wanted[there]
        return np.where(there, rows, -1)

    def similarities(self, vector: NDArray[np.int8]) -> NDArray[np.float32]:
        """Return the cosine of every vector to int8[k], float32[n]; of a zero vector it is 0.

        The latest are kept, 4 bytes a vector: what a search compares first it asks for again by `cosines`.
        """
        if not self.rows:
            return np.zeros(0, np.float32)
        found = _cosines(vector, self._products(vector), self._lengths())
        self._latest = vector, found
        return found

    def cosines(self, vector: NDArray[np.int8], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what `similarities` has for some rows: float32[m]."""
        latest = self._latest
        if latest is not None and latest[0] is vector:
            return latest[1][rows]
        if not len(rows):
            return np.zeros(0, np.float32)
        vectors = self.take(rows)
        return _cosines(vector, _compared(vector, vectors, "dot"), _lengths(vectors))

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.int8]:
        """Return vectors by their rows, int8[m, k]."""
        taken = self.vectors[rows]
        if self._packed is not None:
            self.let_go()
        return taken

    def pack(self) -> None:
        """Hold a copy of all vectors, in the order in which they are compared fastest, in place of mapped pages."""
        if self._packed is None and self.rows:
            import numkong

            self._packed = numkong.dots_pack(self.vectors)
            self.let_go()

    def let_go(self) -> None:
        """Let go of the pages that were touched; they stay in the system's cache, and are mapped again when needed."""
        if hasattr(self.content, "madvise"):
            self.content.madvise(mmap.MADV_DONTNEED)

    def _products(self, vector: NDArray[np.int8]) -> NDArray[np.float32]:
        """Return the dot product of every vector and int8[k], float32[n]."""
        if self._packed is None:
            return _compared(vector, self.vectors, "dot")
        import numkong

        sums: NDArray[np.int32] = np.asarray(numkong.dots_packed(vector[None], self._packed))[0]
        return sums.astype(np.float32)

    def _lengths(self) -> NDArray[np.float32]:
        """Return each vector's length, float32[n], computed at the first need; 1 for a zero vector."""
        if self._known_lengths is None:
            self._known_lengths = _lengths(self.vectors)
        return self._known_lengths

    def _list(self, start: int) -> NDArray[np.int64]:
        if len(self.content) != start + 8 * self.rows:
            raise ValueError(f"has {len(self.content):,} bytes instead of {start + 8 * self.rows:,}")
        return np.frombuffer(self.content, "<i8", self.rows, start)


def _cosines(
    vector: NDArray[np.int8], products: NDArray[np.float32], lengths: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the cosines of int8[k] and n vectors, given their products and the lengths of these, float32[n] all."""
    wide = vector.astype(np.float64)
    length = np.float32(math.sqrt(wide @ wide))
    cosines: NDArray[np.float32] = products / (lengths * (length or 1))
    return cosines


def _lengths(vectors: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return the length of each of int8[n, k], n > 0: float32[n]; 1 for a zero vector."""
    origin = np.zeros(vectors.shape[1], np.int8)
    return np.maximum(np.sqrt(_compared(origin, vectors, "sqeuclidean")), np.float32(1))


def _compared(
    vector: NDArray[np.int8], vectors: NDArray[np.int8], metric: Literal["dot", "sqeuclidean"]
) -> NDArray[np.float32]:
    """Return a number for each of int8[n, k], n > 0, with int8[k]: float32[n], the exact sum of products rounded."""
    import numkong

    found = numkong.cdist(vector[None], vectors, metric, out_dtype="float32")
    numbers: NDArray[np.float32] = np.asarray(found)[0]
    return numbers


def write_without_graph(
    path: Path, ids: NDArray[np.int64], vectors: NDArray[np.int8], order: NDArray[np.int64]
) -> None:
    """Write int64[n] and int8[n, k], in the order in which ids ascend, where there is no file yet; raises OSError."""
    with path.open("xb") as file:
        file.write(_HEADER.pack(*vectors.shape))
        for start in range(0, len(order), _WRITTEN_ROWS):
            file.write(vectors[order[start : start + _WRITTEN_ROWS]].data)
        file.write(ids[order].astype("<i8").data)
