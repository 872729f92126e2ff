"""What a build does to files, counted one by one."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest

import msgspec

from indexer.types import FileChanges, FileRecord, ParsedFile

SLOWEST = 10
"""Files that a report names."""


def record_of(file: ParsedFile | FileRecord) -> FileRecord:
    """Return the catalog's record of a file that was parsed, or skipped."""
    return file.record if isinstance(file, ParsedFile) else file


class FileCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Files by what happened to them; `skipped` counts all files left out, not only those of this build."""

    added: int = 0
    modified: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: int = 0


class SlowFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that took long: processor seconds to read, parse and chunk it, and its chunks."""

    path: str
    seconds: float
    chunks: int


class Tally:
    """Counts what a build does, file by file, against the changes that it set out with."""

    def __init__(self, changes: FileChanges) -> None:
        self._old = {record.path for record in changes.modified}
        self._gone = len(changes.removed)
        self._unchanged = changes.unchanged
        self.added = 0
        self.modified = 0
        self.chunks = 0
        self.removed = 0
        self._slowest: list[tuple[float, str, int]] = []

    def remove(self, old_chunks: Sequence[int]) -> None:
        """Count a file that is gone."""
        self.removed += len(old_chunks)

    def put(self, file: ParsedFile | FileRecord, old_chunks: Sequence[int]) -> None:
        """Count a file that was parsed or skipped, and the chunks that it had before."""
        chunks = (file.documents or file.chunks) if isinstance(file, ParsedFile) else ()
        self.chunks += len(chunks)
        if old_chunks:
            self.removed += len(set(old_chunks) - {chunk.id for chunk in chunks})
        if isinstance(file, ParsedFile):
            self._slowest = nlargest(SLOWEST, (*self._slowest, (file.seconds, file.record.path, len(chunks))))
            if file.record.path in self._old:
                self.modified += 1
            else:
                self.added += 1

    @property
    def slowest(self) -> list[SlowFile]:
        """The files that took longest, the slowest first."""
        return [
            SlowFile(path=path, seconds=round(seconds, 4), chunks=chunks) for seconds, path, chunks in self._slowest
        ]

    def file_counts(self, skipped: int) -> FileCounts:
        """Return the files by state."""
        return FileCounts(
            added=self.added,
            modified=self.modified,
            removed=self._gone,
            unchanged=self._unchanged,
            skipped=skipped,
        )
