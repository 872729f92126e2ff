"""What is added to the cosines of static vectors, and where: only in a search that finds vectors of both tiers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from indexer.config import EncoderOptions
from indexer.search.candidates import Asked, Found
from indexer.search.encoding import STATIC_OFFSETS, QueryEncoder
from indexer.search.literals import Literals
from indexer.search.query import Query, read_query
from indexer.search.scoring import FileScores
from indexer.search.searcher import Searcher
from indexer.search.space import Filter
from indexer.search.standing import Standing
from indexer.stores.text.document import StoredChunk
from indexer.stores.text.statistics import Term
from indexer.types import Tier


@dataclass
class Space:
    """A space that finds nothing, and keeps what it was asked."""

    upgraded: float
    chunks: int = 9
    asked: list[Asked] = field(default_factory=list)

    def first_pass(self, asked: Asked, chosen: Filter) -> Found:
        self.asked.append(asked)
        return Found({}, {}, {})

    def frequencies(self, terms: Collection[Term]) -> dict[Term, int]:
        return {}

    def paths_of(self, ids: Iterable[int]) -> dict[int, str]:
        return {}

    def second_pass(self, asked: Asked, chosen: Filter, paths: Sequence[str]) -> FileScores:
        raise AssertionError

    def standing(self, query: Query, literals: Literals, chosen: Filter) -> list[Standing]:
        return []

    def documents(self, ids: Sequence[int]) -> dict[int, StoredChunk]:
        return {}


@pytest.mark.parametrize(
    ("spaces", "offset"),
    [
        ([Space(0.0)], 0.0),
        ([Space(1.0)], 0.0),
        ([Space(0.5)], 0.25),
        ([Space(0.0), Space(0.0)], 0.0),
        ([Space(0.0), Space(1.0)], 0.25),
        ([Space(0.0), Space(1.0, chunks=0)], 0.0),
    ],
)
def test_static_vectors_are_raised_only_where_there_are_others(spaces: list[Space], offset: float) -> None:
    vector = np.ones(4, np.int8)
    Searcher(spaces, static_offset=0.25).evidence(read_query("where is it"), lambda: vector, words=False)
    assert [asked.static_offset for space in spaces for asked in space.asked] == [offset] * len(spaces)


def test_the_offset_is_that_of_the_encoder_and_of_who_reads_the_query() -> None:
    own, static = (QueryEncoder(EncoderOptions(queries=queries)) for queries in ("own", "static"))
    assert own.static_offset("minilm") == STATIC_OFFSETS["minilm"][Tier.CONTEXTUAL] > 0
    assert static.static_offset("minilm") == STATIC_OFFSETS["minilm"][Tier.STATIC] < 0
    assert own.static_offset("another") == 0
