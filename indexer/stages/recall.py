"""What an exact search with the encoder's own vectors finds, kept up while they stream past, to compare an index with.

Memory is queries x KEPT, however many vectors there are. Texts go by 64-bit keys.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

KEPT = 32
"""Neighbours kept a query: the nearest ten, and room for ties with the tenth and for texts that come twice."""
TIE = 1e-6
"""Cosines this near are the same: single-precision sums in another order differ by as much."""


class ExactNeighbours:
    """The texts nearest to each of some queries by cosine, exactly, among all that were added."""

    def __init__(self, keys: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Take the texts that are asked for: their keys, int64[q], and unit vectors, float32[q, d]."""
        self.keys = keys
        self.vectors = vectors
        self._nearest = np.zeros((len(vectors), KEPT), np.int64)
        self._cosines = np.full((len(vectors), KEPT), -np.inf, np.float32)

    def add(self, keys: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Compare texts, int64[n] and unit float32[n, d], with every query; a query is no neighbour of itself."""
        found = self.vectors @ vectors.T
        found[self.keys[:, None] == keys] = -np.inf
        # Sooner or later most texts are near to no query, and sorting is what costs.
        near = (found > self._cosines.min(axis=1, keepdims=True)).any(axis=0)
        found, keys = found[:, near], keys[near]
        cosines = np.hstack([found, self._cosines])
        best = np.argpartition(cosines, -KEPT, axis=1)[:, -KEPT:]
        nearest = np.hstack([np.broadcast_to(keys, found.shape), self._nearest])
        self._nearest = np.take_along_axis(nearest, best, axis=1)
        self._cosines = np.take_along_axis(cosines, best, axis=1)

    def nearest(self, query: int, *, count: int) -> tuple[set[int], int]:
        """Return the texts as near as the `count`-th nearest, and how many there are to find, at most `count`.

        Texts tied with the last are all right answers, as in ANN-Benchmarks (Aumüller, Bernhardsson, Faithfull, 2017),
        so that no answer is blamed for its choice among equals; if there are more of them than are kept, none is asked
        for.
        """
        cosine_of: dict[int, float] = {}
        for key, cosine in zip(self._nearest[query].tolist(), self._cosines[query].tolist(), strict=True):
            if np.isfinite(cosine):
                cosine_of[key] = max(cosine, cosine_of.get(key, cosine))
        ordered = sorted(cosine_of.values(), reverse=True)
        if not ordered:
            return set(), 0
        last = ordered[:count][-1]
        if np.isfinite(self._cosines[query]).all() and ordered[-1] >= last - TIE:
            nearer = {key for key, cosine in cosine_of.items() if cosine > last + TIE}
            return nearer, len(nearer)
        return {key for key, cosine in cosine_of.items() if cosine >= last - TIE}, min(count, len(ordered))


def share_found(exact: ExactNeighbours, answers: Sequence[Sequence[int]], *, count: int, depth: int) -> float:
    """Return which part of its `count` exact neighbours the first `depth` of a query's answer hold, on average.

    An answer lists distinct keys, nearest first, without the query's own. Queries without neighbours are left out; 1.0
    when none is left.
    """
    shares = []
    for query, answer in enumerate(answers):
        right, most = exact.nearest(query, count=count)
        if most:
            shares.append(min(len(right.intersection(answer[:depth])), most) / most)
    return float(np.mean(shares)) if shares else 1.0
