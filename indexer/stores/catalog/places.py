"""Where the chunks of a committed catalog are, remembered: searches ask for the same files again and again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_CHUNKS = 1 << 15
"""So many chunks' paths are remembered, about 4 MB; then the memory starts anew."""
MOST_FILES = 1 << 12
"""The same of files' chunks, about 3 MB where they have twenty each."""


class ChunkCatalog(Protocol):
    """What is asked of a catalog, or of several as one: files, and where their chunks are."""

    def stats(self) -> Mapping[str, tuple[int, int]]:
        """Return every file's size and modification time in nanoseconds by path."""

    def chunk_ids_of(self, path: str) -> list[int]:
        """Return the ids of a file's chunks."""

    def segments_of(self, ids: Sequence[int]) -> dict[int, int]:
        """Return in which segment each of the given chunks lives; unknown ones are left out."""

    def paths_of(self, ids: Sequence[int]) -> dict[int, str]:
        """Return the path of the file that each of the given chunks is in; unknown chunks are left out."""

    def chunks_in(self, paths: Sequence[str]) -> tuple[dict[int, str], list[tuple[int, int, int]]]:
        """Return the paths of those of the given files that there are, by number, and file, id and segment of each of
        their chunks, in no order."""


@dataclass(slots=True)
class FileChunks:
    """A file's chunks: their ids, ascending, and the segment that each one's vector lives in, int64[n] both.

    `lengths` are those of the vectors, float32[n], and `sum_length` that of the sum of all as unit vectors, both not 0:
    kept here by who first needs them.
    """

    path: str
    ids: NDArray[np.int64]
    segments: NDArray[np.int64]
    lengths: NDArray[np.float32] | None = None
    sum_length: float = 0.0


class Places:
    """Answers from a catalog that never changes; safe to share between threads."""

    def __init__(self, catalog: ChunkCatalog) -> None:
        """Ask `catalog`, which stays the caller's to close."""
        self._catalog = catalog
        self._paths: dict[int, str] = {}
        self._files: dict[str, FileChunks | None] = {}

    def paths_of(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the path of the file that each of the given chunks is in; unknown chunks are left out."""
        known = self._paths
        found = {chunk_id: known.get(chunk_id) for chunk_id in ids}
        missing = [chunk_id for chunk_id, path in found.items() if path is None]
        if missing:
            asked = self._catalog.paths_of(missing)
            self._remember(asked)
            found.update(asked)
        return {chunk_id: path for chunk_id, path in found.items() if path is not None}

    def chunks_of(self, paths: Sequence[str]) -> list[FileChunks]:
        """Return the chunks of those of the given files that have any, by path."""
        known = self._files
        missing = [path for path in paths if path not in known]
        if missing:
            if len(known) + len(missing) > MOST_FILES:
                known = self._files = {path: known[path] for path in paths if path in known}
            read = self._read(missing)
            known.update(read)
            for file in filter(None, read.values()):
                self._remember(dict.fromkeys(file.ids.tolist(), file.path))
        return [own for path in sorted(set(paths)) if (own := known[path]) is not None]

    def _remember(self, paths: Mapping[int, str]) -> None:
        """Remember the paths of chunks."""
        if len(self._paths) + len(paths) > MOST_CHUNKS:
            self._paths = {}
        self._paths.update(paths)

    def _read(self, paths: Sequence[str]) -> dict[str, FileChunks | None]:
        import numpy as np

        path_of, rows = self._catalog.chunks_in(paths)
        table = np.array(rows, np.int64).reshape(-1, 3)
        table = table[np.lexsort((table[:, 1], table[:, 0]))]
        # Not np.unique, whose first call loads numpy.ma: 20 ms of a search from a shell.
        starts = np.flatnonzero(np.diff(table[:, 0], prepend=-1))
        found: dict[str, FileChunks | None] = dict.fromkeys(paths)
        for own in np.split(table, starts[1:]) if len(table) else ():
            path = path_of[int(own[0, 0])]
            found[path] = FileChunks(path, own[:, 1].copy(), own[:, 2].copy())
        return found
