"""The data that flows through the pipeline, in flow order.

`SourceFile | SkippedFile` -> `FileChanges` -> `Symbol` -> `Chunk` -> float32[n, d] -> `QuantizedBatch` -> a committed
generation; on the way back `Hit`. Everything is frozen; what comes by the hundred thousand is a struct, which takes
a quarter of a frozen dataclass's time to make. Vectors stay matrices aligned with their chunks.
numpy is imported for types alone, so that a run that finds nothing changed never loads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SkipReason(StrEnum):
    """Why a file that the walk found is not in the index; `explanation` says it in a sentence."""

    EMPTY = "empty"
    TOO_LARGE = "too-large"
    BINARY = "binary"
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
    SkipReason.GENERATED: "the file says, or .gitattributes says, that a program wrote it",
    SkipReason.VENDORED: ".gitattributes says that the file is a copy of somebody else's code",
    SkipReason.MINIFIED: "the lines are too long for a person to have written them",
    SkipReason.UNREADABLE: "the system refused to read the file",
    SkipReason.VANISHED: "the file was removed while the build ran",
    SkipReason.SYMLINK: "symbolic links are not followed",
    SkipReason.NOT_REGULAR: "a FIFO, socket or device is never opened",
    SkipReason.NESTED_REPOSITORY: "another repository inside this one is followed by walk.nested_repositories alone",
    SkipReason.PARSER_FAILED: "the process ran out of time or memory, or crashed, even without a grammar",
}


Stat = tuple[int, int, int, int]
"""What the system says of a file without reading it: size, mtime_ns, ctime_ns and inode; 0 where there is none."""


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
    LeftOutReason.HIDDEN: "hidden files are left out (walk.hidden)",
    LeftOutReason.GIT_IGNORED: "git ignores it, and does not track it",
    LeftOutReason.IGNORED: "an .ignore or .indexerignore file leaves it out",
    LeftOutReason.EXCLUDED: "walk.exclude leaves it out",
    LeftOutReason.INDEX: "it is the index itself",
    LeftOutReason.SKIPPED_FOLDER: "it lies in a folder that is skipped",
    LeftOutReason.SUBMODULE: "it stands for another repository",
    LeftOutReason.MISSING: "git tracks it, but it is not in the work tree",
}


@dataclass(frozen=True, slots=True)
class LeftOutEntry:
    """A file, or a folder with all that it holds, that is left out; `rule` is the line that decided, if one did."""

    path: str
    reason: LeftOutReason
    rule: str = ""
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a walk left out: `entries` as it met them, a folder once; `tracked` are git's files among them, one by one.

    `tracked_total` counts the files below the root that git tracks, or is None where no git index can be read: those
    that the walk found, as files or as skipped ones, are the total less `tracked`. `warnings` are sentences on ignore
    files that were not read.
    """

    entries: tuple[LeftOutEntry, ...] = ()
    tracked: tuple[LeftOutEntry, ...] = ()
    tracked_total: int | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceFile:
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


@dataclass(frozen=True, slots=True)
class SkippedFile:
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

    def files(self) -> Iterator[SourceFile | SkippedFile]:
        """Yield every file in the source once, sorted by path."""

    def reader(self) -> Reader:
        """Return what reads the files."""


