"""Put files in order by a linear model over what is known of them.

The weights are in ranker.json, written by benchmarks/train_ranker.py: a conditional logit (McFadden 1973; ListNet with
one relevant file, Cao et al. 2007) with an L2 penalty, fitted on queries with known answers. Those of chunks, which
passages.py uses, are written by benchmarks/train_passages.py.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import msgspec

from indexer.search.candidates import SCORE_DECIMALS
from indexer.search.features import Evidence, features
from indexer.search.passages import chunk_scores

FORMAT = 2


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The weights of a linear model by feature; `trained_on` says where they come from."""

    trained_on: str
    weights: dict[str, float]


class Ranker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What orders files, and the chunks of a file."""

    format: int
    files: Model
    passages: Model


@lru_cache(maxsize=1)
def shipped_ranker() -> Ranker:
    """Return the ranker that is part of the package."""
    return msgspec.json.decode(files("indexer.search").joinpath("ranker.json").read_bytes(), type=Ranker)


@lru_cache(maxsize=1)
def meaning_alone() -> Ranker:
    """Return the ranker of searches by meaning alone: the file with the nearest chunk comes first."""
    nearest = Model(trained_on="the same, this feature alone", weights={"cosine_best": 12.4})
    return msgspec.structs.replace(shipped_ranker(), files=nearest)


class RankedFile(NamedTuple):
    """A file in the order: its score, the part that each feature has in it, and its chunks and their scores, best
    first."""

    space: int
    path: str
    score: float
    contributions: dict[str, float]
    ids: list[int]
    values: list[float]

    @property
    def chunks(self) -> dict[int, float]:
        """The chunks' scores, best first."""
        return dict(zip(self.ids, self.values, strict=True))


def rank(evidence: Evidence, ranker: Ranker, *, explain: bool = False) -> list[RankedFile]:
    """Return the candidate files, best first, equal ones by path; with `explain` what each feature contributes."""
    import numpy as np

    scores = evidence.scores
    names, matrix = features(evidence)
    weights = np.array([ranker.files.weights.get(name, 0.0) for name in names])
    contributions = matrix * weights
    totals = contributions.sum(axis=1).round(SCORE_DECIMALS)
    value = chunk_scores(evidence, ranker.passages.weights)
    order = np.lexsort((-value, scores.file_of))  # equal ones stay in the order of their ids
    ids, values = scores.ids[order].tolist(), value[order].tolist()
    bounds = [*scores.starts.tolist(), len(ids)]
    score_of, spaces = totals.tolist(), scores.spaces.tolist()
    ranked = []
    for place in sorted(range(len(scores.paths)), key=lambda place: (-score_of[place], scores.paths[place], place)):
        own = slice(bounds[place], bounds[place + 1])
        told = contributions[place].round(SCORE_DECIMALS).tolist() if explain else ()
        parts = {name: part for name, part in zip(names, told, strict=False) if part}
        ranked.append(RankedFile(spaces[place], scores.paths[place], score_of[place], parts, ids[own], values[own]))
    return ranked
