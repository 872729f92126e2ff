"""Which chunks of a file to show: those whose name, words and meaning answer the query best.

A chunk's first score is made of what is known of every chunk; the second, of a file's few best, also reads their names
and kinds. Both are utilities of one conditional logit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from operator import mul
from typing import TYPE_CHECKING

from indexer.languages.analyzer import parts, stem
from indexer.search.candidates import SCORE_DECIMALS
from indexer.search.features import Evidence, alike, definition_value, is_head, is_sure, named_definition
from indexer.search.query import Query
from indexer.stores.text.document import StoredChunk
from indexer.types import SymbolKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AGAIN = -2.0
"""For another chunk of a file that is in the answer already: nearer to 0 finds more single functions among ten hits, at
the cost of files."""
MOST_OF_A_FILE = 3
"""No file has more in an answer until files run out."""
SHORTLIST = 6
"""How many chunks of a file are looked at closely, at most."""
NAME_FEATURES = ("name_covered", "name_meant", "region", "later_part", "private")


def chunk_scores(evidence: Evidence, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Return what speaks for each chunk in its file, of what is known of all: float64[n]."""
    import numpy as np

    value: NDArray[np.float64] = np.zeros(len(evidence.scores.ids))
    for name, column in chunk_features(evidence).items():
        value = value + weights.get(name, 0.0) * column
    return np.round(value, SCORE_DECIMALS)


def chunk_features(evidence: Evidence) -> dict[str, NDArray[np.float64]]:
    """Return what is known of every chunk, float64[n] each.

    `words` is the share of the BM25 that the file's best chunk has, `meaning` the cosine, `named` how surely the query
    names the chunk.
    """
    import numpy as np

    scores, query = evidence.scores, evidence.asked.query
    if not len(scores.ids):
        return {}
    most = np.maximum.reduceat(evidence.words, scores.starts)[scores.file_of]
    named = [
        {i: definition_value(query, found) for i, found in own.items() if is_sure(query, found)}
        for own in evidence.definitions
    ]
    return {
        "words": np.divide(evidence.words, most, out=np.zeros(len(most)), where=most > 0),
        "meaning": scores.cosines,
        "named": scores.aligned(named),
    }


def shortlist(scores: Mapping[int, float], weights: Mapping[str, float]) -> list[int]:
    """Return the chunks of a file, of their scores best first, that its best may be by what they are called."""
    most = sum([max(0.0, weights.get(name, 0.0)) for name in NAME_FEATURES])
    least = next(iter(scores.values()), 0.0) - most
    return [chunk_id for chunk_id, score in islice(scores.items(), SHORTLIST) if score >= least]


def closer_look(
    query: Query,
    rarity: Mapping[str, float],
    scores: Mapping[int, float],
    chunks: Sequence[StoredChunk],
    weights: Mapping[str, float],
) -> dict[int, float]:
    """Return the scores of a file's chunks, best first, those of `chunks` by what they are called and are as well.

    `scores` are those of `chunk_scores`; `rarity` are the query's words with their shares of its weight.
    """
    find = alike(tuple(query.words))
    gains = [weights.get(name, 0.0) for name in NAME_FEATURES]
    closer: dict[int, float] = {}
    for chunk in chunks:
        gain = sum(map(mul, gains, name_features(query, rarity, find, chunk)))
        closer[chunk.id] = round(scores[chunk.id] + gain, SCORE_DECIMALS)
    first = sorted([(-score, chunk_id) for chunk_id, score in closer.items()])
    return {chunk_id: -score for score, chunk_id in first} | {
        chunk_id: score for chunk_id, score in scores.items() if chunk_id not in closer
    }


def name_features(
    query: Query, rarity: Mapping[str, float], find: Callable[[Iterable[str]], list[set[str]]], chunk: StoredChunk
) -> tuple[float, ...]:
    """Return what a chunk's name and kind say, as NAME_FEATURES: the share of the query in the name and of the name in
    the query, by words that `find` says are alike, and whether it is code outside symbols, a later part, or private."""
    meant = named_definition(query, chunk)
    name = meant.name if meant else chunk.name
    if chunk.kind is SymbolKind.REGION and name not in query.names:
        return 0.0, 0.0, 1.0, 0.0, 0.0
    covered = share = 0.0
    own = _terms(name)
    if found := find(own):
        named = set().union(*found)
        covered, share = sum([rarity[word] for word in query.words if word in named]), len(found) / len(own)
    later_part = not (meant.is_head if meant else is_head(chunk))
    return covered, share, 0.0, float(later_part), float(name.startswith("_") and name not in query.names)


def arrange(files: Sequence[tuple[float, Mapping[int, float]]], *, count: int) -> list[tuple[int, int, float]]:
    """Return up to `count` chunks of ranked files, best first: the place of its file, its id, and its score.

    `files` have their scores and those of their chunks, best first. Both are utilities of conditional logits, so that a
    file's first chunk scores as the file, and a later one by how likely it is the right one of its file. No file has
    more than MOST_OF_A_FILE until files run out.
    """
    is_enough = sum(min(len(chunks), MOST_OF_A_FILE) for _, chunks in files) >= count
    entries: list[tuple[float, int, int, int]] = []
    rest: list[tuple[float, int, int, int]] = []
    for place, (score, chunks) in enumerate(files):
        top = max(chunks.values(), default=0.0)
        total = math.log(sum([math.exp(value - top) for value in chunks.values()]) or 1.0)
        for turn, (chunk_id, value) in enumerate(islice(chunks.items(), MOST_OF_A_FILE if is_enough else None)):
            later = score + value - top - total + AGAIN if turn else score
            (entries if turn < MOST_OF_A_FILE else rest).append((round(later, SCORE_DECIMALS), place, turn, chunk_id))
    entries.sort(key=lambda entry: (-entry[0], *entry[1:]))
    rest.sort(key=lambda entry: (entry[2], entry[1]))
    return [(place, chunk_id, score) for score, place, _, chunk_id in [*entries, *rest][:count]]


@lru_cache(maxsize=1 << 14)
def _terms(name: str) -> frozenset[str]:
    return frozenset(stem(part) for part in parts(name))
