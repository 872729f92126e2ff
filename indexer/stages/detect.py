"""Detect: compare a source with a catalog, by stat first, by content hash where the stat differs.

A stat is size, modification time, change time and inode, as in git's index. A program can set the modification time,
and give a file's name to another file; it can't set the change time, which the system writes at either.

A file may change twice within one tick of its file system's clock: read in between, it has the recorded stat
but other content ("racily clean" in git's terms, Documentation/technical/racy-git.txt). Whatever was changed less than
`GRANULARITY_NS` before this look at the source started is therefore recorded with an `mtime_ns` of -1, which no file
has, so that the next look reads it. A change after the look can't carry an older time than that, unless clocks are more
than the granularity apart. A look by content trusts no stat.

A file whose stat says nothing, as in a fresh clone, is not read either where its source has git's id of the content and
the catalog the same one, with the same size. A record's id was compared with what was read, so that no filter stood
between the two; in another clone a filter that keeps the size of what it changes goes unnoticed.

In a copy of a tree, every file has a change time and an inode of its own. The first look reads them all, and the caller
remembers their stats. Where it can't, each look would read everything again: then, if no file at all has its recorded
stat, files of the recorded size and modification time are taken for copies of those recorded.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from operator import attrgetter

import msgspec
import xxhash
from msgspec.structs import replace

from indexer.types import FileChanges, FileRecord, Reader, SkippedFile, SkipReason, Source, SourceFile, Stat

GRANULARITY_NS = 2_000_000_000
"""The coarsest clock among common file systems: FAT's two seconds."""

RACY = -1
"""The `mtime_ns` of a record whose file must be read again."""


_SHA1_BYTES = 20

_EMPTY_HASH = xxhash.xxh3_128_digest(b"")


GENERATOR = "codebase-indexer"
"""What a page of this program's names as its maker."""

OWN_REPORT_HASH = xxhash.xxh3_128_digest(GENERATOR.encode())

_OWN_REPORT_HEAD_BYTES = 1000
_OWN_PAGE = f'<meta name="generator" content="{GENERATOR}">'.encode()
_OWN_JSON = (re.compile(rb'"generation"\s*:\s*"\d{8}"'), re.compile(rb'"digest"\s*:\s*"[0-9a-f]{32}"'))


def content_hash(content: bytes) -> bytes:
    """Return xxh3_128 of a file's content, 16 bytes; OWN_REPORT_HASH for every report of this program's.

    Such a report, which a build may write into the tree that it indexes, is never indexed, and is no change when it is
    written again.
    """
    return OWN_REPORT_HASH if _is_own_report(content) else xxhash.xxh3_128_digest(content)


def _is_own_report(content: bytes) -> bool:
    start = content[:1]
    if start not in (b"{", b"<"):
        return False
    head = content[:_OWN_REPORT_HEAD_BYTES]
    return _OWN_PAGE in head if start == b"<" else all(pattern.search(head) for pattern in _OWN_JSON)


def detect(
    source: Source,
    known: Mapping[str, FileRecord],
    stat_overrides: Mapping[str, Stat] | None = None,
    *,
    by_content: bool = False,
    remembers: bool = True,
    clock: Callable[[], int] = time.time_ns,
) -> FileChanges:
    """Return what changed in `source` against the records of a catalog.

    `stat_overrides` maps paths to the stat under which their content was last seen to equal the catalog's, for files
    touched since the catalog was committed. Only files whose stats differ are read, or with `by_content` every file;
    files that the catalog doesn't know are left for the parser to read. `remembers` says whether the caller can keep
    the stats of touched files for the next look. A file that can't be read is skipped as UNREADABLE; one that vanishes
    between the walk and the read counts as removed.
    """
    comparison = _Comparison(source, source.reader(), known, stat_overrides or {}, by_content, clock() - GRANULARITY_NS)
    for file in source.files(known):
        comparison.seen.add(file.path)
        if isinstance(file, SkippedFile):
            comparison.skip(FileRecord(file.path, file.size, file.mtime_ns, b"", skip=file.reason, detail=file.detail))
        elif file.size == 0:
            record = FileRecord(file.path, 0, file.mtime_ns, _EMPTY_HASH, skip=SkipReason.EMPTY, detail="0 bytes")
            comparison.skip(record)
        else:
            comparison.compare(file)
    comparison.compare_copies(trusted=not remembers and not comparison.recognised)
    return FileChanges(
        added=tuple(sorted(comparison.added, key=attrgetter("path"))),
        modified=tuple(sorted(comparison.modified, key=attrgetter("path"))),
        removed=tuple(sorted(known.keys() - comparison.seen)),
        touched=tuple(comparison.touched),
        skipped=tuple(comparison.skipped),
        skipped_new=tuple(comparison.skipped_new),
        unchanged=comparison.unchanged,
    )


