"""How long a search takes, and what memory it holds, at 10,000, 100,000 and 1,000,000 synthetic chunks.

    python -m benchmarks.search_latency [--sizes 10000 100000 1000000] [--dims 64 128] [--keep FOLDER]

Chunks, vectors and questions are those of `synthetic_chunks.py`.

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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

import indexer
from benchmarks.measure import run, write_result
from benchmarks.synthetic_chunks import WARM_UP, make
from indexer.config import EncoderOptions, VectorOptions
from indexer.encoders.registry import find_encoder
from indexer.stages.reduce import bundled_projection
from indexer.stores.generation.layout import FOLDER
from indexer.types import Encoder, PreparedTexts, Role, SearchMode

SIZES = (10_000, 100_000, 1_000_000)
DIMS = (64, 128)
MODES: tuple[SearchMode, ...] = ("hybrid", "text", "vector")
COLD = 7


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
    """Return the megabytes that this process holds: all, and where the system says so, anonymous and file-backed, and
    the most that it ever held. What getrusage calls the most is also its parent's at the time of the start.
    """
    found = {"all_mb": psutil.Process().memory_info().rss / 1e6}
    status = Path("/proc/self/status")
    if status.exists():
        sizes = dict(line.split(":", 1) for line in status.read_text().splitlines())
        found["anonymous_mb"] = int(sizes["RssAnon"].split()[0]) * 1024 / 1e6
        found["file_backed_mb"] = int(sizes["RssFile"].split()[0]) * 1024 / 1e6
        found["most_mb"] = int(sizes["VmHWM"].split()[0]) * 1024 / 1e6
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
