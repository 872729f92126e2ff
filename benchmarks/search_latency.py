"""How long a search takes, and what memory it holds, at 10,000, 100,000 and 1,000,000 synthetic chunks.

    python -m benchmarks.search_latency [--sizes 10000 100000 1000000] [--dims 64 128] [--keep FOLDER]

Words follow Zipf's law over a made-up vocabulary. Vectors vary about a mean, by topic, by file and by chunk, with a
spread by component and a recall of the graph like those of 24,000 chunks of code in twenty repositories. Questions are
words of a chunk; a vector near the chunk's own is searched for, so that retrievers agree about as much as on real code.

The bundled encoder reads every question, in a thread while words are searched, so that a search's time includes what of
it is waited for; its own time is told beside. Its vector is then replaced. Warm searches run in a process of their own,
whose memory is read after the last hybrid one: anonymous, and file-backed pages that it touched. The cold search is the
command line as a whole process, on files that are all there to be compared with the index. Indexes lie in `--keep`,
where a later run finds them; without it they are removed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import xxhash
from numpy.typing import NDArray

import indexer
from benchmarks.measure import run, write_result
from indexer.config import Config, EncoderOptions, VectorOptions, WalkOptions
from indexer.encoders.registry import find_encoder
from indexer.identity import wanted_identity
from indexer.sources.worktree import Worktree
from indexer.stages.reduce import BUNDLED, bundled_projection
from indexer.stores.generation.layout import FOLDER
from indexer.stores.generation.manifest import Projection
from indexer.stores.generation.staging import begin
from indexer.types import Chunk, Encoder, FileRecord, PreparedTexts, QuantizedBatch, Role, SearchMode, SymbolKind, Tier

SIZES = (10_000, 100_000, 1_000_000)
DIMS = (64, 128)
MODES: tuple[SearchMode, ...] = ("hybrid", "text", "vector")
WARM_UP, QUESTIONS, COLD = 200, 1000, 7
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
            for record in records:
                staging.put_file(record)
            staging.put_chunks(
                QuantizedBatch(
                    tuple(chunks), _int8(vectors), np.ones(len(chunks), np.float32), (Tier.CONTEXTUAL,) * len(chunks)
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


class TimedEncoder:
    """The bundled encoder, timed, whose vector is replaced by one near the chunk that the question is about."""

    def __init__(self, questions: Sequence[tuple[str, list[float]]], dims: int) -> None:
        chosen = find_encoder(EncoderOptions())
        basis = chosen.basis()
        assert basis is not None
        matrix = bundled_projection(basis, dims=dims).matrix
        self._vectors: dict[str, NDArray[np.float32]] = {
            text: (matrix @ np.asarray(vector)).astype(np.float32)[None] for text, vector in questions
        }
        self._encoder: Encoder = chosen.load(threads=0, light=True)
        self.identity = self._encoder.identity
        self.seconds = 0.0

    def prepare(self, texts: Sequence[str], *, role: Role = "passage") -> PreparedTexts:
        """Not needed for searching."""
        raise NotImplementedError

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Not needed for searching."""
        raise NotImplementedError

    def encode(self, texts: Sequence[str], *, role: Role = "passage") -> NDArray[np.float32]:
        """Return float32[1, d] for one text, and add the time to `seconds`."""
        start = time.perf_counter()
        self._encoder.encode(texts, role=role)
        vector = self._vectors[texts[0]]
        self.seconds += time.perf_counter() - start
        return vector


def ask(root: Path, dims: int, options: VectorOptions) -> dict[str, Any]:
    """Search in this process and return percentiles in milliseconds, and the memory held."""
    questions: list[tuple[str, list[float]]] = json.loads((root / FOLDER / "questions.json").read_bytes())
    figures: dict[str, Any] = {}
    encoder_times: list[float] = []
    encoder = TimedEncoder(questions, dims)
    with indexer.open(root, encoder=encoder, vectors=options) as index:
        for mode in MODES:
            times = []
            for text, _ in questions:
                encoder.seconds = 0.0
                start = time.perf_counter()
                index.search(text, mode=mode)
                times.append((time.perf_counter() - start) * 1e3)
                encoder_times.append(encoder.seconds * 1e3)
            p50, p99 = np.percentile(times[WARM_UP:], [50, 99])
            figures[mode] = {"p50_ms": float(p50), "p99_ms": float(p99)}
            if mode == "hybrid":
                figures["encoder_p50_ms"] = float(np.percentile(encoder_times[WARM_UP:], 50))
                figures["resident"] = resident()
    return figures


