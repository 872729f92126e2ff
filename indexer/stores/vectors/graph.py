"""The graph of a large segment: usearch, int8 and cosine (HNSW, Malkov and Yashunin 2016).

The only module that imports usearch.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from indexer.config import VectorOptions
from indexer.errors import REFUSED, DamagedIndexError, StorageError
from indexer.stores.vectors.segment_file import SegmentFile


class Graph:
    """The graph of an open segment, whose file was checked; safe to share between threads."""

    def __init__(self, file: SegmentFile, *, expansion: int) -> None:
        """Let usearch work on the mapped file. `expansion` is how many candidates a search keeps."""
        # Not by its path: usearch opens with O_NOATIME, which the system allows the owner of a file alone.
        try:
            index = Index.restore(memoryview(file.content), view=True)
        except (RuntimeError, ValueError, TypeError) as error:
            raise DamagedIndexError(f"{file.path}: {error}") from error
        if index is None or len(index) != file.rows or index.ndim != file.vectors.shape[1]:
            raise DamagedIndexError(f"{file.path}: usearch finds another graph in it than it holds")
        index.expansion_search = expansion  # type: ignore[misc]
        self._index = index
        self._file = file
        self._lock = threading.Lock()

    def nearest(self, vector: NDArray[np.int8], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return ids and cosines of about the `count` vectors nearest to int8[k], nearest first."""
        with self._lock:
            # usearch gives every caller the same working memory.
            matches: Any = self._index.search(vector, count, threads=1)
        return matches.keys.astype(np.int64), (1.0 - matches.distances).astype(np.float32)

    def close(self) -> None:
        """Let go of the file."""
        self._index.reset()  # type: ignore[no-untyped-call]


def save_graph(path: Path, ids: NDArray[np.int64], vectors: NDArray[np.int8], options: VectorOptions) -> None:
    """Write a segment with a graph: int64[n], ascending, and int8[n, k]; raises StorageError."""
    try:
        index = Index(
            ndim=vectors.shape[1],
            metric="cos",
            dtype="i8",
            connectivity=options.connectivity,
            expansion_add=options.expansion_add,
            expansion_search=options.expansion_search,
        )
        # One thread: the graph then depends on the vectors alone, and encoding has the other cores.
        index.add(ids.astype(np.uint64), np.ascontiguousarray(vectors, np.int8), copy=False, threads=1)
        index.save(path)
    except (RuntimeError, OSError, MemoryError) as error:
        raise StorageError(f"{path}: {error}; {REFUSED}") from error
