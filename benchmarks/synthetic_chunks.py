"""A synthetic index of any size, the sources that it is of, and questions asked of it.

Words follow Zipf's law over a made-up vocabulary. Vectors vary about a mean, by topic, by file and by chunk, with a
spread by component and a recall of the graph like those of 24,000 chunks of code in twenty repositories. Questions are
words of a chunk; a vector near the chunk's own is searched for, so that retrievers agree about as much as on real code.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.config import Config, EncoderOptions, VectorOptions, WalkOptions
from indexer.encoders.registry import find_encoder
from indexer.identity import wanted_identity
from indexer.sources.worktree import Worktree
from indexer.stages.reduce import BUNDLED, bundled_projection, centroids
from indexer.stores.generation.layout import FOLDER
from indexer.stores.generation.manifest import Projection
from indexer.stores.generation.staging import begin
from indexer.types import Chunk, FileRecord, QuantizedBatch, SymbolKind, Tier

WARM_UP, QUESTIONS = 200, 1000
CHUNKS_A_FILE, FILES_A_BATCH = 20, 250
VOCABULARY = 30_000
WORDS_A_CHUNK = 60
QUESTION_WORDS = 5
TOPIC, OF_FILE, OF_CHUNK, OF_QUESTION = 0.6, 0.55, 0.55, 0.2
"""How far vectors lie apart by topic, by file, by chunk, and a question from its chunk, in standard deviations."""
FILES_A_TOPIC, FILES_A_FOLDER = 25, 20
SEED = 7


class Corpus:
    """Batches of chunks that a number decides: the n-th is the same in every process."""

    def __init__(self, size: int, dims: int) -> None:
        random = np.random.default_rng(SEED)
        syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
        shape = random.integers(0, len(syllables), (VOCABULARY, 4))
        length = random.integers(2, 5, VOCABULARY)
        self.size = size
        self._words = np.array(["".join(syllables[i] for i in row[:n]) for row, n in zip(shape, length, strict=True)])
        weights = 1.0 / np.arange(10, VOCABULARY + 10)
        self._cumulative = np.cumsum(weights / weights.sum())
        self._mean = np.zeros(dims)
        self._mean[:3] = (0.3, -0.08, 0.08)
        self.spread = 0.16 * (np.arange(dims) + 1.0) ** -0.25
        self._topics = random.standard_normal((size // (CHUNKS_A_FILE * FILES_A_TOPIC) + 1, dims))

    def batches(self) -> Iterator[tuple[list[Chunk], NDArray[np.float64]]]:
        """Yield chunks with their vectors, float64[n, dims]."""
        step = CHUNKS_A_FILE * FILES_A_BATCH
        for first in range(0, self.size, step):
            numbers = np.arange(first, min(self.size, first + step))
            random = np.random.default_rng((SEED, first))
            files, place = np.unique(numbers // CHUNKS_A_FILE, return_inverse=True)
            folders = self._draw(random, len(files) // FILES_A_FOLDER + 1, 2)
            stems = self._draw(random, len(files), 1)
            words = self._draw(random, len(numbers), WORDS_A_CHUNK)
            deviation = (
                TOPIC * self._topics[files % len(self._topics)]
                + OF_FILE * random.standard_normal((len(files), self._topics.shape[1]))
            )[place] + OF_CHUNK * random.standard_normal((len(numbers), self._topics.shape[1]))
            paths = [
                f"{'/'.join(folders[place // FILES_A_FOLDER])}/{stem}_{file}.py"
                for place, ((stem,), file) in enumerate(zip(stems, files.tolist(), strict=True))
            ]
            chunks = [
                _chunk(number, paths[file], row)
                for number, file, row in zip(numbers.tolist(), place.tolist(), words, strict=True)
            ]
            yield chunks, self._mean + self.spread * deviation

    def _draw(self, random: np.random.Generator, rows: int, columns: int) -> list[list[str]]:
        """Return words, common ones more often."""
        found: list[list[str]] = self._words[np.searchsorted(self._cumulative, random.random((rows, columns)))].tolist()
        return found


def _chunk(number: int, path: str, words: Sequence[str]) -> Chunk:
    name = "_".join(words[:3])
    signature = f"def {name}({words[3]}, {words[4]}):"
    lines = [signature, *("    " + " ".join(words[at : at + 6]) for at in range(5, WORDS_A_CHUNK, 6))]
    text = "\n".join(lines)
    first = number % CHUNKS_A_FILE * len(lines) + 1
    return Chunk(
        id=xxhash.xxh3_64_intdigest(number.to_bytes(8, "little")) >> 1,
        path=path,
        language="python",
        kind=SymbolKind.FUNCTION,
        name=name,
        qualified_name=name,
        signature=signature,
        doc=" ".join(words[5:15]),
        parent="",
        part=0,
        start_line=first,
        end_line=first + len(lines) - 1,
        start_byte=0,
        end_byte=len(text),
        text=text,
        embedded_text=text,
        text_hash=xxhash.xxh3_128_digest(text.encode()),
    )


def _int8(vectors: NDArray[np.float64]) -> NDArray[np.int8]:
    rounded: NDArray[np.int8] = np.rint(vectors / np.abs(vectors).max(axis=1, keepdims=True) * 127).astype(np.int8)
    return rounded


def make(root: Path, size: int, dims: int, options: VectorOptions) -> dict[str, Any]:
    """Write the sources, commit their index, keep questions beside them, and return what it took."""
    corpus = Corpus(size, dims)
    random = np.random.default_rng(SEED + 1)
    chosen = set(random.integers(0, size, WARM_UP + QUESTIONS).tolist())
    asked: list[tuple[str, list[float]]] = []
    basis = find_encoder(EncoderOptions()).basis()
    assert basis is not None
    start = time.perf_counter()
    seconds_of_inputs = 0.0
    number = 0
    with begin(root / FOLDER, fresh=True, options=options) as staging:
        batches = corpus.batches()
        while True:
            begun = time.perf_counter()
            batch = next(batches, None)
            if batch is None:
                break
            chunks, vectors = batch
            sources: dict[str, list[str]] = {}
            for place, chunk in enumerate(chunks):
                sources.setdefault(chunk.path, []).append(chunk.text)
                if number + place in chosen:
                    words = random.permutation(chunk.text.replace("(", " ").split()[-50:])[:QUESTION_WORDS]
                    noise = OF_QUESTION * corpus.spread * random.standard_normal(dims)
                    asked.append((" ".join(words.tolist()), (vectors[place] + noise).tolist()))
            number += len(chunks)
            records = [_write(root, path, "\n".join(texts)) for path, texts in sources.items()]
            seconds_of_inputs += time.perf_counter() - begun
            reduced = _int8(vectors)
            starts = np.cumsum([0, *map(len, sources.values())])[:-1]
            for record, centroid in zip(records, centroids(reduced, starts.tolist()), strict=True):
                staging.put_file(record, centroid=centroid.tobytes())
            staging.put_chunks(
                QuantizedBatch(
                    tuple(chunks), reduced, np.ones(len(chunks), np.float32), (Tier.CONTEXTUAL,) * len(chunks)
                )
            )
        staging.commit(
            encoder=wanted_identity(Config()).encoder,
            projection=Projection(mode=BUNDLED, digest=bundled_projection(basis, dims=dims).digest, dims=dims),
            made_with={},
            source=Worktree(root, WalkOptions(), index_dir=root / FOLDER).description,
        )
    (root / FOLDER / "questions.json").write_text(json.dumps([asked[i] for i in random.permutation(len(asked))]))
    return {"seconds": time.perf_counter() - start - seconds_of_inputs}


def _write(root: Path, path: str, content: str) -> FileRecord:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content)
    stat = target.stat()
    content_hash = xxhash.xxh3_128_digest(content.encode())
    return FileRecord(path, stat.st_size, stat.st_mtime_ns, content_hash, "python", lines=content.count("\n") + 1)
