"""Batches are within budget, complete, and give each text its own vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.stages.embed import embed, plan_batches
from indexer.types import EncoderIdentity, PreparedTexts


@given(st.lists(st.integers(1, 256), max_size=200), st.integers(1, 2048))
def test_batches_hold_every_row_once_and_stay_within_the_budget(lengths: list[int], budget: int) -> None:
    array = np.array(lengths, dtype=np.int32)
    batches = list(plan_batches(array, token_budget=budget))
    assert sorted(int(row) for rows in batches for row in rows) == list(range(len(lengths)))
    for rows in batches:
        assert len(rows) == 1 or len(rows) * int(array[rows].max()) <= budget


@dataclass(frozen=True)
class _Prepared:
    texts: tuple[str, ...]

    @property
    def lengths(self) -> NDArray[np.int32]:
        return np.array([len(text) for text in self.texts], dtype=np.int32)


class _LengthEncoder:
    """Encodes a text as its length, so that a misplaced row shows."""

    identity = EncoderIdentity("length", "0", 1, 256)

    def prepare(self, texts: Sequence[str]) -> _Prepared:
        return _Prepared(tuple(texts))

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        assert isinstance(prepared, _Prepared)
        return np.array([[len(prepared.texts[row])] for row in rows], dtype=np.float32)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.encode_prepared(self.prepare(texts), np.arange(len(texts)))


@given(st.lists(st.text(max_size=50), max_size=60))
def test_vectors_are_aligned_with_their_texts_and_progress_counts_each_once(texts: list[str]) -> None:
    done: dict[int, int] = {}

    def on_batch(rows: NDArray[np.int64], batch: NDArray[np.float32]) -> None:
        done.update((int(row), int(vector[0])) for row, vector in zip(rows, batch, strict=True))

    vectors = embed(texts, _LengthEncoder(), token_budget=64, on_batch=on_batch)
    assert vectors.shape == (len(texts), 1)
    assert [int(v[0]) for v in vectors] == [len(text) for text in texts]
    assert done == {row: len(text) for row, text in enumerate(texts)}
