"""A transformer of one narrow layer with random weights, and a model folder of it that loads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from indexer.encoders.bundle import BUNDLED
from indexer.encoders.spec import EncoderSpec
from pipelines.export.folder import write_folder, write_sums
from pipelines.export.graph import float_graph
from pipelines.export.weights import read_weights

VOCABULARY = 30_522
"""Of the bundled encoder's tokenizer."""
WEIGHTS = "model.safetensors"
HIDDEN = 48
"""Twelve heads of four."""
POSITIONS = 64
TINY = EncoderSpec(name="one-layer", dims=HIDDEN, max_tokens=POSITIONS, pooling="mean", chunk_chars=300)


def write_random_weights(path: Path) -> None:
    """Write model.safetensors of a BERT with one layer of width 48, always the same random numbers."""
    generator = np.random.default_rng(7)

    def random(*shape: int, scale: float = 0.2) -> NDArray[np.float32]:
        return (scale * generator.standard_normal(shape)).astype(np.float32)

    tensors = {
        "embeddings.word_embeddings.weight": random(VOCABULARY, HIDDEN),
        "embeddings.position_embeddings.weight": random(POSITIONS, HIDDEN, scale=0.05),
        "embeddings.token_type_embeddings.weight": random(2, HIDDEN, scale=0.05),
    }
    at = "encoder.layer.0"
    widths = {f"{at}.intermediate.dense": (4 * HIDDEN, HIDDEN), f"{at}.output.dense": (HIDDEN, 4 * HIDDEN)}
    for part in ("self.query", "self.key", "self.value", "output.dense"):
        widths[f"{at}.attention.{part}"] = (HIDDEN, HIDDEN)
    for name, (rows, columns) in widths.items():
        tensors[f"{name}.weight"] = random(rows, columns)
        tensors[f"{name}.bias"] = random(rows)
    for name in ("embeddings", f"{at}.attention.output", f"{at}.output"):
        tensors[f"{name}.LayerNorm.weight"] = 1 + random(HIDDEN)
        tensors[f"{name}.LayerNorm.bias"] = random(HIDDEN)
    save_file(tensors, path)


def write_tiny_model(folder: Path, *, spec: EncoderSpec = TINY) -> Path:
    """Write a model folder with the float32 graph of the random weights and the bundled encoder's tokenizer."""
    folder.mkdir()
    write_random_weights(folder / WEIGHTS)
    weights = read_weights(folder / WEIGHTS).cut(spec.max_tokens)
    write_folder(folder, source=BUNDLED, model=float_graph(weights), spec=spec)
    write_sums(folder)
    return folder
