"""How long a warm search takes, and what memory it holds, at 10,000, 100,000 and 1,000,000 synthetic chunks.

    python -m benchmarks.search_latency [--sizes 10000 100000 1000000] [--dims 128]

Words follow Zipf's law over a made-up vocabulary; vectors lie around made-up topics. Questions are words of a chunk and
a vector near its own, so that retrievers agree about as much as on real code. A table stands in for the encoder, whose
time is left out. Each size is searched in a process of its own; its memory counts file-backed pages.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import xxhash
from numpy.typing import NDArray

import indexer
from benchmarks.measure import run, write_result
from indexer.config import VectorOptions
from indexer.stores.manifest import Projection
from indexer.stores.staging import begin
from indexer.types import Chunk, EncoderIdentity, FileRecord, PreparedTexts, QuantizedBatch, SearchMode, SymbolKind

SIZES = (10_000, 100_000, 1_000_000)
MODES: tuple[SearchMode, ...] = ("hybrid", "text", "vector")
WARM_UP, QUESTIONS = 200, 1000
CHUNKS_A_FILE = 20
VOCABULARY = 30_000
TOPICS = 1_000
WORDS_A_CHUNK = 60
QUESTION_WORDS = 5
SEED = 7


class Corpus:
    """Chunks that a number decides: the n-th has the same words and the same vector in every process."""

    def __init__(self, dims: int) -> None:
        random = np.random.default_rng(SEED)
        syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
        shape = random.integers(0, len(syllables), (VOCABULARY, 4))
        length = random.integers(2, 5, VOCABULARY)
        self.words = ["".join(syllables[i] for i in row[:n]) for row, n in zip(shape, length, strict=True)]
        weights = 1.0 / np.arange(10, VOCABULARY + 10)
        self.cumulative = np.cumsum(weights / weights.sum())
        self.topics = random.standard_normal((TOPICS, dims)).astype(np.float32)
        self.dims = dims

    def draw(self, random: np.random.Generator, count: int) -> list[str]:
        """Return words, common ones more often."""
        return [self.words[i] for i in np.searchsorted(self.cumulative, random.random(count)).tolist()]

    def text(self, number: int) -> list[str]:
        """Return the words of a chunk."""
        return self.draw(np.random.default_rng((SEED, number)), WORDS_A_CHUNK)

    def vector(self, number: int, *, noise: int = 0) -> NDArray[np.int8]:
        """Return int8[dims]; `noise` other than 0 gives a neighbour of it."""
        random = np.random.default_rng((SEED, number, 1))
        value = self.topics[number % TOPICS] + 0.8 * random.standard_normal(self.dims)
        if noise:
            value = value + 0.3 * np.random.default_rng((SEED, number, 2, noise)).standard_normal(self.dims)
        rounded: NDArray[np.int8] = np.rint(value / np.abs(value).max() * 127).astype(np.int8)
        return rounded

    def chunk(self, number: int) -> Chunk:
        """Return a chunk; twenty in a row share a file."""
        words = self.text(number)
        file = number // CHUNKS_A_FILE
        folder = self.draw(np.random.default_rng((SEED, file, 3)), 3)
        path = f"{folder[0]}/{folder[1]}/{folder[2]}_{file}.py"
        name = "_".join(words[:3])
        text = f"def {name}({words[3]}, {words[4]}):\n" + "\n".join(
            "    " + " ".join(words[place : place + 6]) for place in range(5, WORDS_A_CHUNK, 6)
        )
        return Chunk(
            id=xxhash.xxh3_64_intdigest(number.to_bytes(8, "little")) >> 1,
            path=path,
            language="python",
            kind=SymbolKind.FUNCTION,
            name=name,
            qualified_name=name,
            signature=text.partition("\n")[0],
            doc=" ".join(words[5:15]),
            parent="",
            part=0,
            start_line=number % CHUNKS_A_FILE * 12 + 1,
            end_line=number % CHUNKS_A_FILE * 12 + 12,
            start_byte=0,
            end_byte=len(text),
            text=text,
            embedded_text=text,
            text_hash=xxhash.xxh3_128_digest(text.encode()),
        )


def identity(dims: int) -> EncoderIdentity:
    """Return the identity of the table that stands in for an encoder."""
    return EncoderIdentity("table", f"table-{dims}", dims, 256)


class TableEncoder:
    """Takes no time: a question ends with the number of the chunk that it is about."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self.identity = identity(corpus.dims)

    def prepare(self, texts: Sequence[str]) -> PreparedTexts:
        """Not needed for searching."""
        raise NotImplementedError

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Not needed for searching."""
        raise NotImplementedError

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32[n, dims], near the chunk's vector."""
        numbers = [int(text.rpartition(" ")[2]) for text in texts]
        return np.stack([self._corpus.vector(number, noise=1).astype(np.float32) for number in numbers])


