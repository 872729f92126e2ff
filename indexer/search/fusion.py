"""Which files lead after the first pass: the rankings of all retrievers, fused by reciprocal ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import merge

from indexer.search.candidates import Found
from indexer.search.query import Query, QueryKind

RANK_CONSTANT = 10
"""The k of 1 / (k + rank). The paper's 60 is for lists of a thousand; here the first ten matter."""
RETRIEVER_WEIGHTS: Mapping[QueryKind, Mapping[str, float]] = {
    QueryKind.SYMBOL: {"text": 1.0, "vector": 0.5, "name": 2.0, "path": 1.0},
    QueryKind.PATH: {"text": 0.5, "vector": 0.25, "name": 0.5, "path": 4.0},
    QueryKind.NATURAL: {"text": 1.0, "vector": 2.0, "name": 0.5, "path": 1.0},
    QueryKind.ERROR: {"text": 1.0, "vector": 0.5, "name": 0.5, "path": 1.5},
    QueryKind.CODE: {"text": 1.0, "vector": 1.0, "name": 0.5, "path": 0.5},
}
"""How much each retriever counts for each kind of query."""
LONG_TEXT_WEIGHTS: Mapping[str, float] = {"text": 1.0, "vector": 1.0, "name": 0.5, "path": 1.0}
"""The same for a long text in plain words: its vector is of its opening alone."""

FileKey = tuple[int, str]
"""A file among all spaces: the place of its space, and its path there."""


def leading_files(found: Sequence[Found], query: Query, *, count: int) -> list[FileKey]:
    """Return the files of all spaces that the retrievers put first, by reciprocal ranks, equal ones by path.

    Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet" (2009).
    """
    is_long_text = query.is_long and query.kind is QueryKind.NATURAL
    fused = reciprocal_ranks(_rankings(found), LONG_TEXT_WEIGHTS if is_long_text else RETRIEVER_WEIGHTS[query.kind])
    order = sorted([(-score, path, space) for (space, path), score in fused.items()])
    return [(space, path) for _, path, space in order[:count]]


def reciprocal_ranks(rankings: Mapping[str, Sequence[FileKey]], weights: Mapping[str, float]) -> dict[FileKey, float]:
    """Return the sum over rankings of weight / (RANK_CONSTANT + rank), ranks counted from 1.

    A ranking without a weight counts 1.
    """
    scores: dict[FileKey, float] = {}
    for name, ranking in rankings.items():
        weight = weights.get(name, 1.0)
        for rank, key in enumerate(ranking, 1):
            scores[key] = scores.get(key, 0.0) + weight / (RANK_CONSTANT + rank)
    return scores


def _rankings(found: Sequence[Found]) -> dict[str, list[FileKey]]:
    """Return the files in the order of each retriever, by their best chunk."""
    ranked: dict[str, list[list[tuple[float, FileKey]]]] = {}
    for space, own in enumerate(found):
        for name, scores in own.chunks.items():
            best: dict[str, float] = {}
            for path, score in zip(map(own.path_of.get, scores), scores.values(), strict=True):
                if path is not None and path not in best:
                    best[path] = score
            ranked.setdefault(name, []).append([(-score, (space, path)) for path, score in best.items()])
        ranked.setdefault("path", []).append([(-share, (space, path)) for path, share in own.files.items()])
    return {
        name: [key for _, key in (merge(*parts, key=lambda entry: entry[0]) if len(parts) > 1 else parts[0])]
        for name, parts in ranked.items()
    }
