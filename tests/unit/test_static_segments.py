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
from indexer.stores.generation.staged_vectors import StagedVectors
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
