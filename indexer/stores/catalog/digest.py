"""Digests as sums over files, chunks and vectors, so that an increment costs what changed and order never matters.

A file's content digest is xxh3_128 of its path, content hash, language and skip reason, plus xxh3_128 of each of its
chunks' id and text hash, modulo 2^128; its vector digest is the sum of xxh3_128 of each chunk's id, tier and int8
vector, and of the file's path and centroid. An index's digests are the sums of its files'. Equal trees and options give
equal content digests, however the index came about; with the same model, and all vectors of the best tier, the vector
digests are equal too.
"""

from __future__ import annotations

import xxhash

from indexer.types import FileRecord, Tier

_MODULUS = 1 << 128


def of_record(record: FileRecord) -> int:
    """Return a file's own part; stat values are no content and left out."""
    state = xxhash.xxh3_128()
    for part in (
        record.path.encode("utf-8", "surrogateescape"),
        record.hash,
        record.language.encode(),
        (record.skip or "").encode(),
    ):
        state.update(len(part).to_bytes(4, "little"))
        state.update(part)
    return state.intdigest()


def of_chunk(chunk_id: int, text_hash: bytes) -> int:
    """Return a chunk's part of the content."""
    return xxhash.xxh3_128_intdigest(chunk_id.to_bytes(8, "little") + text_hash)


def of_vector(chunk_id: int, tier: Tier, vector: bytes) -> int:
    """Return a chunk's part of the vectors."""
    return xxhash.xxh3_128_intdigest(chunk_id.to_bytes(8, "little") + bytes([tier.rank]) + vector)


def of_centroid(path: str, centroid: bytes) -> int:
    """Return the part that a file's centroid has in the vectors: 0 for none."""
    return xxhash.xxh3_128_intdigest(path.encode("utf-8", "surrogateescape") + b"\0" + centroid) if centroid else 0


def add(*parts: int) -> int:
    """Add parts; pass negative ones to take them away."""
    return sum(parts) % _MODULUS


def to_bytes(value: int) -> bytes:
    """Return 16 bytes, little-endian."""
    return value.to_bytes(16, "little")


def from_bytes(content: bytes) -> int:
    """Return the number that `to_bytes` wrote."""
    return int.from_bytes(content, "little")


def to_hex(value: int) -> str:
    """Return 32 hex digits."""
    return f"{value:032x}"
