"""Which files of a work tree git knows the content of without reading them: those that its index calls clean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from indexer.git.index import read_entries
from indexer.types import FileRecord, SkippedFile, SourceFile

_INODE_BITS = (1 << 32) - 1
_REGULAR = 0o10
"""The type in the mode of an entry."""


class CleanFiles:
    """The blobs of those of a walk's files that are clean and no longer what is `known` of them.

    Git's indexes are read at the first question; each is given as `Scope.indexes` lists it. A file is clean when its
    size, both times and inode are its entry's, and it was changed before the index was written: what is changed later
    has another time, by whatever clock (Documentation/technical/racy-git in git).
    """

    def __init__(
        self,
        indexes: Sequence[tuple[str, str, str]] = (),
        found: Iterable[SourceFile | SkippedFile] = (),
        known: Mapping[str, FileRecord] | None = None,
    ) -> None:
        self._indexes = indexes
        # Of the others nobody asks; what is kept of some of many files keeps the memory around it.
        files = (file for file in found if isinstance(file, SourceFile)) if indexes else ()
        self._asked = {file.path: file for file in files if _may_be_asked(file, known)}
        self._blobs: dict[str, bytes] = {}

    def blob_of(self, file: SourceFile) -> bytes:
        """Return the blob id of a clean file, or b""; told once, since those of many files are large."""
        if self._asked:
            self._blobs = self._read()
        blob = self._blobs.pop(file.path, b"")
        if not self._blobs:
            self._blobs = {}  # an emptied one is as large as it was
        return blob

    def _read(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        asked, self._asked = self._asked, {}
        for index, above, prefix in self._indexes:
            own = {above + path[len(prefix) :]: file for path, file in asked.items() if path.startswith(prefix)}
            try:
                entries, written_ns = read_entries(index, among=own)
            except (OSError, ValueError):  # changed since the walk read it
                continue
            for entry in entries:
                file = own[entry.path]
                settled = not entry.stage and not entry.intent and entry.mode >> 12 == _REGULAR
                stat = file.size, file.mtime_ns, file.ctime_ns, file.inode & _INODE_BITS
                if settled and entry.stat == stat and file.mtime_ns < written_ns:
                    found[file.path] = entry.object_id
        return found


def _may_be_asked(file: SourceFile, known: Mapping[str, FileRecord] | None) -> bool:
    record = known.get(file.path) if known else None
    return bool(file.size) and (record is None or record.stat != file.stat)