def make_index(folder: Path, corpus: Corpus, size: int, options: VectorOptions) -> float:
    """Commit `size` chunks and return the seconds that it took."""
    start = time.perf_counter()
    with begin(folder, fresh=True, options=options) as staging:
        for first in range(0, size, CHUNKS_A_FILE * 250):
            chunks = [corpus.chunk(number) for number in range(first, min(size, first + CHUNKS_A_FILE * 250))]
            for path in dict.fromkeys(chunk.path for chunk in chunks):
                staging.put_file(FileRecord(path, 1, 0, xxhash.xxh3_128_digest(path.encode()), "python", lines=240))
            vectors = np.stack([corpus.vector(first + place) for place in range(len(chunks))])
            staging.put_chunks(QuantizedBatch(tuple(chunks), vectors, np.ones(len(chunks), np.float32)))
        encoder = identity(corpus.dims)
        projection = Projection(mode="none", digest="", dims=corpus.dims)
        staging.commit(encoder=encoder, projection=projection, fingerprint="synthetic")
    return time.perf_counter() - start


def ask(folder: Path, size: int, dims: int, options: VectorOptions) -> dict[str, Any]:
    """Search in this process and return percentiles in milliseconds, and the memory held."""
    corpus = Corpus(dims)
    random = np.random.default_rng(SEED + 1)
    numbers = random.integers(0, size, WARM_UP + QUESTIONS).tolist()
    questions = [" ".join([*random.permutation(corpus.text(n))[:QUESTION_WORDS], str(n)]) for n in numbers]
    figures: dict[str, Any] = {}
    before = psutil.Process().memory_info().rss
    with indexer.open(folder, encoder=TableEncoder(corpus), vectors=options) as index:
        for mode in MODES:
            times = []
            for question in questions:
                start = time.perf_counter()
                index.search(question, mode=mode)
                times.append((time.perf_counter() - start) * 1e3)
            p50, p99 = np.percentile(times[WARM_UP:], [50, 99])
            figures[mode] = {"p50_ms": float(p50), "p99_ms": float(p99)}
            if mode == "hybrid":
                figures["resident_mb"] = psutil.Process().memory_info().rss / 1e6
                figures["resident_before_opening_mb"] = before / 1e6
    return figures


def main() -> None:
    """Measure each size in a process of its own and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--dims", type=int, default=128)
    parser.add_argument("--connectivity", type=int, default=VectorOptions().connectivity)
    parser.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    options = VectorOptions(connectivity=arguments.connectivity)
    if arguments.ask:
        print(json.dumps(ask(arguments.ask, arguments.sizes[0], arguments.dims, options)))
        return
    figures: dict[str, Any] = {"dims": arguments.dims, "connectivity": arguments.connectivity}
    shared = ["--dims", str(arguments.dims), "--connectivity", str(arguments.connectivity)]
    for size in arguments.sizes:
        folder = Path(tempfile.mkdtemp(prefix="search-latency-"))
        try:
            seconds = make_index(folder / "index", Corpus(arguments.dims), size, options)
            command: list[str | Path] = [sys.executable, "-m", "benchmarks.search_latency", "--ask", folder / "index"]
            found = json.loads(run([*command, "--sizes", str(size), *shared]).stdout)
            vectors = sum(path.stat().st_size for path in folder.rglob("*.usearch"))
            figures[str(size)] = {**found, "vector_files_mb": vectors / 1e6, "build_seconds": seconds}
            print(size, json.dumps(figures[str(size)]), flush=True)
        finally:
            shutil.rmtree(folder)
    name = "search_latency" if arguments.dims == 128 else f"search_latency_{arguments.dims}"
    write_result(name, "python -m benchmarks.search_latency " + " ".join(sys.argv[1:]), figures)


if __name__ == "__main__":
    main()
