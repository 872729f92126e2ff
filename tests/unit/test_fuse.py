"""Reciprocal rank fusion."""

from __future__ import annotations

import pytest

from indexer.search.fuse import WEIGHTS, reciprocal_ranks
from indexer.search.query import QueryKind


def test_scores_are_weighted_reciprocal_ranks() -> None:
    fused = reciprocal_ranks({"text": ["a", "b"], "vector": ["b"]}, {"text": 1.0, "vector": 0.5}, constant=10)
    assert fused == pytest.approx({"a": 1 / 11, "b": 1 / 12 + 0.5 / 11})


def test_found_twice_beats_found_once_at_the_same_rank() -> None:
    fused = reciprocal_ranks({"text": ["a", "b"], "vector": ["c", "b"]}, {})
    assert max(fused, key=lambda key: fused[key]) == "b"


def test_no_ranking_no_scores() -> None:
    assert reciprocal_ranks({}, {}) == {}
    assert reciprocal_ranks({"text": []}, {"text": 1.0}) == {}


def test_every_kind_of_query_weighs_the_same_retrievers() -> None:
    assert {frozenset(weights) for weights in WEIGHTS.values()} == {frozenset(("text", "vector", "name", "path"))}
    assert set(WEIGHTS) == set(QueryKind)
