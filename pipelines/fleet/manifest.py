"""A fleet's manifest: which generation of each shard belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import msgspec
import xxhash
from msgspec import Meta

from indexer.errors import REBUILD, DamagedIndexError, FormatVersionError
from indexer.errors import REMEDY as INDEX_REMEDY
from indexer.sources.member import Cut, steps_of
from indexer.stores.generation.manifest import Count, Digest, Encoder, Projection

from .config import Name

FORMAT_VERSION = 2
MAX_BYTES = 256 << 20
"""A hundred thousand shards; no manifest is larger."""
REMEDY = "run `indexer fleet build` to make the next one"
SHARD_REMEDY = (
    "run `indexer fleet verify` for details and `indexer fleet build --full --repo NAME` to make what is damaged anew"
)
"""What to do about a shard, in the place of what is for an index of its own."""

_MAX_SIZE = (1 << 62) - 1
ShardId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(@[0-9a-f]{8})?\Z")]
Size = Annotated[int, Meta(ge=0, le=_MAX_SIZE)]
Text = Annotated[str, Meta(max_length=4096)]


class Shard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A generation that belongs to a fleet: of which repository, which of its folders, and what it holds.

    `id` is the name of its index folder. `checksum` is that of the generation's manifest, `digest` and `vector_digest`
    are its own. `bytes` are those of the indexed files, `index_bytes` those of the index.
    """

    id: ShardId
    repository: Name
    root: Text
    kind: Annotated[str, Meta(min_length=1, max_length=100)]
    start: Text = ""
    end: Text = ""
    generation: Annotated[int, Meta(ge=1, le=99_999_999)]
    checksum: Digest
    digest: Digest
    vector_digest: Digest
    files: Count
    chunks: Count
    index_bytes: Size
    bytes: Size
    upgraded: Annotated[float, Meta(ge=0, le=1)]

    @property
    def cut(self) -> Cut:
        """Which folders of the repository it holds."""
        return Cut(self.start, self.end)


class Failure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A shard that could not be made, and why."""

    id: ShardId
    message: str


class FleetManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of manifests/NNNNNNNN.json.

    All shards were made with `encoder`, `projection` and `made_with`. `digest` is over the shards' ids and digests, so
    that builds that led to the same content have the same one, and `checksum` xxh3_128 of this object encoded with an
    empty checksum.
    """

    format_version: int
    number: Annotated[int, Meta(ge=1, le=99_999_999)]
    created: str
    encoder: Encoder
    projection: Projection
    made_with: dict[str, str]
    shards: Annotated[tuple[Shard, ...], Meta(min_length=1, max_length=1_000_000)]
    failed: tuple[Failure, ...] = ()
    digest: Digest = "0" * 32
    checksum: str = ""

    @property
    def chunks(self) -> int:
        """How many chunks all shards hold."""
        return sum(shard.chunks for shard in self.shards)

    @property
    def upgraded(self) -> float:
        """Which part of all chunks has the encoder's own vector, 0 to 1."""
        total = self.chunks
        return sum(shard.upgraded * shard.chunks for shard in self.shards) / total if total else 1.0


class _Version(msgspec.Struct):
    format_version: int


def shard_id(repository: str, cut: Cut) -> str:
    """Return the id of a repository's shard: its name, and of a later part eight digits of where that begins."""
    return f"{repository}@{xxhash.xxh3_64_hexdigest(cut.start.encode())[:8]}" if cut.start else repository


def seal(manifest: FleetManifest) -> FleetManifest:
    """Return the manifest with its digest and checksum filled in."""
    parts = [(shard.id, shard.digest, shard.vector_digest) for shard in manifest.shards]
    digest = xxhash.xxh3_128_hexdigest(msgspec.json.encode(sorted(parts)))
    manifest = msgspec.structs.replace(manifest, digest=digest, checksum="")
    return msgspec.structs.replace(manifest, checksum=_own_checksum(manifest))


def encode(manifest: FleetManifest) -> bytes:
    """Return the bytes of the file, indented for people."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def decode(content: bytes, path: Path) -> FleetManifest:
    """Parse a manifest; raise FormatVersionError or DamagedIndexError, which name `path`."""
    try:
        version = msgspec.json.decode(content, type=_Version).format_version
        if version != FORMAT_VERSION:
            known = f"this program reads {FORMAT_VERSION}"
            raise FormatVersionError(f"{path}: has format version {version}, {known}", REMEDY)
        manifest = msgspec.json.decode(content, type=FleetManifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedIndexError(f"{path}: is not a valid manifest ({error})", REMEDY) from error
    if manifest.checksum != _own_checksum(msgspec.structs.replace(manifest, checksum="")):
        raise DamagedIndexError(f"{path}: was altered, its checksum differs", REMEDY)
    if len({shard.id for shard in manifest.shards}) < len(manifest.shards):
        raise DamagedIndexError(f"{path}: names a shard twice", REMEDY)
    if twice := _twice_held(manifest.shards):
        raise DamagedIndexError(f"{path}: has two shards with the same folders of {twice!a}", REMEDY)
    return manifest


def of_shard(error: DamagedIndexError) -> DamagedIndexError:
    """Return the error with what helps a shard, where it says what helps an index of its own."""
    return type(error)(error.what, SHARD_REMEDY) if error.remedy in (INDEX_REMEDY, REBUILD) else error


def _twice_held(shards: Sequence[Shard]) -> str:
    """Return the name of a repository of which two shards hold a folder, or nothing."""
    cuts = sorted((shard.repository, steps_of(shard.start), shard.end) for shard in shards)
    for (name, _, end), (following, start, _) in pairwise(cuts):
        if name == following and (not end or start < steps_of(end)):
            return name
    return ""


def _own_checksum(manifest: FleetManifest) -> str:
    return xxhash.xxh3_128_hexdigest(msgspec.json.encode(manifest))
