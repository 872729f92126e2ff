"""Put files in order by a linear model over what is known of them.

The weights are in ranker.json, written by benchmarks/train_ranker.py: a conditional logit (McFadden 1973; ListNet with
one relevant file, Cao et al. 2007) with an L2 penalty, fitted on queries with known answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import msgspec

from indexer.search.features import Evidence, features
from indexer.search.passages import chunk_scores
from indexer.search.retrieve import SCORE_DECIMALS

FORMAT = 1


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
    parts = matrix * weights
    totals = np.round(parts.sum(axis=1), SCORE_DECIMALS)
    value = chunk_scores(evidence)
    ends = [*scores.starts[1:].tolist(), len(scores.ids)]
    ranked = []
    for place in sorted(range(len(scores.paths)), key=lambda place: (-totals[place], place)):
        own = slice(int(scores.starts[place]), ends[place])
        order = np.lexsort((scores.ids[own], -value[own]))
        contributions = (
            dict(zip(names, np.round(parts[place], SCORE_DECIMALS).tolist(), strict=True)) if explain else {}
        )
        ranked.append(
            RankedFile(
                scores.paths[place],
                float(totals[place]),
                {name: part for name, part in contributions.items() if part},
                dict(zip(scores.ids[own][order].tolist(), value[own][order].tolist(), strict=True)),
            )
        )
    return ranked
