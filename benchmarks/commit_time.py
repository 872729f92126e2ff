"""Seconds to commit a change of ten chunks to indexes of 1,000 to 200,000 chunks; made-up text and vectors, no encoder.

python -m benchmarks.commit_time
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xxhash

from benchmarks.measure import write_result
from indexer.stores.generation.manifest import Projection
from indexer.stores.generation.reader import open_generation
from indexer.stores.generation.staging import Staging, begin
from indexer.types import Chunk, EncoderIdentity, FileRecord, IndexedSource, QuantizedBatch, SymbolKind, Tier
from pipelines.check.verify import verify

SOURCE = IndexedSource(kind="worktree", root="..")
SIZES = (1_000, 10_000, 50_000, 200_000)
ROUNDS = 25
FILE_CHUNKS = 10
DIMS = 128
WORDS = 80
CLUSTERS = 500
ENCODER = EncoderIdentity("synthetic", "0" * 32, 384, 256)
_BATCH_FILES = 200

_random = random.Random(7)
_VOCABULARY = [f"name_{number}" for number in range(20_000)]
_WEIGHTS = [1 / (rank + 10) for rank in range(len(_VOCABULARY))]
_CENTRES = np.random.default_rng(7).normal(size=(CLUSTERS, DIMS))


def main() -> None:
    """Measure and write the result."""
    figures = {}
    with tempfile.TemporaryDirectory() as scratch:
        for size in SIZES:
            index_dir = Path(scratch) / str(size)
            start = time.perf_counter()
            with begin(index_dir) as staging:
                for first in range(0, size // FILE_CHUNKS, _BATCH_FILES):
                    put(staging, range(first, min(first + _BATCH_FILES, size // FILE_CHUNKS)), version=0)
                commit(staging)
            built = time.perf_counter() - start
            seconds = list(commits(index_dir, size // FILE_CHUNKS))
            with open_generation(index_dir) as generation:
                assert generation.manifest.counts.chunks == size
                figures[f"{size} chunks"] = {
                    "median_seconds": statistics.median(seconds),
                    "p90_seconds": statistics.quantiles(seconds, n=10)[-1],
                    "max_seconds": max(seconds),
                    "first_build_seconds": built,
                    "megabytes": generation.bytes / 1e6,
                    "vector_segments": len(generation.manifest.segments),
                    "text_segments": generation.text.stats.segments,
                }
            assert verify(index_dir).ok
            print(size, figures[f"{size} chunks"], flush=True)
    print(write_result("commit_time", "python -m benchmarks.commit_time", figures | {"rounds": ROUNDS}))


def commits(index_dir: Path, files: int) -> Iterator[float]:
    """Yield the seconds from taking the lock to the end of a commit, in which one file's ten chunks change."""
    for version in range(1, ROUNDS + 1):
        start = time.perf_counter()
        with begin(index_dir) as staging:
            put(staging, range(version % files, version % files + 1), version=version)
            commit(staging)
        yield time.perf_counter() - start


def put(staging: Staging, files: range, *, version: int) -> None:
    """Put files of ten chunks each."""
    chunks: list[Chunk] = []
    for file in files:
        path = f"package_{file % 100}/module_{file}.py"
        texts = [" ".join(_random.choices(_VOCABULARY, _WEIGHTS, k=WORDS)) for _ in range(FILE_CHUNKS)]
        digest = xxhash.xxh3_128_digest(f"{file} {version}".encode())
        staging.put_file(FileRecord(path, 1000, version, digest, "python"))
        chunks.extend(chunk_of(path, number, text) for number, text in enumerate(texts))
    assert not staging.known_vectors([chunk.text_hash for chunk in chunks], Tier.CONTEXTUAL)
    rng = np.random.default_rng([version, files.start])
    vectors = _CENTRES[rng.integers(0, CLUSTERS, len(chunks))] + 0.7 * rng.normal(size=(len(chunks), DIMS))
    scales = np.abs(vectors).max(axis=1) / 127
    quantized = np.rint(vectors / scales[:, None]).astype(np.int8)
    tiers = (Tier.CONTEXTUAL,) * len(chunks)
    staging.put_chunks(QuantizedBatch(tuple(chunks), quantized, scales.astype(np.float32), tiers))


def chunk_of(path: str, number: int, text: str) -> Chunk:
    """Return a chunk; its id survives a change of its text."""
    name = f"function_{number}"
    return Chunk(
        id=xxhash.xxh3_64_intdigest(f"{path}\0{name}".encode()) >> 1,
        path=path,
        language="python",
        kind=SymbolKind.FUNCTION,
        name=name,
        qualified_name=name,
        signature=f"def {name}(request, response)",
        doc="Made up for a measurement.",
        parent="",
        part=0,
        start_line=number * 10,
        end_line=number * 10 + 9,
        start_byte=number * 500,
        end_byte=number * 500 + len(text),
        text=text,
        embedded_text=text,
        text_hash=xxhash.xxh3_128_digest(text.encode()),
    )


def commit(staging: Staging) -> None:
    """Commit."""
    staging.commit(
        encoder=ENCODER, projection=Projection(mode="none", digest="", dims=DIMS), made_with={}, source=SOURCE
    )


if __name__ == "__main__":
    main()
