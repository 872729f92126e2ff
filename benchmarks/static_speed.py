"""What loading the static encoder and encoding with it cost, in CPU time of one thread.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.static_speed [FOLDER]

The chunks are those of FOLDER, or else of flask's sources. CPU time, so that other work on the machine counts less; the
smallest of several rounds, since what else runs can only add. The first round has not seen any word yet.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.encode import chunk_texts
from benchmarks.inputs import flask_sources
from benchmarks.measure import write_result
from indexer.encoders.bundle import BUNDLED_STATIC, STATIC_LOADED, open_bundle
from indexer.encoders.static import StaticEncoder
from indexer.stages.embed import embed

ROUNDS = 15


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    arguments = parser.parse_args()
    texts = chunk_texts(arguments.folder or flask_sources())
    loads = [_cpu_seconds(_load) for _ in range(ROUNDS)]
    encoder = _load()
    first = _cpu_seconds(lambda: encoder.prepare(texts))
    prepared = encoder.prepare(texts)
    tokens = int(prepared.lengths.sum())
    rows = np.arange(len(texts))
    parts: dict[str, Callable[[], object]] = {
        "tokenising": lambda: encoder.prepare(texts),
        "coordinates": lambda: encoder.coordinates(prepared, rows),
        "both": lambda: encoder.coordinates(encoder.prepare(texts), rows),
        "embed stage": lambda: embed(texts, encoder),
    }
    rates = {name: tokens / min(_cpu_seconds(part) for _ in range(ROUNDS)) / 1e6 for name, part in parts.items()}
    figures = {
        "texts": len(texts),
        "tokens": tokens,
        "load_cpu_ms": round(min(loads) * 1000, 1),
        "million_tokens_per_cpu_second": {
            "tokenising, words unseen": round(tokens / first / 1e6, 2),
            **{name: round(rate, 2) for name, rate in rates.items()},
        },
    }
    print(figures)
    write_result("static_speed", "OPENBLAS_NUM_THREADS=1 python -m benchmarks.static_speed FOLDER", figures)


def _load() -> StaticEncoder:
    return StaticEncoder(open_bundle(BUNDLED_STATIC, loaded=STATIC_LOADED))


def _cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
