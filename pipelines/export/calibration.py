"""What the float32 graph computes on real texts: ranges and moments of every matrix product's input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .rounding import Wide
from .weights import Float

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

TOKEN_BUDGET = 2048


@dataclass(frozen=True, slots=True)
class Ranges:
    """One product's input over all real tokens: float32[channels]."""

    low: Float
    high: Float

    def divided_by(self, factors: Float) -> Ranges:
        """Return the ranges of the input divided by positive factors, float32[channels]."""
        return Ranges(self.low / factors, self.high / factors)


@dataclass(frozen=True, slots=True)
class Moments:
    """One product's input, and what is multiplied in its place once that is in uint8, over all real tokens.

    `mean` float64[channels] is the input's, `met_mean` float64[met] that of what is met, float64[met, met] `met` its
    second moment E[m mT], and `shared` float64[met, channels] its moment with the input, E[m xT].
    """

    mean: Wide
    met_mean: Wide
    met: Wide
    shared: Wide


def product_inputs(
    session: onnxruntime.InferenceSession, tokenizer: Tokenizer, texts: list[str]
) -> Iterator[list[Float]]:
    """Yield, a batch at a time, what the observing graph gives every product, float32[real tokens, channels] each."""
    names = [output.name for output in session.get_outputs()][1:]
    for ids, mask in batches(tokenizer, texts):
        outputs = session.run(names, {"input_ids": ids, "attention_mask": mask})
        yield [output[mask.astype(bool)] for output in outputs]


def find_ranges(given: Iterable[list[Float]]) -> list[Ranges]:
    """Return the ranges of every product's input."""
    found: list[Ranges] = []
    for batch in given:
        own = [Ranges(values.min(axis=0), values.max(axis=0)) for values in batch]
        pairs = zip(found or own, own, strict=True)
        found = [Ranges(np.minimum(a.low, b.low), np.maximum(a.high, b.high)) for a, b in pairs]
    return found


def find_moments(given: Iterable[list[Float]], met: Sequence[Callable[[Float], Float]]) -> list[Moments]:
    """Return the moments of every product; `met` makes of its input, float32[tokens, channels], what it multiplies."""
    sums: list[list[Wide]] = []
    tokens = 0
    for batch in given:
        added = [_sums(values, rounded(values)) for values, rounded in zip(batch, met, strict=True)]
        sums = [[a + b for a, b in zip(*own, strict=True)] for own in zip(sums, added, strict=True)] if sums else added
        tokens += len(batch[0])
    return [Moments(*(total / tokens for total in own)) for own in sums]


def _sums(values: Float, met: Float) -> list[Wide]:
    means = [own.sum(axis=0, dtype=np.float64) for own in (values, met)]
    return [*means, *((met.T @ own).astype(np.float64) for own in (met, values))]


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
