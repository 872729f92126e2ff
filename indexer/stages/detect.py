"""Detect: compare a source with a catalog, by size and modification time first, by content hash where these differ.

A file may change twice within one tick of its file system's clock: read in between, it has the recorded size and time
but other content ("racily clean" in git's terms, Documentation/technical/racy-git.txt). Whatever was modified less than
`GRANULARITY_NS` before this look at the source started is therefore recorded with an `mtime_ns` of -1, which no file
has, so that the next look reads it. A change after the look can't carry an older time than that, unless clocks are more
than the granularity apart or a program sets the time back; `--full` reads everything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import xxhash

from indexer.types import FileChanges, FileRecord, SkippedFile, SkipReason, Source, SourceFile

GRANULARITY_NS = 2_000_000_000
"""The coarsest clock among common file systems: FAT's two seconds."""

RACY = -1
"""The `mtime_ns` of a record that must be read again."""


def content_hash(content: bytes) -> bytes:
    """Return xxh3_128 of a file's content, 16 bytes."""
    return xxhash.xxh3_128_digest(content)


def detect(
    source: Source,
    known: Mapping[str, FileRecord],
    stat_overrides: Mapping[str, tuple[int, int]] | None = None,
    *,
    clock: Callable[[], int] = time.time_ns,
) -> FileChanges:
    """Return what changed in `source` against the records of a catalog.

    `stat_overrides` maps paths to the (size, mtime_ns) under which their content was last seen to equal the catalog's,
    for files touched since the catalog was committed. Only files whose stats differ are read; files that the catalog
    doesn't know are left for the parser to read. A file that can't be read is skipped as UNREADABLE; one that vanishes
    between the walk and the read counts as removed.
    """
    comparison = _Comparison(source, known, stat_overrides or {}, clock() - GRANULARITY_NS)
    for file in source.files():
        comparison.seen.add(file.path)
        if isinstance(file, SkippedFile):
            comparison.skip(FileRecord(file.path, file.size, file.mtime_ns, b"", skip=file.reason, detail=file.detail))
        elif file.size == 0:
            comparison.skip(FileRecord(file.path, 0, file.mtime_ns, b"", skip=SkipReason.EMPTY, detail="0 bytes"))
        else:
            comparison.compare(file)
    return FileChanges(
        added=tuple(comparison.added),
        modified=tuple(comparison.modified),
        removed=tuple(sorted(known.keys() - comparison.seen)),
        touched=tuple(comparison.touched),
        skipped=tuple(comparison.skipped),
        skipped_new=tuple(comparison.skipped_new),
        unchanged=comparison.unchanged,
    )


@dataclass(slots=True)
class _Comparison:
    """The lists that one look fills; modification times from `racy_after` (ns) on are not trusted."""

    source: Source
    known: Mapping[str, FileRecord]
    overrides: Mapping[str, tuple[int, int]]
    racy_after: int
    seen: set[str] = field(default_factory=set)
    added: list[FileRecord] = field(default_factory=list)
    modified: list[FileRecord] = field(default_factory=list)
    touched: list[FileRecord] = field(default_factory=list)
    skipped: list[FileRecord] = field(default_factory=list)
    skipped_new: list[FileRecord] = field(default_factory=list)
    unchanged: int = 0

    def skip(self, record: FileRecord) -> None:
        """Count a file that is skipped without a look at its content; its stats alone are no news."""
        self.skipped.append(record)
        known = self.known.get(record.path)
        if known is None or known.skip != record.skip:
            self.skipped_new.append(record)

    def compare(self, file: SourceFile) -> None:
        """Sort one file into the list where it belongs."""
        known = self.known.get(file.path)
        if known is None:
            self.added.append(self._fresh(file))
            return
        if not known.hash:
            # What couldn't be read is tried here, so that it isn't news at each look.
            if known.skip is not SkipReason.UNREADABLE or self._read(file) is not None:
                self.added.append(self._fresh(file))
            return
        stats = (file.size, file.mtime_ns)
        recorded = (known.size, known.mtime_ns)
        decided_alike = _decided_alike(known, file)
        if decided_alike and stats == recorded:
            self._same(known)
            return
        if decided_alike and stats == self.overrides.get(file.path):
            self.touched.append(replace(known, size=file.size, mtime_ns=file.mtime_ns))
            self._same(self.touched[-1])
            return
        content = self._read(file)
        if content is None:
            return
        if not decided_alike or content_hash(content) != known.hash:
            (self.added if known.skip else self.modified).append(self._fresh(file))
            return
        healed = replace(known, size=file.size, mtime_ns=self._trusted(file.mtime_ns))
        if healed != known:
            self.touched.append(healed)
        self._same(healed)

    def _read(self, file: SourceFile) -> bytes | None:
        """Return the content, or None after counting a file that can't be read."""
        try:
            return self.source.read(file.path)
        except FileNotFoundError:
            self.seen.discard(file.path)
        except OSError as error:
            detail = error.strerror or str(error)
            self.skip(FileRecord(file.path, file.size, RACY, b"", skip=SkipReason.UNREADABLE, detail=detail))
        return None

    def _same(self, record: FileRecord) -> None:
        if record.skip is None:
            self.unchanged += 1
        else:
            self.skipped.append(record)

    def _fresh(self, file: SourceFile) -> FileRecord:
        return FileRecord(file.path, file.size, self._trusted(file.mtime_ns), b"", detail=file.kept_by)

    def _trusted(self, mtime_ns: int) -> int:
        return mtime_ns if mtime_ns < self.racy_after else RACY


def _decided_alike(known: FileRecord, file: SourceFile) -> bool:
    """Whether .gitattributes has the same say in the file as when it was recorded."""
    if known.skip is None:
        return bool(known.detail) == bool(file.kept_by)
    return not (file.kept_by and known.skip in {SkipReason.GENERATED, SkipReason.VENDORED, SkipReason.MINIFIED})
