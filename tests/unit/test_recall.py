"""What an exact search finds is kept whatever the order of the stream, and answers are compared to it fairly."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.stages.recall import KEPT, ExactNeighbours, share_found

Vectors = NDArray[np.float32]


def unit_rows(count: int, dims: int, seed: int = 0) -> Vectors:
    """Return random unit vectors, float32[count, dims]."""
    rows = np.random.default_rng(seed).standard_normal((count, dims))
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def streamed(vectors: Vectors, *, queries: int, block: int) -> ExactNeighbours:
    """Return the neighbours of the first rows, keys being row numbers, after all rows went by in blocks."""
    keys = np.arange(len(vectors), dtype=np.int64)
    exact = ExactNeighbours(keys[:queries], vectors[:queries])
    for start in range(0, len(vectors), block):
        exact.add(keys[start : start + block], vectors[start : start + block])
    return exact


def answers(vectors: Vectors, *, queries: int) -> list[list[int]]:
    """Return all rows but the query's own, nearest first by these vectors."""
    cosines = vectors[:queries] @ vectors.T
    return [[row for row in np.argsort(-cosines[q], kind="stable").tolist() if row != q] for q in range(queries)]


@settings(max_examples=25)
@given(count=st.integers(1, 120), block=st.integers(1, 50), seed=st.integers(0, 1000))
def test_an_exact_index_has_recall_one_however_the_vectors_stream_past(count: int, block: int, seed: int) -> None:
    vectors = unit_rows(count, 16, seed)
    queries = min(5, count)
    exact = streamed(vectors, queries=queries, block=block)
    assert share_found(exact, answers(vectors, queries=queries), count=10, depth=10) == 1.0


def test_an_answer_without_the_neighbours_has_recall_zero_and_half_of_them_a_half() -> None:
    vectors = unit_rows(200, 16)
    exact = streamed(vectors, queries=4, block=64)
    right = answers(vectors, queries=4)
    assert share_found(exact, [answer[100:110] for answer in right], count=10, depth=10) == 0.0
    half = [[*answer[:5], *answer[100:105]] for answer in right]
    assert share_found(exact, half, count=10, depth=10) == 0.5
    late = [[*answer[100:115], *answer[:10]] for answer in right]
    assert share_found(exact, late, count=10, depth=10) == 0.0
    assert share_found(exact, late, count=10, depth=25) == 1.0


def test_a_random_projection_to_few_dims_loses_most_neighbours() -> None:
    vectors = unit_rows(500, 64)
    reduced = vectors @ unit_rows(64, 4, seed=1)
    reduced /= np.linalg.norm(reduced, axis=1, keepdims=True)
    exact = streamed(vectors, queries=50, block=100)
    assert share_found(exact, answers(reduced, queries=50), count=10, depth=10) < 0.3


def test_texts_tied_with_the_tenth_are_all_right_answers() -> None:
    vectors = np.array([[1, 0]] * 9 + [[0.6, 0.8]] * 6, np.float32)
    exact = streamed(vectors, queries=1, block=4)
    for chosen in ([9, 10], [13, 14], [11, 9]):
        assert share_found(exact, [[*range(1, 9), *chosen]], count=10, depth=10) == 1.0


def test_a_tie_that_is_larger_than_what_is_kept_is_not_asked_for() -> None:
    vectors = np.array([[1, 0]] * 4 + [[0, 1]] * (2 * KEPT), np.float32)
    exact = streamed(vectors, queries=1, block=7)
    assert exact.nearest(0, count=10) == ({1, 2, 3}, 3)
    assert share_found(exact, [[3, 2, 1, 60]], count=10, depth=10) == 1.0


def test_a_text_that_comes_twice_counts_once_and_never_for_itself() -> None:
    vectors = unit_rows(12, 8)
    keys = np.arange(12, dtype=np.int64)
    exact = ExactNeighbours(keys[:1], vectors[:1])
    for _ in range(2):
        exact.add(keys, vectors)
    assert exact.nearest(0, count=20) == (set(range(1, 12)), 11)


def test_a_text_alone_has_nothing_to_find() -> None:
    exact = streamed(unit_rows(1, 8), queries=1, block=1)
    assert exact.nearest(0, count=10) == (set(), 0)
    assert share_found(exact, [[]], count=10, depth=10) == 1.0
