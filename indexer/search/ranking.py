"""Put files in order by a linear model over what is known of them, and choose which chunks of each to show.

The weights of files are in ranker.json, written by benchmarks/train_ranker.py: a conditional logit (McFadden 1973;
ListNet with one relevant file, Cao et al. 2007) with an L2 penalty, fitted on queries with known answers.

A chunk's first score is made of what is known of every chunk; the second, of a file's few best, also reads their names
and kinds. Its weights are a conditional logit's, rounded, fitted on 1,042 functions and classes of 110 files of the
Python standard library and of installed packages, asked for by the first sentence of their docstrings in copies of the
files without docstrings: in 0.55 of the cases the file's first chunk is the right one, against 0.48 for the plain sum
of words and meaning. `NAMED` is by hand, since such sentences seldom write a symbol's name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from indexer.languages.analyzer import parts, stem
from indexer.search.candidates import SCORE_DECIMALS
from indexer.search.features import Evidence, alike, definition_value, features, is_sure
from indexer.search.query import Query
from indexer.stores.text.document import StoredChunk
from indexer.types import SymbolKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT = 2
WORDS = 2.9
"""For the share of the words' BM25 that the file's best chunk has."""
MEANING = 12.5
"""For the cosine."""
NAMED = 8.0
"""For being what the query names."""
NAME_COVERED = 2.6
"""For the share of the query's words, by rarity, that are in the chunk's own name."""
NAME_MEANT = 1.4
"""For the share of the name's words that are in the query."""
SYMBOL = 0.6
REGION = -1.6
LATER_PART = -0.5
PRIVATE = -0.7
AGAIN = -2.0
"""For another chunk of a file that is in the answer already. Measured with the 22 development repositories and with the
first sentences above: 0 finds 0.59 of the functions among ten hits but costs 0.014 of NDCG@10, -2.0 finds 0.55 and
costs 0.001; one chunk a file finds 0.44."""
MOST_OF_A_FILE = 3
"""No file has more in an answer until files run out."""
SHORTLIST = 8
"""How many chunks of a file are looked at closely; the right one is among the first eight in 0.88 of the cases."""


class Ranker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The weights of the linear model by feature; `trained_on` says where they come from."""

    format: int
    trained_on: str
    weights: dict[str, float]


MEANING_ALONE = Ranker(format=FORMAT, trained_on="the same, this feature alone", weights={"cosine_best": 12.4})
"""For searches by meaning alone: the file with the nearest chunk comes first."""


@lru_cache(maxsize=1)
def shipped_ranker() -> Ranker:
    """Return the ranker that is part of the package."""
    return msgspec.json.decode(files("indexer.search").joinpath("ranker.json").read_bytes(), type=Ranker)


@dataclass(frozen=True, slots=True)
class RankedFile:
    """A file in the order: its score, the part that each feature has in it, and its chunks' scores, best first."""

    space: int
    path: str
    score: float
    contributions: dict[str, float]
    chunks: dict[int, float]


def rank(evidence: Evidence, ranker: Ranker, *, explain: bool = False) -> list[RankedFile]:
    """Return the candidate files, best first, equal ones by path; with `explain` what each feature contributes."""
    import numpy as np

    scores = evidence.scores
    names, matrix = features(evidence)
    weights = np.array([ranker.weights.get(name, 0.0) for name in names])
    contributions = matrix * weights
    totals = np.round(contributions.sum(axis=1), SCORE_DECIMALS)
    value = chunk_scores(evidence)
    ends = [*scores.starts[1:].tolist(), len(scores.ids)]
    ranked = []
    for place in sorted(range(len(scores.paths)), key=lambda place: (-totals[place], scores.paths[place], place)):
        own = slice(int(scores.starts[place]), ends[place])
        order = np.lexsort((scores.ids[own], -value[own]))
        told = dict(zip(names, np.round(contributions[place], SCORE_DECIMALS).tolist(), strict=True)) if explain else {}
        ranked.append(
            RankedFile(
                int(scores.spaces[place]),
                scores.paths[place],
                float(totals[place]),
                {name: part for name, part in told.items() if part},
                dict(zip(scores.ids[own][order].tolist(), value[own][order].tolist(), strict=True)),
            )
        )
    return ranked


def chunk_scores(evidence: Evidence) -> NDArray[np.float64]:
    """Return what speaks for each chunk in its file: words, meaning, and being what was named; float64[n]."""
    import numpy as np

    scores = evidence.scores
    if not len(scores.ids):
        return np.zeros(0)
    most = np.maximum.reduceat(scores.words, scores.starts)[scores.file_of]
    words = np.divide(scores.words, most, out=np.zeros(len(most)), where=most > 0)
    query = evidence.asked.query
    named = [
        {i: definition_value(query, found) for i, found in own.items() if is_sure(query, found)}
        for own in evidence.definitions
    ]
    value: NDArray[np.float64] = np.round(
        WORDS * words + MEANING * scores.cosines + NAMED * scores.aligned(named), SCORE_DECIMALS
    )
    return value


def closer_look(
    query: Query, weights: Mapping[str, float], scores: Mapping[int, float], chunks: Sequence[StoredChunk]
) -> dict[int, float]:
    """Return the scores of a file's chunks, best first, those of `chunks` by what they are called and are as well.

    `scores` are those of `chunk_scores`; `weights` are the query's words with their shares of its rarity.
    """
    find = alike(tuple(query.words))
    closer = {
        chunk.id: round(scores[chunk.id] + _closer(query, weights, find, chunk), SCORE_DECIMALS) for chunk in chunks
    }
    known = {**scores, **closer}
    first = sorted(closer, key=lambda chunk_id: (-closer[chunk_id], chunk_id))
    return {chunk_id: known[chunk_id] for chunk_id in dict.fromkeys([*first, *scores])}


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
        total = math.log(sum(math.exp(value - top) for value in chunks.values()) or 1.0)
        for turn, (chunk_id, value) in enumerate(islice(chunks.items(), MOST_OF_A_FILE if is_enough else None)):
            later = score + value - top - total + AGAIN if turn else score
            (entries if turn < MOST_OF_A_FILE else rest).append((round(later, SCORE_DECIMALS), place, turn, chunk_id))
    entries.sort(key=lambda entry: (-entry[0], *entry[1:]))
    rest.sort(key=lambda entry: (entry[2], entry[1]))
    return [(place, chunk_id, score) for score, place, _, chunk_id in [*entries, *rest][:count]]


def _closer(query: Query, weights: Mapping[str, float], find: Callable[[str], set[str]], chunk: StoredChunk) -> float:
    if chunk.kind == SymbolKind.REGION:
        return REGION
    own = _terms(chunk.name)
    found = [find(term) for term in own]
    named = set().union(*found)
    covered = sum(weights[word] for word in query.words if word in named)
    meant = sum(map(bool, found)) / len(own) if own else 0.0
    return (
        SYMBOL
        + NAME_COVERED * covered
        + NAME_MEANT * meant
        + LATER_PART * (chunk.part > 0)
        + PRIVATE * (chunk.name.startswith("_") and chunk.name not in query.names)
    )


@lru_cache(maxsize=1 << 14)
def _terms(name: str) -> frozenset[str]:
    return frozenset(stem(part) for part in parts(name))
