"""Static vectors are soon replaced, so that no graph is built over them; segments stay small enough to be scanned."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from indexer.config import VectorOptions
from indexer.stores.generation import staged_vectors
from indexer.stores.generation.manifest import Segment
from indexer.stores.generation.staged_vectors import StagedVectors
from indexer.stores.vectors.segments import segment_file
from indexer.types import Tier

LIMIT = 50
BATCH = 20


def test_static_segments_never_grow_into_a_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged_vectors, "GRAPH_VECTORS", LIMIT)
    staged = StagedVectors(tmp_path, None, VectorOptions())
    for number in range(6):
        for offset, tier in enumerate(Tier):
            first = (2 * number + offset) * BATCH
            staged.add(tier, range(first, first + BATCH), np.ones((BATCH, 8), np.int8))
    catalog: Any = SimpleNamespace(live=Counter())
    sizes = {tier: [s.vectors for s in staged.finish(catalog) if s.tier is tier] for tier in Tier}
    assert sizes == {Tier.STATIC: [40, 40, 40], Tier.CONTEXTUAL: [120]}


def test_static_segments_of_a_large_index_stay_as_they_are_when_a_few_vectors_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged_vectors, "GRAPH_VECTORS", LIMIT)
    full, small = 12, 9
    segments = [Segment(number=n, tier=Tier.STATIC, vectors=40 if n < full else 6, live=0) for n in range(full + small)]
    starts = np.cumsum([0, *(segment.vectors for segment in segments)]).tolist()
    ids = {s.number: range(start, start + s.vectors) for s, start in zip(segments, starts, strict=False)}
    moved: dict[int, int] = {}
    base: Any = SimpleNamespace(
        manifest=SimpleNamespace(projection=SimpleNamespace(dims=8), segments=segments),
        vectors=SimpleNamespace(get=lambda number, part: np.full((len(part), 8), number, np.int8)),
    )
    catalog: Any = SimpleNamespace(
        live=Counter({segment.number: segment.vectors for segment in segments}),
        reader=SimpleNamespace(chunk_ids=lambda segment: ids[segment]),
        move=lambda part, segment: moved.update(dict.fromkeys(part, segment)),
    )
    for segment in segments:
        (tmp_path / segment_file(segment.number)).write_bytes(b"")
    staged = StagedVectors(tmp_path, base, VectorOptions())
    staged.add(Tier.STATIC, range(10_000, 10_002), np.ones((2, 8), np.int8))
    made = {segment.number: segment.vectors for segment in staged.finish(catalog)}
    assert {number: made.pop(number) for number in range(full)} == dict.fromkeys(range(full), 40)
    assert sum(made.values()) == small * 6 + 2 and max(made.values()) <= LIMIT
    assert len(moved) == small * 6 and set(moved.values()) <= made.keys()
