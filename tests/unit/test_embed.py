"""Batches are within budget, complete, and give each text its own vector."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.stages.embed import embed, plan_batches
from indexer.types import Feed, PreparedTexts
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


class FedEncoder(FakeEncoder):
    """Wants two batches of two texts at once; `calls` holds the rows of each."""

    feed = Feed(batches=2, tokens=30)

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[list[int]] = []

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        self.calls.append(rows.tolist())
        return super().encode_prepared(prepared, rows)


class MeetingEncoder(FedEncoder):
    """Waits in each call until there is another."""

    def __init__(self) -> None:
        super().__init__()
        self._together = threading.Barrier(2)

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        self._together.wait(timeout=30)
        return super().encode_prepared(prepared, rows)


class FailingEncoder(FedEncoder):
    """Fails at the first text."""

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        if 0 in rows:
            raise RuntimeError("no more")
        time.sleep(0.001)
        return super().encode_prepared(prepared, rows)


def test_an_encoder_has_as_many_batches_at_once_as_it_wants_and_none_is_larger() -> None:
    texts = [f"text {number}" for number in range(8)]
    encoder, told = MeetingEncoder(), list[int]()
    vectors = embed(texts, encoder, token_budget=1000, on_batch=lambda rows, _made: told.extend(rows.tolist()))
    assert vectors.tobytes() == FakeEncoder().encode(texts).tobytes()
    assert sorted(map(len, encoder.calls)) == [2, 2, 2, 2]
    assert told == sorted(told)


def test_batches_that_are_computed_at_once_stay_within_the_budget_together() -> None:
    encoder = FedEncoder()
    embed([f"text {number}" for number in range(8)], encoder, token_budget=40)
    assert sorted(map(len, encoder.calls)) == [1] * 8


def test_a_batch_that_fails_ends_it_and_those_that_wait_are_not_begun() -> None:
    encoder = FailingEncoder()
    with pytest.raises(RuntimeError, match="no more"):
        embed([f"text {number:04}" for number in range(2000)], encoder, token_budget=1000)
    assert len(encoder.calls) < 900
