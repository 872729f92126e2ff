"""Which files of a work tree git knows the content of without reading them: those that its index calls clean."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.git.index import read_entries
from indexer.types import SourceFile, Stat

_INODE_BITS = (1 << 32) - 1
_REGULAR = 0o10
"""The type in the mode of an entry."""


class CleanFiles:
    """The entries of git's indexes, read at the first question; each is given as `Scope.indexes` lists it.

    A file is clean when its size, both times and inode are its entry's, and it was changed before the index was
    written: what is changed later has another time, by whatever clock (Documentation/technical/racy-git in git).
    """

    def __init__(self, indexes: Sequence[tuple[str, str, str]]) -> None:
        self._indexes = indexes
        self._blobs: dict[str, tuple[Stat, bytes]] | None = None

    def blob_of(self, file: SourceFile) -> bytes:
        """Return the blob id of a clean file, or b""; told once, since those of many files are large."""
        if self._blobs is None:
            self._blobs = self._read()
        stat, blob = self._blobs.pop(file.path, (None, b""))
        return blob if stat == (file.size, file.mtime_ns, file.ctime_ns, file.inode & _INODE_BITS) else b""

    def _read(self) -> dict[str, tuple[Stat, bytes]]:
        found = {}
        for path, above, prefix in self._indexes:
            try:
                entries, written_ns = read_entries(path)
            except (OSError, ValueError):  # changed since the walk read it
                continue
            for entry in entries:
                settled = not entry.stage and not entry.intent and entry.mode >> 12 == _REGULAR
                if settled and entry.stat[1] < written_ns and entry.path.startswith(above):
                    found[prefix + entry.path[len(above) :]] = (entry.stat, entry.object_id)
        return found
