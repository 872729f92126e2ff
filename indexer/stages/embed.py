"""Texts to vectors, in batches that waste little padding and bound memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.types import Encoder


def plan_batches(lengths: NDArray[np.int32], *, token_budget: int) -> Iterator[NDArray[np.int64]]:
    """Yield row numbers, longest texts first, such that rows x longest row stays within the budget.

    Every row is yielded once; a text longer than the budget makes a batch of its own. Longest first, so that the
    largest allocation comes first and is reused.
    """
    order = np.argsort(-lengths, kind="stable").astype(np.int64)
    start = 0
    while start < len(order):
        rows = max(1, token_budget // max(1, int(lengths[order[start]])))
        yield order[start : start + rows]
        start += rows


def embed(
    texts: Sequence[str],
    encoder: Encoder,
    *,
    token_budget: int = 2048,
    on_batch: Callable[[NDArray[np.int64], NDArray[np.float32]], None] | None = None,
) -> NDArray[np.float32]:
    """Encode texts in length-sorted batches: float32[n, dims], unit rows, aligned with `texts`.

    `on_batch` is called after each batch with the row numbers, int64[m], and their vectors, float32[m, dims]. Because
    a text's vector does not depend on its batch, neither does the result depend on `token_budget`.
    """
    vectors = np.empty((len(texts), encoder.identity.dims), dtype=np.float32)
    if not texts:
        return vectors
    prepared = encoder.prepare(texts)
    for rows in plan_batches(prepared.lengths, token_budget=token_budget):
        vectors[rows] = encoder.encode_prepared(prepared, rows)
        if on_batch is not None:
            on_batch(rows, vectors[rows])
    return vectors
