"""The numbers of all-MiniLM-L6-v2 as numpy arrays, laid out the way the fused operators want them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

HEADS = 12
EPSILON = 1e-12


@dataclass(frozen=True, slots=True)
class Linear:
    """y = x @ weight + bias: float32[in, out] and float32[out]."""

    weight: Float
    bias: Float


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer normalisation: float32[hidden] each."""

    gamma: Float
    beta: Float


@dataclass(frozen=True, slots=True)
class Layer:
    """One transformer layer; `qkv` holds query, key and value side by side, float32[hidden, 3 * hidden]."""

    qkv: Linear
    output: Linear
    attention_norm: Norm
    up: Linear
    down: Linear
    output_norm: Norm


@dataclass(frozen=True, slots=True)
class Weights:
    """A BERT encoder: `words` float32[vocabulary, hidden]; `positions` float32[512, hidden] has token type 0 added."""

    words: Float
    positions: Float
    embedding_norm: Norm
    layers: tuple[Layer, ...]

    def cut(self, tokens: int) -> Weights:
        """Return the same weights with positions for so many tokens."""
        return replace(self, positions=self.positions[:tokens])


def read_weights(path: Path) -> Weights:
    """Read model.safetensors; a missing tensor raises KeyError with its name."""
    from safetensors.numpy import load_file

    tensors = load_file(path)

    def linear(name: str) -> Linear:
        return Linear(np.ascontiguousarray(tensors[f"{name}.weight"].T), tensors[f"{name}.bias"])

    def norm(name: str) -> Norm:
        return Norm(tensors[f"{name}.weight"], tensors[f"{name}.bias"])

    def layer(prefix: str) -> Layer:
        parts = [linear(f"{prefix}.attention.self.{part}") for part in ("query", "key", "value")]
        return Layer(
            qkv=Linear(np.hstack([part.weight for part in parts]), np.hstack([part.bias for part in parts])),
            output=linear(f"{prefix}.attention.output.dense"),
            attention_norm=norm(f"{prefix}.attention.output.LayerNorm"),
            up=linear(f"{prefix}.intermediate.dense"),
            down=linear(f"{prefix}.output.dense"),
            output_norm=norm(f"{prefix}.output.LayerNorm"),
        )

    count = len({name.split(".")[2] for name in tensors if name.startswith("encoder.layer.")})
    return Weights(
        words=tensors["embeddings.word_embeddings.weight"],
        positions=tensors["embeddings.position_embeddings.weight"]
        + tensors["embeddings.token_type_embeddings.weight"][0],
        embedding_norm=norm("embeddings.LayerNorm"),
        layers=tuple(layer(f"encoder.layer.{index}") for index in range(count)),
    )
