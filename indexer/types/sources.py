"""Where files come from: a source lists its files, names those that it leaves out, and gives what reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Protocol

import msgspec

from indexer.types.files import FileRecord, SkipReason, Stat


class LeftOutReason(StrEnum):
    """Why something is no file of a source at all, or why a file that git tracks is none; `explanation` says it."""

    HIDDEN = "hidden"
    GIT_IGNORED = "git-ignored"
    IGNORED = "ignored"
    EXCLUDED = "excluded"
    INDEX = "index"
    SKIPPED_FOLDER = "skipped-folder"
    SUBMODULE = "submodule"
    MISSING = "missing"

    @property
    def explanation(self) -> str:
        """One sentence for a person."""
        return _LEFT_OUT[self]


_LEFT_OUT = {
    LeftOutReason.HIDDEN: "hidden files are left out, save those of continuous integration and tools (walk.hidden)",
    LeftOutReason.GIT_IGNORED: "git ignores it, and does not track it",
    LeftOutReason.IGNORED: "an .ignore or .indexerignore file leaves it out",
    LeftOutReason.EXCLUDED: "walk.exclude leaves it out",
    LeftOutReason.INDEX: "it is the index itself",
    LeftOutReason.SKIPPED_FOLDER: "it lies in a folder that is skipped",
    LeftOutReason.SUBMODULE: "it stands for another repository",
    LeftOutReason.MISSING: "git tracks it, but it is not in the work tree",
}


class LeftOutEntry(msgspec.Struct, frozen=True):
    """A file, or a folder with all that it holds, that is left out; `rule` is the line that decided, if one did."""

    path: str
    reason: LeftOutReason
    rule: str = ""
    is_folder: bool = False


class LeftOut(msgspec.Struct, frozen=True):
    """What a walk left out: `entries` as it met them, a folder once; `tracked` are git's files among them, one by one.

    `tracked_total` counts the files below the root that git tracks, or is None where no git index can be read: those
    that the walk found, as files or as skipped ones, are the total less `tracked`. `warnings` are sentences on ignore
    files that were not read. `missing` are files, and files of rules, of a revision whose
    content git lacks.
    """

    entries: tuple[LeftOutEntry, ...] = ()
    tracked: tuple[LeftOutEntry, ...] = ()
    tracked_total: int | None = None
    warnings: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class SourceFile(msgspec.Struct, frozen=True):
    """A file to index: its path relative to the root (POSIX, undecodable bytes as surrogate escapes) and its stat.

    A source that knows each content by an id has `content_stat` of it in place of a stat. `kept_by` names the
    .gitattributes line that keeps a file whatever its content says of its origin.
    """

    path: str
    size: int
    mtime_ns: int
    kept_by: str = ""
    ctime_ns: int = 0
    inode: int = 0

    @property
    def stat(self) -> Stat:
        """What tells this file from the one that had its name before."""
        return self.size, self.mtime_ns, self.ctime_ns, self.inode


class SkippedFile(msgspec.Struct, frozen=True):
    """A file that was found and is left out, and why; `detail` names the line, limit or system error."""

    path: str
    reason: SkipReason
    detail: str = ""
    size: int = 0
    mtime_ns: int = 0


def content_stat(size: int, content_id: bytes) -> Stat:
    """Return the stat of a file whose content has an id of at least 16 bytes, such as a git blob's.

    Equal ids give equal stats. No file system gives such a stat, and it is never racy.
    """
    high, low = (int.from_bytes(content_id[start : start + 8], "big") >> 2 for start in (0, 8))
    return size, -2 - high, 0, low


class IndexedSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the files of an index are: `kind` says which sort of source, and so what the index may be compared with.

    The `root` of a work tree is relative to the index folder where that lies within the tree, so that both can be moved
    together, and absolute otherwise.
    """

    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    root: str


class Reader(Protocol):
    """Reads the files of a source in any process: it is pickled, and its class lies in a module to import."""

    def read(self, path: str) -> tuple[bytes, Stat]:
        """Return a file's content and the stat under which that was read.

        Raises OSError when it can't be read: FileNotFoundError when it is gone, and others also for a file that is no
        longer one that the source would list, such as one that has outgrown its size limit.
        """


class Source(Protocol):
    """Where files come from: a work tree, or a tree that git holds; it says which files count, and why others don't."""

    @property
    def description(self) -> IndexedSource:
        """What an index made of these files records of them."""

    @property
    def left_out(self) -> LeftOut:
        """What the last listing that came to its end left out."""

    def files(self, known: Mapping[str, FileRecord] | None = None) -> Iterator[SourceFile | SkippedFile]:
        """Yield every file in the source once, sorted by path.

        A source that has an id of each content, and must ask for a size, takes the size of a content that is `known`.
        """

    def content_id(self, file: SourceFile) -> bytes:
        """Return the git blob id of a file's content where that is known without reading it, else b"".

        To be asked once for each file that a listing yields: what was told may be forgotten.
        """

    def reader(self) -> Reader:
        """Return what reads the files."""
