"""What the catalog knows of files, why it leaves some out, and what changed among them."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class SkipReason(StrEnum):
    """Why a file that the walk found is not in the index; `explanation` says it in a sentence."""

    EMPTY = "empty"
    TOO_LARGE = "too-large"
    BINARY = "binary"
    LFS_POINTER = "lfs-pointer"
    GENERATED = "generated"
    VENDORED = "vendored"
    MINIFIED = "minified"
    UNREADABLE = "unreadable"
    VANISHED = "vanished"
    SYMLINK = "symlink"
    NOT_REGULAR = "not-regular"
    NESTED_REPOSITORY = "nested-repository"
    PARSER_FAILED = "parser-failed"

    @property
    def explanation(self) -> str:
        """One sentence for a person."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    SkipReason.EMPTY: "the file has no content but white space",
    SkipReason.TOO_LARGE: "the file is larger than walk.max_file_bytes",
    SkipReason.BINARY: "the content is not text",
    SkipReason.LFS_POINTER: "a Git LFS pointer stands for content that is kept elsewhere",
    SkipReason.GENERATED: "the file says, or .gitattributes says, that a program wrote it",
    SkipReason.VENDORED: ".gitattributes says that the file is a copy of somebody else's code",
    SkipReason.MINIFIED: "the lines are too long for a person to have written them",
    SkipReason.UNREADABLE: "the system refused to read the file",
    SkipReason.VANISHED: "the file was removed while the build ran",
    SkipReason.SYMLINK: "symbolic links are not followed",
    SkipReason.NOT_REGULAR: "a FIFO, socket or device is never opened",
    SkipReason.NESTED_REPOSITORY: "another repository inside this one is indexed under walk.nested_repositories alone",
    SkipReason.PARSER_FAILED: "the process ran out of time or memory, or crashed, even without a grammar",
}


Stat = tuple[int, int, int, int]
"""What the system says of a file without reading it: size, mtime_ns, ctime_ns and inode; 0 where there is none."""


class FileRecord(msgspec.Struct, frozen=True, gc=False):
    """What the catalog knows of one file.

    `hash` is xxh3_128 of the content (16 bytes; empty for a file never read). A file that is left out has its reason
    in `skip`. `errors` counts the parser's error nodes; `failure` says how the grammar failed on a file that is indexed
    by its lines alone. `mtime_ns` is -1 where the file may have changed again within the clock's granularity, or
    between the look and the read, so that it is read at the next look. `blob` is git's id of the content, where it was
    known and is right. `detail` is the line, limit or system error
    behind `skip`, or, of a file that is not skipped, the .gitattributes line that keeps it.
    """

    path: str
    size: int
    mtime_ns: int
    hash: bytes
    language: str = ""
    skip: SkipReason | None = None
    detail: str = ""
    errors: int = 0
    lines: int = 0
    failure: str = ""
    ctime_ns: int = 0
    inode: int = 0
    blob: bytes = b""

    @property
    def stat(self) -> Stat:
        """The stat under which the content was `hash`."""
        return self.size, self.mtime_ns, self.ctime_ns, self.inode


class FileChanges(msgspec.Struct, frozen=True):
    """The difference between a source and a catalog.

    `added` and `modified` are to be parsed; parsing may still skip some. `added` are files that the index doesn't hold,
    even where the catalog has them as skipped. `removed` are the catalog's paths that the source no longer has.
    `touched` are files whose stats differ from the catalog's but whose content doesn't: only the record is healed.
    `skipped` holds every file that stays or becomes skipped without parsing; `skipped_new` those among them that the
    catalog doesn't have, or has as indexed or under another reason, so that their old chunks go. `unchanged` counts the
    indexed files whose content is the catalog's, touched ones among them.
    """

    added: tuple[FileRecord, ...]
    modified: tuple[FileRecord, ...]
    removed: tuple[str, ...]
    touched: tuple[FileRecord, ...]
    skipped: tuple[FileRecord, ...]
    skipped_new: tuple[FileRecord, ...]
    unchanged: int

    @property
    def is_empty(self) -> bool:
        """Whether the index needs no new generation; touched files alone need none."""
        return not (self.added or self.modified or self.removed or self.skipped_new)