class _Comparison(msgspec.Struct):
    """The lists that one look fills; times from `racy_after` (ns) on are not trusted.

    `recognised` counts files whose whole stat is known, `copies` are files whose inode or change time alone is not.
    """

    source: Source
    reader: Reader
    known: Mapping[str, FileRecord]
    overrides: Mapping[str, Stat]
    by_content: bool
    racy_after: int
    recognised: int = 0
    copies: list[SourceFile] = []
    seen: set[str] = set()
    added: list[FileRecord] = []
    modified: list[FileRecord] = []
    touched: list[FileRecord] = []
    skipped: list[FileRecord] = []
    skipped_new: list[FileRecord] = []
    unchanged: int = 0

    def skip(self, record: FileRecord) -> None:
        """Count a file that is skipped without a look at its content; its stats alone are no news."""
        self.skipped.append(record)
        known = self.known.get(record.path)
        if known is None or _identity(known) != _identity(record):
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
        if self.by_content or not _decided_alike(known, file):
            self._compare_content(file, known)
        elif file.stat == known.stat:
            self.recognised += 1
            self._same(known)
        elif file.stat == self.overrides.get(file.path):
            self.recognised += 1
            self.touched.append(_with_stat(known, file, file.mtime_ns))
            self._same(self.touched[-1])
        elif (file.size, file.mtime_ns) == (known.size, known.mtime_ns):
            self.copies.append(file)
        else:
            self._compare_content(file, known)

    def compare_copies(self, *, trusted: bool) -> None:
        """Sort the files whose inode or change time alone differs: by content, or `trusted` to be what was recorded."""
        for file in self.copies:
            if trusted:
                self._same(self.known[file.path])
            else:
                self._compare_content(file, self.known[file.path])

    def _compare_content(self, file: SourceFile, known: FileRecord) -> None:
        blob = told = self.source.content_id(file)
        is_told = blob and known.blob and not self.by_content
        if is_told and (blob != known.blob or file.size == known.size):
            is_same = blob == known.blob
        else:
            content = self._read(file)
            if content is None:
                return
            is_same = content_hash(content) == known.hash
            blob = verified_blob(blob, content)
        if not is_same or not _decided_alike(known, file):
            (self.added if known.skip else self.modified).append(self._fresh(file, told))
            return
        healed = replace(_with_stat(known, file, self._trusted(file)), blob=blob or known.blob)
        if healed != known:
            self.touched.append(healed)
        self._same(healed)

    def _read(self, file: SourceFile) -> bytes | None:
        """Return the content, or None after counting a file that can't be read."""
        try:
            return self.reader.read(file.path)[0]
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

    def _fresh(self, file: SourceFile, told: bytes | None = None) -> FileRecord:
        """Return the record of a file to be parsed; `told` is its content's id where the source was asked for that."""
        blob = self.source.content_id(file) if told is None else told
        record = FileRecord(file.path, file.size, file.mtime_ns, b"", detail=file.kept_by, blob=blob)
        return _with_stat(record, file, self._trusted(file))

    def _trusted(self, file: SourceFile) -> int:
        return file.mtime_ns if max(file.mtime_ns, file.ctime_ns) < self.racy_after else RACY


def verified_blob(blob: bytes, content: bytes) -> bytes:
    """Return the id that git has for a file, or b"" where what was read has another one, as after a filter."""
    if not blob:
        return b""
    import hashlib

    state = hashlib.new("sha1" if len(blob) == _SHA1_BYTES else "sha256", usedforsecurity=False)
    state.update(b"blob %d\0" % len(content))
    state.update(content)
    return blob if state.digest() == blob else b""


def as_read(record: FileRecord, read: Stat) -> FileRecord:
    """Return the record of a file of which `read` is the stat after it was read.

    What changed since the look is read again at the next one: it may have changed while it was read.
    """
    return record if read == record.stat else replace(record, size=read[0], mtime_ns=RACY)


def _with_stat(record: FileRecord, file: SourceFile, mtime_ns: int) -> FileRecord:
    return replace(record, size=file.size, mtime_ns=mtime_ns, ctime_ns=file.ctime_ns, inode=file.inode)


def _identity(record: FileRecord) -> tuple[SkipReason | None, bytes, str]:
    """Return what a skipped file adds to the content digest, besides its path."""
    return record.skip, record.hash, record.language


def _decided_alike(known: FileRecord, file: SourceFile) -> bool:
    """Whether .gitattributes has the same say in the file as when it was recorded."""
    if known.skip is None:
        return bool(known.detail) == bool(file.kept_by)
    return not (file.kept_by and known.skip in {SkipReason.GENERATED, SkipReason.VENDORED, SkipReason.MINIFIED})
