"""Tokens a second of the embed stage against a bare onnxruntime session on the same sorted batches.

    python -m benchmarks.encode

The bare session gets token matrices made beforehand, on as many threads, so it is an upper bound: no tokenising,
pooling or bookkeeping.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs import flask_sources
from benchmarks.measure import alternate, median_ratio, write_result
from indexer.config import Config
from indexer.cores import cores
from indexer.encoders.bundle import BUNDLED, MODEL
from indexer.encoders.onnx import RUN_TOKENS
from indexer.encoders.registry import find_encoder
from indexer.encoders.sessions import open_session
from indexer.sources.worktree import Worktree
from indexer.stages.detect import detect
from indexer.stages.embed import embed, plan_batches
from indexer.types import ParsedFile
from pipelines.parsing.pool import parse_files

ROUNDS = 5
TEXTS = 1500


def chunk_texts(root: Path) -> list[str]:
    """Return what is embedded of a folder's chunks, in file order."""
    config = Config()
    source = Worktree(root, config.walk)
    parsed = parse_files(source, detect(source, {}).added, config)
    return [chunk.embedded_text for file in parsed if isinstance(file, ParsedFile) for chunk in file.chunks]


def unpadded(lengths: NDArray[np.int32]) -> list[NDArray[np.int64]]:
    """Return token ids of one kind, int64[rows, length], in the batches that the bundled encoder runs."""
    return [
        np.full((int(count), int(length)), 2000, dtype=np.int64)
        for rows in plan_batches(lengths, token_budget=RUN_TOKENS)
        for length, count in zip(*np.unique(lengths[rows], return_counts=True), strict=True)
    ]


def main() -> None:
    """Measure and write the result."""
    texts = chunk_texts(flask_sources())[:TEXTS]
    config = Config()
    budget = config.encoder.token_budget
    encoder = find_encoder(config.encoder).load(threads=0, light=False)
    prepared = encoder.prepare(texts)
    tokens = int(prepared.lengths.sum())
    session = open_session(BUNDLED / MODEL, threads=1)
    batches = unpadded(prepared.lengths)
    pool = ThreadPoolExecutor(cores())

    def stage() -> float:
        start = time.perf_counter()
        embed(texts, encoder, token_budget=budget)
        return tokens / (time.perf_counter() - start)

    def bare() -> float:
        start = time.perf_counter()
        list(pool.map(lambda ids: session.run(None, {"input_ids": ids}), batches))
        return tokens / (time.perf_counter() - start)

    ours, limit = alternate(stage, bare, rounds=ROUNDS)
    figures = {
        "texts": len(texts),
        "tokens": tokens,
        "stage_tokens_per_second": statistics.median(ours),
        "bare_session_tokens_per_second": statistics.median(limit),
        "stage_over_bare": median_ratio(ours, limit),
        "rounds": ROUNDS,
    }
    print(write_result("encode", "python -m benchmarks.encode", figures), figures)


if __name__ == "__main__":
    main()
