"""generation.json: what a generation is, and the checksum of each of its files."""

from __future__ import annotations

from pathlib import Path

import msgspec
import xxhash

from indexer.errors import REMEDY, DamagedIndexError, FormatVersionError
from indexer.stores.generation.layout import MANIFEST
from indexer.types import TIERS, Tier

FORMAT_VERSION = 3
"""Raised when the files of a generation change their meaning; an index of another version is never read."""

_MAX_MANIFEST_BYTES = 16 << 20
_BLOCK = 1 << 20


class Encoder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which encoder made the vectors."""

    name: str
    digest: str
    dims: int
    max_tokens: int


class Projection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How vectors were reduced: mode, the basis's digest (empty for none), and dims of the stored vectors."""

    mode: str
    digest: str
    dims: int


class Segment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One immutable vector segment: the tier of its vectors, how many it holds, and how many of them are live."""

    number: int
    tier: Tier
    vectors: int
    live: int


class FileSum(msgspec.Struct, frozen=True, array_like=True):
    """A file's size in bytes and xxh3_128 in hex."""

    size: int
    xxh3_128: str


class Counts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many files (skipped ones included), skipped files and chunks the generation holds."""

    files: int
    skipped: int
    chunks: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of generation.json.

    `made_with` is that of indexer.identity. `digest` is over the logical content (stores.catalog.digest). `extra` holds
    what the caller wants to keep, such as measured recall. `checksum` is xxh3_128 of this object encoded with an empty
    checksum.
    """

    format_version: int
    generation: int
    created: str
    encoder: Encoder
    projection: Projection
    made_with: dict[str, str]
    counts: Counts
    segments: tuple[Segment, ...]
    digest: str
    vector_digest: str
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
                f"{path}: has format version {version}, this program reads version {FORMAT_VERSION}; "
                "run `indexer build --full`"
            )
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedIndexError(f"{path}: is not a valid manifest ({error}); {REMEDY}") from error
    if manifest.checksum != _own_checksum(manifest):
        raise DamagedIndexError(f"{path}: was altered, its checksum differs; {REMEDY}")
    return manifest


def read(generation: Path) -> Manifest:
    """Read the manifest of a generation's folder; raises as `decode`, and FileNotFoundError."""
    path = generation / MANIFEST
    with path.open("rb") as file:
        content = file.read(_MAX_MANIFEST_BYTES + 1)
    if len(content) > _MAX_MANIFEST_BYTES:
        raise DamagedIndexError(f"{path}: is larger than any manifest; {REMEDY}")
    return decode(content, path)


def file_sum(path: Path) -> FileSum:
    """Return a file's size and xxh3_128, reading it in blocks."""
    state = xxhash.xxh3_128()
    size = 0
    block = memoryview(bytearray(_BLOCK))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(block):
            state.update(block[:count])
            size += count
    return FileSum(size, state.hexdigest())


def _own_checksum(manifest: Manifest) -> str:
    return xxhash.xxh3_128_hexdigest(msgspec.json.encode(msgspec.structs.replace(manifest, checksum="")))
