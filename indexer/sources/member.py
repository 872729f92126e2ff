"""One repository among many: a source whose paths begin with its name, of all of its folders or some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace as replace_record

from indexer.types import (
    FileRecord,
    IndexedSource,
    LeftOut,
    LeftOutEntry,
    Reader,
    SkippedFile,
    Source,
    SourceFile,
    Stat,
)

KIND = "member:"
"""How the kind of such a source begins; then comes that of the repository's own."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The folders from `start` on and before `end`, in the order of their steps; "" is the top, or no end.

    A folder's own files go with it, and the order puts a folder right before all that lies below it.
    """

    start: str = ""
    end: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether every folder is in it."""
        return not self.start and not self.end

    def holds(self, path: str) -> bool:
        """Whether a file is in it, by the folder that it lies in."""
        folder = steps_of(path)[:-1]
        return steps_of(self.start) <= folder and (not self.end or folder < steps_of(self.end))


def steps_of(path: str) -> tuple[str, ...]:
    """Return a path's steps, which order folders as a walk meets them."""
    return tuple(path.split("/")) if path else ()


class MemberReader(NamedTuple):
    """Reads the files of a repository by their paths among many."""

    reader: Reader
    prefix: str

    def read(self, path: str) -> tuple[bytes, Stat]:
        """Return a file's content and stat; raises OSError as the repository's own reader."""
        return self.reader.read(path.removeprefix(self.prefix))


class Member:
    """The files of another source that a cut holds, each path behind the repository's name; a `types.Source`."""

    def __init__(self, source: Source, *, name: str, cut: Cut) -> None:
        self._source = source
        self._prefix = f"{name}/"
        self._cut = cut

    @property
    def description(self) -> IndexedSource:
        """The repository's own, of a kind that no command takes for a tree to compare the index with."""
        own = self._source.description
        return replace_record(own, kind=KIND + own.kind)

    @property
    def left_out(self) -> LeftOut:
        """What of the cut the last listing left out; of a part of a repository, git's files are not accounted for."""
        own = self._source.left_out
        entries = tuple(self._renamed(entry) for entry in own.entries if self._cut.holds(entry.path))
        missing = tuple(self._prefix + path for path in own.missing)
        if not self._cut.is_whole:
            return LeftOut(entries, warnings=own.warnings, missing=missing)
        return LeftOut(entries, tuple(map(self._renamed, own.tracked)), own.tracked_total, own.warnings, missing)

    def files(self, known: Mapping[str, FileRecord] | None = None) -> Iterator[SourceFile | SkippedFile]:
        """Yield the cut's files, sorted by path."""
        own = {path.removeprefix(self._prefix): record for path, record in (known or {}).items()}
        for file in self._source.files(own):
            if self._cut.holds(file.path):
                yield self._named(file)

    def content_id(self, file: SourceFile) -> bytes:
        """Return the id of a file's content where the repository's own source knows it."""
        return self._source.content_id(_with_path(file, file.path.removeprefix(self._prefix)))

    def reader(self) -> MemberReader:
        """Return what reads the files."""
        return MemberReader(self._source.reader(), self._prefix)

    def _named(self, file: SourceFile | SkippedFile) -> SourceFile | SkippedFile:
        if isinstance(file, SourceFile):
            return _with_path(file, self._prefix + file.path)
        return SkippedFile(self._prefix + file.path, file.reason, file.detail, file.size, file.mtime_ns)

    def _renamed(self, entry: LeftOutEntry) -> LeftOutEntry:
        return LeftOutEntry(self._prefix + entry.path, entry.reason, entry.rule, entry.is_folder)


def _with_path(file: SourceFile, path: str) -> SourceFile:
    return SourceFile(path, file.size, file.mtime_ns, file.kept_by, file.ctime_ns, file.inode)
