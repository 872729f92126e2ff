"""Tokens and chunks a second of our embed stage, plain fastembed and a bare onnxruntime loop, on the same chunks.

    python -m benchmarks.side_by_side_encoders [--sentence-transformers PYTHON]

Each is a process of its own that loads its model, embeds a few texts, and then takes the time for all of flask's
chunks; they take turns. fastembed runs the fp32 model as it does by default, in batches of 256 padded to the longest;
the bare loop runs our int8 graph over our batches, tokenised before, on as many threads, and does nothing else.
sentence-transformers takes part where PYTHON, an interpreter of another environment, has it: it brings PyTorch, several
times the size of all else here. It runs the original weights with its defaults on as many threads as there are cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.encode import chunk_texts, unpadded
from benchmarks.inputs import CACHE, flask_sources
from benchmarks.measure import Run, run, write_result
from indexer.config import EncoderOptions
from indexer.cores import cores
from indexer.encoders.bundle import BUNDLED, MODEL
from indexer.encoders.registry import find_encoder
from indexer.encoders.sessions import open_session
from indexer.stages.embed import embed
from pipelines.export.packages import read_manifest

ROUNDS = 3
TEXTS = 800
BUDGET = EncoderOptions().token_budget


Work = Callable[[], object]


def ours(_fp32: str) -> Callable[[list[str]], Work]:
    """Our embed stage, as a build calls it."""
    encoder = find_encoder(EncoderOptions()).load(threads=0, light=False)
    return lambda texts: lambda: embed(texts, encoder, token_budget=BUDGET)


def fastembed(fp32: str) -> Callable[[list[str]], Work]:
    """fastembed with its defaults on the fp32 model."""
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    TextEmbedding.add_custom_model(
        "fp32",
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf="fp32"),
        dim=384,
        model_file=MODEL,
    )
    model = TextEmbedding("fp32", specific_model_path=fp32, cache_dir=fp32)
    return lambda texts: lambda: list(model.embed(texts))


def bare(_fp32: str) -> Callable[[list[str]], Work]:
    """Our graph over our batches, on as many threads, and nothing else."""
    encoder = find_encoder(EncoderOptions()).load(threads=0, light=True)
    session = open_session(BUNDLED / MODEL, threads=1)
    pool = ThreadPoolExecutor(cores())

    def prepare(texts: list[str]) -> Work:
        batches = unpadded(encoder.prepare(texts).lengths)
        return lambda: list(pool.map(lambda ids: session.run(None, {"input_ids": ids}), batches))

    return prepare


PEERS = {"ours": ours, "fastembed": fastembed, "bare_loop": bare}


def child(peer: str, texts_file: str, fp32: str) -> None:
    """Embed all texts, after a few, and print the seconds."""
    texts: list[str] = json.loads(Path(texts_file).read_text(encoding="utf-8"))
    prepare = PEERS[peer](fp32)
    prepare(texts[:20])()
    work = prepare(texts)
    start = time.perf_counter()
    work()
    print(json.dumps(time.perf_counter() - start))


def main() -> None:
    """Measure and write the result."""
    if len(sys.argv) == 4:
        return child(*sys.argv[1:])
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sentence-transformers", type=Path, metavar="PYTHON", help="an interpreter that has it")
    other: Path | None = parser.parse_args().sentence_transformers
    texts = chunk_texts(flask_sources())[:TEXTS]
    tokens = int(find_encoder(EncoderOptions()).load(threads=0, light=True).prepare(texts).lengths.sum())
    packages = CACHE / "packages"
    with tempfile.TemporaryDirectory() as scratch:
        listed, fp32 = Path(scratch) / "texts.json", Path(scratch) / "fp32"
        listed.write_text(json.dumps(texts), encoding="utf-8")
        export: list[str | Path] = [sys.executable, "-m", "pipelines.export_model", "--variant", "fp32", "--out", fp32]
        run([*export, "--packages", packages])
        commands: dict[str, list[str | Path]] = {
            peer: [sys.executable, "-m", "benchmarks.side_by_side_encoders", peer, listed, fp32] for peer in PEERS
        }
        if other is not None:
            program = Path(__file__).with_name("plain_sentence_transformers.py")
            commands["sentence_transformers"] = [other, program, listed, packages / read_manifest().weights_folder]
        runs: dict[str, list[Run]] = {peer: [] for peer in commands}
        for _ in range(ROUNDS):
            for peer, command in commands.items():
                runs[peer].append(run(command))
    seconds = {peer: [float(json.loads(one.stdout)) for one in own] for peer, own in runs.items()}

    def ratio(slow: str, fast: str) -> float:
        return statistics.median(a / b for a, b in zip(seconds[slow], seconds[fast], strict=True))

    figures: dict[str, Any] = {
        peer: {
            "tokens_per_second": tokens / statistics.median(own),
            "chunks_per_second": len(texts) / statistics.median(own),
            "peak_rss_mb": max(one.peak_rss_mb for one in runs[peer]),
        }
        for peer, own in seconds.items()
    }
    figures |= {
        "texts": len(texts),
        "tokens": tokens,
        "rounds": ROUNDS,
        **{f"ours_over_{peer}": ratio(peer, "ours") for peer in runs if peer != "ours"},
    }
    flag = " --sentence-transformers PYTHON" if other is not None else ""
    print(write_result("side_by_side_encoders", f"python -m benchmarks.side_by_side_encoders{flag}", figures), figures)
    return None


if __name__ == "__main__":
    main()
