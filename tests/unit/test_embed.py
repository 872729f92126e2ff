"""Batches are within budget, complete, and give each text its own vector."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.stages.embed import embed, plan_batches
from tests.fakes import FakeEncoder


@given(st.lists(st.integers(1, 256), max_size=200), st.integers(1, 2048))
def test_batches_hold_every_row_once_and_stay_within_the_budget(lengths: list[int], budget: int) -> None:
    array = np.array(lengths, dtype=np.int32)
    batches = list(plan_batches(array, token_budget=budget))
    assert sorted(int(row) for rows in batches for row in rows) == list(range(len(lengths)))
    for rows in batches:
        assert len(rows) == 1 or len(rows) * int(array[rows].max()) <= budget


@given(st.lists(st.text(max_size=50), max_size=60))
def test_vectors_are_aligned_with_their_texts_and_progress_counts_each_once(texts: list[str]) -> None:
    done: dict[int, bytes] = {}

    def on_batch(rows: NDArray[np.int64], batch: NDArray[np.float32]) -> None:
        assert not done.keys() & set(rows.tolist())
        done.update((int(row), vector.tobytes()) for row, vector in zip(rows, batch, strict=True))

    encoder = FakeEncoder()
    vectors = embed(texts, encoder, token_budget=64, on_batch=on_batch)
    assert vectors.shape == (len(texts), encoder.identity.dims)
    alone = {row: encoder.encode([text])[0].tobytes() for row, text in enumerate(texts)}
    assert {row: vector.tobytes() for row, vector in enumerate(vectors)} == alone
    assert done == alone
