"""Tokens a second of the embed stage against a bare onnxruntime session on the same sorted batches.

    python -m benchmarks.encode

The bare session gets token matrices made beforehand, so it is an upper bound: no tokenising, pooling or bookkeeping.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import numpy as np
import onnxruntime

from benchmarks.inputs import flask_sources
from benchmarks.measure import alternate, median_ratio, write_result
from indexer.config import Config
from indexer.encoders.bundle import BUNDLED, MODEL
from indexer.encoders.registry import find_encoder
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


def main() -> None:
    """Measure and write the result."""
    texts = chunk_texts(flask_sources())[:TEXTS]
    config = Config()
    budget = config.encoder.token_budget
    encoder = find_encoder(config.encoder).load(threads=0, light=False)
    prepared = encoder.prepare(texts)
    tokens = int(prepared.lengths.sum())
    session = onnxruntime.InferenceSession(str(BUNDLED / MODEL), providers=["CPUExecutionProvider"])
    batches = []
    for rows in plan_batches(prepared.lengths, token_budget=budget):
        lengths = prepared.lengths[rows]
        mask = (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)
        batches.append({"input_ids": mask * 2000, "attention_mask": mask})

    def stage() -> float:
        start = time.perf_counter()
        embed(texts, encoder, token_budget=budget)
        return tokens / (time.perf_counter() - start)

    def bare() -> float:
        start = time.perf_counter()
        for batch in batches:
            session.run(None, batch)
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
