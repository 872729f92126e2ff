"""Reciprocal rank fusion: Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet" (2009)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from indexer.search.query import QueryKind

RANK_CONSTANT = 10
"""The k of 1 / (k + rank). The paper's 60 is for lists of a thousand; here the first ten matter."""

WEIGHTS: Mapping[QueryKind, Mapping[str, float]] = {
    QueryKind.SYMBOL: {"text": 1.0, "vector": 0.5, "name": 2.0, "path": 1.0},
    QueryKind.PATH: {"text": 0.5, "vector": 0.25, "name": 0.5, "path": 4.0},
    QueryKind.NATURAL: {"text": 1.0, "vector": 1.0, "name": 0.5, "path": 1.0},
    QueryKind.ERROR: {"text": 1.0, "vector": 0.5, "name": 0.5, "path": 1.5},
    QueryKind.CODE: {"text": 1.0, "vector": 1.0, "name": 0.5, "path": 0.5},
}
"""How much each retriever counts for each kind of query."""

Key = TypeVar("Key", bound=Hashable)


def reciprocal_ranks(
    rankings: Mapping[str, Sequence[Key]], weights: Mapping[str, float], *, constant: int = RANK_CONSTANT
) -> dict[Key, float]:
    """Return the sum over rankings of weight / (constant + rank), ranks counted from 1, in order of first appearance.

    A ranking without a weight counts 1.
    """
    scores: dict[Key, float] = {}
    for name, ranking in rankings.items():
        weight = weights.get(name, 1.0)
        for rank, key in enumerate(ranking, 1):
            scores[key] = scores.get(key, 0.0) + weight / (constant + rank)
    return scores