class FileRecord(msgspec.Struct, frozen=True, gc=False):
    """What the catalog knows of one file.

    `hash` is xxh3_128 of the content (16 bytes; empty for a file never read). A file that is left out has its reason
    in `skip`. `errors` counts the parser's error nodes; `failure` says how the grammar failed on a file that is indexed
    by its lines alone. `mtime_ns` is -1 where the file may have changed again within the clock's granularity, or
    between the look and the read, so that it is read at the next look. `detail` is the line, limit or system error
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

    @property
    def stat(self) -> Stat:
        """The stat under which the content was `hash`."""
        return self.size, self.mtime_ns, self.ctime_ns, self.inode


@dataclass(frozen=True, slots=True)
class FileChanges:
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


class SymbolKind(StrEnum):
    """What a symbol is, in the terms that languages share; `REGION` is code or text outside any symbol."""

    FUNCTION = "function"
    METHOD = "method"
    CLASS = "class"
    STRUCT = "struct"
    INTERFACE = "interface"
    TRAIT = "trait"
    PROTOCOL = "protocol"
    ENUM = "enum"
    ENUM_MEMBER = "enum_member"
    UNION = "union"
    TYPE = "type"
    MODULE = "module"
    NAMESPACE = "namespace"
    OBJECT = "object"
    IMPLEMENTATION = "implementation"
    CONSTANT = "constant"
    VARIABLE = "variable"
    FIELD = "field"
    PROPERTY = "property"
    CONSTRUCTOR = "constructor"
    MACRO = "macro"
    TEST = "test"
    TABLE = "table"
    RULE = "rule"
    TARGET = "target"
    STAGE = "stage"
    ELEMENT = "element"
    MESSAGE = "message"
    SERVICE = "service"
    RESOURCE = "resource"
    SECTION = "section"
    KEY = "key"
    CELL = "cell"
    REGION = "region"


TYPE_KINDS = frozenset(
    {
        SymbolKind.CLASS,
        SymbolKind.STRUCT,
        SymbolKind.INTERFACE,
        SymbolKind.TRAIT,
        SymbolKind.PROTOCOL,
        SymbolKind.ENUM,
        SymbolKind.UNION,
        SymbolKind.OBJECT,
    }
)
"""Kinds that are types in every sense: they have a name of their own, and may have members."""


class Symbol(msgspec.Struct, frozen=True, gc=False):
    """A named definition in a file.

    Spans are bytes in the decoded text's UTF-8 form, end exclusive, and 1-based lines, end inclusive; both include
    decorators and the leading comment that `doc` was taken from. `parent` is the enclosing symbol's qualified name.
    """

    kind: SymbolKind
    name: str
    qualified_name: str
    signature: str
    doc: str
    parent: str
    start_byte: int
    end_byte: int
    start_line: int
    end_line: int


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """The unit of retrieval: a symbol, a part of a long one, or a region between symbols.

    `id` is 63 bits of xxh3 over (path, qualified name, kind, ordinal, part), so that it survives edits elsewhere; code
    outside symbols has the qualified name of the symbol before it with its own first line in place of a name.
    `text` is the source of the span, save that a class shows the signatures of the members that are chunks of their
    own; code that holds several small symbols has all their names. `text_hash` is xxh3_128 of `embedded_text`.
    """

    id: int
    path: str
    language: str
    kind: SymbolKind
    name: str
    qualified_name: str
    signature: str
    doc: str
    parent: str
    part: int
    start_line: int
    end_line: int
    start_byte: int
    end_byte: int
    text: str
    embedded_text: str
    text_hash: bytes


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """One file after parsing and chunking: the record for the catalog and its chunks in file order."""

    record: FileRecord
    chunks: tuple[Chunk, ...]


class Tier(StrEnum):
    """How well a vector stands for its text, the better last: summed from a table of tokens, or read in context."""

    STATIC = "static"
    CONTEXTUAL = "contextual"

    @property
    def rank(self) -> int:
        """The place in the order, from 0."""
        return TIERS.index(self)


TIERS = tuple(Tier)


Role = Literal["query", "passage"]
"""What a text is to an encoder: a question, or what is searched; some models encode the two differently."""


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """Which function from texts and roles to vectors this is: equal digests mean equal vectors."""

    name: str
    digest: str
    dims: int
    max_tokens: int
    tier: Tier = Tier.CONTEXTUAL


class PreparedTexts(Protocol):
    """Texts after tokenisation."""

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Tokens a text, int32[n], special tokens included, after truncation."""


class Encoder(Protocol):
    """Text to unit vectors; a text's vector never depends on what it is encoded with."""

    @property
    def identity(self) -> EncoderIdentity:
        """Name, digest and shape."""

    def prepare(self, texts: Sequence[str], *, role: Role = "passage") -> PreparedTexts:
        """Tokenise once, each text with what the role puts before it."""

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Encode the given rows of prepared texts as one batch: float32[len(rows), dims], unit rows."""

    def encode(self, texts: Sequence[str], *, role: Role = "passage") -> NDArray[np.float32]:
        """Encode texts as one batch: float32[n, dims], unit rows."""


@dataclass(frozen=True, slots=True)
class QuantizedBatch:
    """Chunks and their reduced vectors: int8[n, k], float32[n] scales such that vector = int8 * scale, and tiers."""

    chunks: tuple[Chunk, ...]
    vectors: NDArray[np.int8]
    scales: NDArray[np.float32]
    tiers: tuple[Tier, ...]


SearchMode = Literal["hybrid", "text", "vector"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result.

    `snippet` is some lines of the chunk, the first of them line `snippet_line` of the file, or 0 where they are the
    outline of a class and don't follow one another. `ranks` holds the chunk's 1-based place in each retriever that
    found it, `contributions` what each feature of the ranking added to `score`.
    """

    id: int
    path: str
    start_line: int
    end_line: int
    language: str
    kind: str
    name: str
    qualified_name: str
    signature: str
    doc: str
    snippet: str
    snippet_line: int
    score: float
    ranks: dict[str, int]
    contributions: dict[str, float]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one query, best hits first, and the number of the generation that gave it."""

    query: str
    generation: int
    hits: tuple[Hit, ...]
