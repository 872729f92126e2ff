"""generation.json: what a generation is, and the checksum of each of its files."""

from __future__ import annotations

from io import FileIO
from pathlib import Path
from typing import Annotated

import msgspec
import xxhash

from indexer.errors import REBUILD, DamagedIndexError, FormatVersionError
from indexer.regular import open_regular, read_regular
from indexer.stores.generation.layout import MANIFEST, is_generation_file
from indexer.types import TIERS, IndexedSource, Tier

FORMAT_VERSION = 5
"""Raised when the files of a generation change their meaning; an index of another version is never read."""

STATIC = "static"
"""What `made_with` has of an index whose chunks may have static vectors first: the static encoder's digest."""

MAX_BYTES = 16 << 20
"""No manifest is larger."""
MAX_FILE_BYTES = 64 << 30
"""No file of an index is larger, which is ten times the text of ten million chunks: a checksum's time has an end."""
_BLOCK = 1 << 20


Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 32) - 1)]
Dims = Annotated[int, msgspec.Meta(ge=1, le=4096)]
"""Far more than any encoder has; a square matrix of so many takes 64 MB."""


Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
"""128 bits in hex, which an increment goes on from."""


class Encoder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which encoder made the vectors."""

    name: str
    digest: str
    dims: Dims
    max_tokens: Count


class Projection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How vectors were reduced: mode, the basis's digest (empty for none), and dims of the stored vectors."""

    mode: str
    digest: str
    dims: Dims


class Segment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One immutable vector segment: the tier of its vectors, how many it holds, and how many of them are live."""

    number: Annotated[int, msgspec.Meta(ge=1, le=99_999_999)]
    tier: Tier
    vectors: Count
    live: Count


class FileSum(msgspec.Struct, frozen=True, array_like=True):
    """A file's size in bytes and xxh3_128 in hex."""

    size: Annotated[int, msgspec.Meta(ge=0, le=MAX_FILE_BYTES)]
    xxh3_128: str


class Counts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many files (skipped ones included), skipped files and chunks the generation holds."""

    files: Count
    skipped: Count
    chunks: Count


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of generation.json.

    `made_with` is that of indexer.identity, and `source` says what was indexed. `digest` is over the logical content
    (stores.catalog.digest), `vector_digest` over vectors and tiers. `extra` holds what the caller wants to keep, such
    as measured recall. `checksum` is xxh3_128 of this object encoded with an empty checksum.
    """

    format_version: int
    generation: int
    created: str
    encoder: Encoder
    projection: Projection
    made_with: dict[str, str]
    source: IndexedSource
    counts: Counts
    segments: tuple[Segment, ...]
    digest: Digest
    vector_digest: Digest
    files: dict[str, FileSum]
    extra: dict[str, str | int | float | bool] = {}
    checksum: str = ""

    @property
    def tiers(self) -> dict[Tier, int]:
        """How many chunks have a vector of each tier; tiers that none has are left out."""
        counts: dict[Tier, int] = {}
        for segment in self.segments:
            counts[segment.tier] = counts.get(segment.tier, 0) + segment.live
        return {tier: counts[tier] for tier in TIERS if counts.get(tier)}

    @property
    def static_segments(self) -> tuple[int, ...]:
        """The numbers of the segments whose vectors are static."""
        return tuple(segment.number for segment in self.segments if segment.tier is Tier.STATIC)

    @property
    def upgraded(self) -> float:
        """Which part of the chunks has the encoder's own vector, 0 to 1: the others have a static one for now."""
        static = self.tiers.get(Tier.STATIC, 0) if STATIC in self.made_with else 0
        return 1.0 - static / self.counts.chunks if static else 1.0


class _Version(msgspec.Struct):
    format_version: int


def seal(manifest: Manifest) -> Manifest:
    """Return the manifest with its own checksum filled in."""
    return msgspec.structs.replace(manifest, checksum=_own_checksum(manifest))


def encode(manifest: Manifest) -> bytes:
    """Return the bytes of generation.json, indented for people."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def decode(content: bytes, path: Path) -> Manifest:
    """Parse generation.json; raise FormatVersionError or DamagedIndexError, which name `path`."""
    try:
        version = msgspec.json.decode(content, type=_Version).format_version
        if version != FORMAT_VERSION:
            raise FormatVersionError(
                f"{path}: has format version {version}, this program reads version {FORMAT_VERSION}",
                REBUILD,
            )
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedIndexError(f"{path}: is not a valid manifest ({error})") from error
    if manifest.checksum != _own_checksum(manifest):
        raise DamagedIndexError(f"{path}: was altered, its checksum differs")
    numbers = {segment.number for segment in manifest.segments}
    if len(numbers) < len(manifest.segments) or any(segment.live > segment.vectors for segment in manifest.segments):
        raise DamagedIndexError(f"{path}: describes vector segments that can't be")
    for name in manifest.files:
        if not is_generation_file(name):
            raise DamagedIndexError(f"{path}: names {name!a}, which is no file of an index")
    return manifest


def read(generation: Path) -> Manifest:
    """Read the manifest of a generation's folder; raises as `decode`, and OSError."""
    path = generation / MANIFEST
    return decode(read_regular(str(path), MAX_BYTES), path)


def file_sum(path: Path) -> FileSum:
    """Return a regular file's size and xxh3_128; raises OSError."""
    descriptor, _ = open_regular(str(path))
    with FileIO(descriptor) as file:
        return sum_of(file)


def sum_of(file: FileIO) -> FileSum:
    """Return the size and xxh3_128 of what is left to read of a file, in blocks."""
    summing = Summing()
    block = memoryview(bytearray(_BLOCK))
    while count := file.readinto(block):
        summing.update(block[:count])
    return summing.result()


class Summing:
    """Size and xxh3_128 of what is given piece by piece."""

    def __init__(self) -> None:
        self.size = 0
        self._state = xxhash.xxh3_128()

    def update(self, piece: bytes | memoryview) -> None:
        """Add a piece."""
        self.size += len(piece)
        self._state.update(piece)

    def result(self) -> FileSum:
        """Return the sum of what was given so far."""
        return FileSum(self.size, self._state.hexdigest())


def _own_checksum(manifest: Manifest) -> str:
    return xxhash.xxh3_128_hexdigest(msgspec.json.encode(msgspec.structs.replace(manifest, checksum="")))