def resident() -> dict[str, float]:
    """Return the megabytes that this process holds: all, and where the system says so, anonymous and file-backed."""
    found = {"all_mb": psutil.Process().memory_info().rss / 1e6}
    status = Path("/proc/self/status")
    if status.exists():
        sizes = dict(line.split(":", 1) for line in status.read_text().splitlines())
        found["anonymous_mb"] = int(sizes["RssAnon"].split()[0]) * 1024 / 1e6
        found["file_backed_mb"] = int(sizes["RssFile"].split()[0]) * 1024 / 1e6
    return found


def cold(root: Path) -> dict[str, float]:
    """Return the median seconds of whole processes, wall and processor."""
    questions = json.loads((root / FOLDER / "questions.json").read_bytes())
    command: list[str | Path] = [Path(sys.executable).parent / "indexer", "search", "--root", root]
    runs = [run([*command, text]) for text, _ in questions[: COLD + 1]][1:]
    return {
        "wall_seconds": float(np.median([one.wall_seconds for one in runs])),
        "cpu_seconds": float(np.median([one.cpu_seconds for one in runs])),
    }


def measure(root: Path, size: int, dims: int, shared: Sequence[str]) -> dict[str, Any]:
    """Make the index unless it is there, and measure in processes of their own."""
    program: list[str | Path] = [sys.executable, "-m", "benchmarks.search_latency", *shared, "--sizes", str(size)]
    program += ["--dims", str(dims), "--keep", root]
    built = root / FOLDER / "built.json"
    if not built.exists():
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        making = run([*program, "--make"])
        built.write_text(json.dumps({**json.loads(making.stdout), "peak_rss_mb": making.peak_rss_mb}))
    figures: dict[str, Any] = json.loads(run([*program, "--ask"]).stdout)
    figures["cold"] = cold(root)
    figures["build"] = json.loads(built.read_bytes())
    files = [path for path in (root / FOLDER / "generations").rglob("*") if path.is_file()]
    for name in ("vectors", "text", "catalog.sqlite"):
        figures[f"{name.partition('.')[0]}_mb"] = sum(p.stat().st_size for p in files if name in p.parts) / 1e6
    return figures


def main() -> None:
    """Measure each size and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--dims", type=int, nargs="+", default=DIMS)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--connectivity", type=int, default=VectorOptions().connectivity)
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--ask", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    options = VectorOptions(connectivity=arguments.connectivity)
    if arguments.make or arguments.ask:
        size, dims, root = arguments.sizes[0], arguments.dims[0], arguments.keep
        print(json.dumps(make(root, size, dims, options) if arguments.make else ask(root, dims, options)))
        return
    figures: dict[str, Any] = {"connectivity": arguments.connectivity}
    shared = ["--connectivity", str(arguments.connectivity)]
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="search-latency-"))
    for dims in arguments.dims:
        for size in arguments.sizes:
            root = folder.absolute() / f"{size}_{dims}_{arguments.connectivity}"
            try:
                found = measure(root, size, dims, shared)
            finally:
                if arguments.keep is None:
                    shutil.rmtree(root, ignore_errors=True)
            figures[f"{size}_chunks_{dims}_dims"] = found
            print(size, dims, json.dumps(found), flush=True)
    command = f"python -m benchmarks.search_latency --sizes {_words(arguments.sizes)} --dims {_words(arguments.dims)}"
    write_result("search_latency", command, figures)


def _words(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))


if __name__ == "__main__":
    main()
