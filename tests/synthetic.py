"""Trees of made-up files, and commits of them that use the stores alone: no parser, no encoder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.config import VectorOptions
from indexer.stages.reduce import centroids
from indexer.stores.generation.manifest import Manifest, Projection
from indexer.stores.generation.reader import Generation, open_generation
from indexer.stores.generation.staging import Staging, begin
from indexer.types import (
    Chunk,
    EncoderIdentity,
    FileRecord,
    IndexedSource,
    QuantizedBatch,
    SkipReason,
    StoredVector,
    SymbolKind,
    Tier,
)

DIMS = 32
ENCODER = EncoderIdentity("synthetic", "0" * 32, 64, 256)
PROJECTION = Projection(mode="none", digest="", dims=DIMS)
SOURCE = IndexedSource(kind="worktree", root="..")

Tree = Mapping[str, tuple[str, ...]]
"""Paths to the texts of a file's chunks; a file without chunks is skipped as binary."""


def vector_of(text: str, tier: Tier = Tier.CONTEXTUAL) -> NDArray[np.int8]:
    """Return int8[32] that depends on the text and the tier alone."""
    seed = xxhash.xxh3_64_intdigest(text.encode(), seed=tier.rank)
    return np.random.default_rng(seed).integers(-127, 128, DIMS).astype(np.int8)


def hash_of(text: str) -> bytes:
    """Return the text hash."""
    return xxhash.xxh3_128_digest(text.encode())


def chunks_of(path: str, texts: tuple[str, ...]) -> tuple[Chunk, ...]:
    """Return a file's chunks: the n-th text is the function `function_n`."""
    chunks = []
    for number, text in enumerate(texts):
        identity = f"{path}\0function_{number}".encode("utf-8", "surrogateescape")
        chunk = Chunk(
            id=xxhash.xxh3_64_intdigest(identity) >> 1,
            path=path,
            language="python",
            kind=SymbolKind.FUNCTION,
            name=f"function_{number}",
            qualified_name=f"Made.function_{number}",
            signature=f"def function_{number}()",
            doc="",
            parent="Made",
            part=0,
            start_line=number + 1,
            end_line=number + 1,
            start_byte=0,
            end_byte=len(text),
            text=text,
            embedded_text=text,
            text_hash=hash_of(text),
        )
        chunks.append(chunk)
    return tuple(chunks)


def record_of(path: str, texts: tuple[str, ...], *, mtime_ns: int = 0) -> FileRecord:
    """Return a file's record."""
    content = "\n".join(texts)
    skip = None if texts else SkipReason.BINARY
    return FileRecord(path, len(content), mtime_ns, hash_of(content), "python" if texts else "", skip, lines=len(texts))


def stage(staging: Staging, tree: Tree, *, window: int = 1000, tier: Tier = Tier.CONTEXTUAL) -> None:
    """Bring what is staged from what it is to this tree, as a build does: only files that differ are put."""
    known = staging.catalog.records()
    for path in known.keys() - tree.keys():
        staging.remove_file(path)
    chunks: list[Chunk] = []
    for path, texts in tree.items():
        record = record_of(path, texts)
        if path in known and known[path].hash == record.hash:
            staging.touch_file(record)
            continue
        vectors = [vector_of(text, Tier.STATIC) for text in texts]
        staging.put_file(record, centroid=centroids(np.stack(vectors), [0]).tobytes() if vectors else b"")
        chunks.extend(chunks_of(path, texts))
    for start in range(0, len(chunks), window):
        staging.put_chunks(quantized(chunks[start : start + window], staging, tier=tier))


def quantized(chunks: list[Chunk], staging: Staging, *, tier: Tier = Tier.CONTEXTUAL) -> QuantizedBatch:
    """Return the chunks with their vectors of a tier, or with what the index knows of that or a better one."""
    known = staging.known_vectors([chunk.text_hash for chunk in chunks], tier)
    own = [known.get(chunk.text_hash) or StoredVector(vector_of(chunk.text, tier), 0.5, tier) for chunk in chunks]
    vectors = np.stack([held.vector for held in own])
    return QuantizedBatch(
        tuple(chunks), vectors, np.array([held.scale for held in own], np.float32), tuple(held.tier for held in own)
    )


def commit_tree(
    index_dir: Path,
    tree: Tree,
    *,
    fresh: bool = False,
    window: int = 1000,
    options: VectorOptions | None = None,
    tier: Tier = Tier.CONTEXTUAL,
) -> Manifest:
    """Commit a generation that holds exactly this tree."""
    with begin(index_dir, fresh=fresh, options=options) as staging:
        stage(staging, tree, window=window, tier=tier)
        return commit(staging)


def commit(staging: Staging) -> Manifest:
    """Commit what is staged."""
    return staging.commit(encoder=ENCODER, projection=PROJECTION, made_with={}, source=SOURCE)


def digest_of(index_dir: Path) -> str:
    """Return the content digest of what is served."""
    with open_generation(index_dir) as generation:
        return generation.manifest.digest


def text_hits(generation: Generation, *words: str, limit: int = 10) -> list[tuple[int, float]]:
    """Return ids and scores of a search in the chunks' text."""
    return list(generation.text.search({"body": dict.fromkeys(words, 1.0)}, limit=limit).items())


def vector_hits(generation: Generation, text: str, *, limit: int = 10) -> list[tuple[int, float]]:
    """Return ids and similarities of the chunks nearest to a text."""
    found = generation.nearest(vector_of(text), limit=limit)
    return list(zip(found.ids.tolist(), found.similarities.round(5).tolist(), strict=True))


def small_tree(*, files: int = 6, chunks: int = 4, word: str = "original") -> dict[str, tuple[str, ...]]:
    """Return a tree whose texts all hold `word`."""
    return {
        f"package/module_{file}.py": tuple(f"{word} value_{file}_{chunk} = parse(line)" for chunk in range(chunks))
        for file in range(files)
    }
