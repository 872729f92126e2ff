"""Where the chunks of a committed catalog are, remembered: searches ask for the same files again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from indexer.errors import DamagedIndexError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_CHUNKS = 1 << 15
"""So many chunks' paths are remembered, about 4 MB; then the memory starts anew."""
MOST_FILES = 1 << 13
"""The same of files' chunks, about 6 MB where they have twenty each."""
WHOLE_CHUNKS = 1 << 18
"""A catalog of no more chunks is read whole once an eighth of them was asked for: 0.1 s, 10 MB."""
WHOLE_AFTER = 8


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

    def centroids_of(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Return the centroids, int8[k], of those of the given files that there are."""


class Everything(NamedTuple):
    """The paths of files by number, and of each of their chunks file, id and segment, int64[n, 3], in no order."""

    files: Mapping[int, str]
    chunks: NDArray[np.int64]


@dataclass(slots=True)
class FileChunks:
    """A file's chunks: their ids, ascending, and the segment that each one's vector lives in, int64[n] both.

    `centroid` is int8[k] once it was asked for.
    """

    path: str
    ids: NDArray[np.int64]
    segments: NDArray[np.int64]
    centroid: bytes | None = None


class Places:
    """Answers from a catalog that never changes; safe to share between threads."""

    def __init__(
        self,
        catalog: ChunkCatalog,
        *,
        whole: Callable[[], Everything] | None = None,
        chunks: int = 0,
        most: int = WHOLE_CHUNKS,
        after: int = WHOLE_AFTER,
    ) -> None:
        """Ask `catalog`, which stays the caller's to close; `whole` returns all that it has of its `chunks`.

        That is read once a chunk in `after` was asked for, unless there are more than `most`.
        """
        self._catalog = catalog
        self._whole = whole if chunks <= most else None
        self._left = chunks // after
        self._table: _Table | None = None
        self._paths: dict[int, str] = {}
        self._files: dict[str, FileChunks | None] = {}

    def paths_of(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the path of the file that each of the given chunks is in; unknown chunks are left out."""
        if self._table is not None:
            return self._table.paths_of(list(ids))
        known = self._paths
        found = {chunk_id: known.get(chunk_id) for chunk_id in ids}
        missing = [chunk_id for chunk_id, path in found.items() if path is None]
        if not missing:
            return cast(dict[int, str], found)
        asked = self._catalog.paths_of(missing)
        self._count(len(missing))
        self._remember(asked)
        return {chunk_id: own for chunk_id, path in found.items() if (own := path or asked.get(chunk_id))}

    def segments_of(self, ids: Sequence[int]) -> dict[int, int]:
        """Return in which segment each of the given chunks lives; unknown ones are left out."""
        if self._table is not None:
            return self._table.segments_of(ids)
        self._count(len(ids))
        return self._catalog.segments_of(ids)

    def chunks_of(self, paths: Sequence[str]) -> list[FileChunks]:
        """Return the chunks of those of the given files that have any, by path."""
        known = self._files
        missing = [path for path in paths if path not in known]
        if missing:
            if len(known) + len(missing) > MOST_FILES:
                known = self._files = {path: known[path] for path in paths if path in known}
            known.update(self._table.chunks_of(missing) if self._table is not None else self._read(missing))
        return [own for path in sorted(set(paths)) if (own := known[path]) is not None]

    def centroids_of(self, files: Sequence[FileChunks], *, dims: int) -> NDArray[np.int8]:
        """Return the files' centroids, int8[n, dims], zeros for a file without one; raises DamagedIndexError."""
        import numpy as np

        if missing := [file for file in files if file.centroid is None]:
            held = self._catalog.centroids_of([file.path for file in missing])
            for file in missing:
                own = held.get(file.path) or bytes(dims)
                if len(own) != dims:
                    message = f"{file.path!a} has a centroid of {len(own)} dims instead of {dims}"
                    raise DamagedIndexError(f"the catalog is malformed: {message}")
                file.centroid = own
        joined = b"".join(file.centroid for file in files if file.centroid is not None)
        return np.frombuffer(joined, np.int8).reshape(len(files), dims)

    def _count(self, asked: int) -> None:
        """Read the catalog whole once that many chunks were asked for."""
        self._left -= asked
        if self._left <= 0 and (whole := self._whole) is not None:
            self._whole = None  # first, since another thread may come here meanwhile
            self._table = _Table(whole())
            self._paths = {}

    def _remember(self, paths: Mapping[int, str]) -> None:
        """Remember the paths of chunks."""
        if len(self._paths) + len(paths) > MOST_CHUNKS:
            self._paths = {}
        self._paths.update(paths)

    def _read(self, paths: Sequence[str]) -> dict[str, FileChunks | None]:
        import numpy as np

        files, rows = self._catalog.chunks_in(paths)
        table = _Table(Everything(files, np.array(rows, np.int64).reshape(-1, 3)))
        read = table.chunks_of(paths)
        for file in filter(None, read.values()):
            self._remember(dict.fromkeys(file.ids.tolist(), file.path))
        self._count(len(rows))
        return read


class _Table:
    """Chunks by file, and files by chunk."""

    def __init__(self, content: Everything) -> None:
        import numpy as np

        rows = np.lexsort((content.chunks[:, 1], content.chunks[:, 0]))
        files, self._ids, self._segments = (content.chunks[rows, column] for column in range(3))
        # Not np.unique, whose first call loads numpy.ma: 20 ms of a search from a shell.
        starts = np.flatnonzero(np.diff(files, prepend=-1))
        self._bounds = np.append(starts, len(files))
        self._paths = [content.files.get(file) for file in files[starts].tolist()]
        self._places = {path: place for place, path in enumerate(self._paths) if path is not None}
        self._order = self._ids.argsort()

    def chunks_of(self, paths: Iterable[str]) -> dict[str, FileChunks | None]:
        """Return the chunks of files, None of a file without any."""
        found: dict[str, FileChunks | None] = {}
        for path in paths:
            found[path] = None
            if (place := self._places.get(path)) is not None:
                own = slice(self._bounds[place], self._bounds[place + 1])
                found[path] = FileChunks(path, self._ids[own], self._segments[own])
        return found

    def paths_of(self, ids: Sequence[int]) -> dict[int, str]:
        """Return the paths of chunks; unknown ones are left out."""
        known, rows = self._find(ids)
        places = (self._bounds.searchsorted(rows, side="right") - 1).tolist()
        found = zip(known, places, strict=True)
        return {chunk_id: path for chunk_id, place in found if (path := self._paths[place]) is not None}

    def segments_of(self, ids: Sequence[int]) -> dict[int, int]:
        """Return the segments of chunks; unknown ones are left out."""
        known, rows = self._find(ids)
        return dict(zip(known, self._segments[rows].tolist(), strict=True))

    def _find(self, ids: Sequence[int]) -> tuple[list[int], NDArray[np.int64]]:
        """Return those of the chunks that are there, and the row of each, int64[n]."""
        import numpy as np

        wanted = np.array(ids if len(self._ids) else (), np.int64)
        rows = self._order[np.minimum(self._ids.searchsorted(wanted, sorter=self._order), len(self._ids) - 1)]
        known = self._ids[rows] == wanted
        return wanted[known].tolist(), rows[known]
