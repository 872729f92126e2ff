"""What the float32 graph computes on real texts: ranges and second moments of every matrix product's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .weights import Float

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

TOKEN_BUDGET = 2048


@dataclass(frozen=True, slots=True)
class Statistics:
    """One product's input over all real tokens: float32[channels]; `moment` is E[x xT], float64[channels, channels]."""

    low: Float
    high: Float
    mean: Float
    moment: NDArray[np.float64]

    def divided_by(self, factors: Float) -> Statistics:
        """Return the statistics of the input divided by positive factors, float32[channels]."""
        wide = factors.astype(np.float64)
        return Statistics(
            self.low / factors, self.high / factors, self.mean / factors, self.moment / np.outer(wide, wide)
        )


class _Sums:
    """Running sums for one product's input."""

    def __init__(self, channels: int) -> None:
        self.low = np.full(channels, np.inf, dtype=np.float32)
        self.high = np.full(channels, -np.inf, dtype=np.float32)
        self.total = np.zeros(channels)
        self.moment = np.zeros((channels, channels))
        self.tokens = 0

    def add(self, values: Float) -> None:
        self.low = np.minimum(self.low, values.min(axis=0))
        self.high = np.maximum(self.high, values.max(axis=0))
        self.total += values.sum(axis=0, dtype=np.float64)
        self.moment += values.T @ values
        self.tokens += len(values)

    def statistics(self) -> Statistics:
        mean = (self.total / self.tokens).astype(np.float32)
        return Statistics(self.low, self.high, mean, self.moment / self.tokens)


def calibrate(
    session: onnxruntime.InferenceSession, tokenizer: Tokenizer, texts: list[str], *, short_texts: list[str]
) -> list[Statistics]:
    """Run the observing float32 graph and return the statistics of its further outputs, in the graph's order.

    Short texts widen the ranges alone: queries are short and reach values that long chunks never do, while the
    moments stay those of what an index embeds.
    """
    names = [output.name for output in session.get_outputs()][1:]
    sums: dict[str, _Sums] = {}
    for ids, mask in batches(tokenizer, texts):
        outputs = session.run(names, {"input_ids": ids, "attention_mask": mask})
        for name, output in zip(names, outputs, strict=True):
            sums.setdefault(name, _Sums(output.shape[-1])).add(output[mask.astype(bool)])
    for ids, mask in batches(tokenizer, short_texts):
        outputs = session.run(names, {"input_ids": ids, "attention_mask": mask})
        for name, output in zip(names, outputs, strict=True):
            values = output[mask.astype(bool)]
            sums[name].low = np.minimum(sums[name].low, values.min(axis=0))
            sums[name].high = np.maximum(sums[name].high, values.max(axis=0))
    return [sums[name].statistics() for name in names]


def batches(tokenizer: Tokenizer, texts: list[str]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return (input_ids, attention_mask) batches, int64[rows, longest], of texts sorted by length, then order.

    The tokenizer must truncate and must not pad.
    """
    encoded = sorted(
        (np.array(encoding.ids, dtype=np.int64) for encoding in tokenizer.encode_batch(texts)),
        key=len,
    )
    result: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    start = 0
    while start < len(encoded):
        stop = start + 1
        while stop < len(encoded) and (stop - start + 1) * len(encoded[stop]) <= TOKEN_BUDGET:
            stop += 1
        rows = encoded[start:stop]
        ids = np.zeros((len(rows), len(rows[-1])), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(rows):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        result.append((ids, mask))
        start = stop
    return result
