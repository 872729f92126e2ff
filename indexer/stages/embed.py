"""Texts to vectors, in batches that waste little padding and bound memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from indexer.types import Encoder, Feed, PreparedTexts


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

    `on_batch` is called after each batch with the row numbers, int64[m], and their vectors, float32[m, dims].
    An encoder whose `feed` says so is called from as many threads, whose batches together stay within the budget.
    Because a text's vector does not depend on its batch, neither does the result depend on any of this.
    """
    vectors = np.empty((len(texts), encoder.identity.dims), dtype=np.float32)
    if not texts:
        return vectors
    prepared = encoder.prepare(texts)
    feed: Feed = getattr(encoder, "feed", Feed())
    share = token_budget // feed.batches
    batches = plan_batches(prepared.lengths, token_budget=min(share, feed.tokens) if feed.tokens else share)
    for rows, made in _encode(encoder, prepared, list(batches), feed.batches):
        vectors[rows] = made
        if on_batch is not None:
            on_batch(rows, made)
    return vectors


def _encode(
    encoder: Encoder, prepared: PreparedTexts, batches: Sequence[NDArray[np.int64]], at_once: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yield each batch with its vectors, in order, so many computed at a time."""
    encode = partial(encoder.encode_prepared, prepared)
    if min(at_once, len(batches)) <= 1:
        yield from zip(batches, map(encode, batches), strict=True)
        return
    pool = ThreadPoolExecutor(at_once)
    try:
        yield from zip(batches, pool.map(encode, batches), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)
