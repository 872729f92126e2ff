"""The chunks with most of a query's words are those that a look at every chunk finds, in one index and in several."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from indexer.languages.analyzer import terms
from indexer.stores.generation import layout
from indexer.stores.generation.reader import open_generation
from indexer.stores.text.index import TextIndex
from tests.synthetic import commit_tree

WORDS = ["port", "ink", "duck", "lamp", "stone", "wolf"]
WEIGHTS = {"port": 0.2, "ink": 0.5, "duck": 0.9, "lamp": 1.4, "stone": 2.0, "wolf": 2.3}


@pytest.mark.parametrize("indexes", [1, 3])
def test_chunks_with_most_of_the_words_are_found_without_visiting_all(tmp_path: Path, indexes: int) -> None:
    chosen = random.Random(3)
    weighed: dict[int, float] = {}
    folders = []
    for index in range(indexes):
        tree = {
            f"file_{index}_{number}.py": tuple(" ".join(chosen.sample(WORDS, chosen.randint(1, 6))) for _ in range(4))
            for number in range(20 // indexes)
        }
        commit_tree(tmp_path / str(index), tree)
        with open_generation(tmp_path / str(index)) as generation:
            folders.append(generation.path / layout.TEXT)
            chunks = generation.text.documents(sorted(generation.catalog.chunk_ids())).values()
            for chunk in chunks:
                weighed[chunk.id] = sum(WEIGHTS[word] for word in WEIGHTS if word in terms(chunk.text))
    text = TextIndex(*folders)
    everything = sum(WEIGHTS.values())
    with_all = sum(weight >= everything - 1e-9 for weight in weighed.values())
    for limit in (with_all, with_all + 10):
        for least in (0.1, 2.9, 4.2, everything):
            enough = {chunk_id: round(weight, 4) for chunk_id, weight in weighed.items() if weight >= least - 1e-9}
            best = sorted(enough, key=lambda chunk_id: (-enough[chunk_id], chunk_id))[:limit]
            found = text.holding_most(WEIGHTS, "body", least=least, limit=limit)
            assert list(found.items()) == [(chunk_id, enough[chunk_id]) for chunk_id in best]
    assert with_all > 5
    assert text.holding_most({}, "body", least=0.0, limit=10) == {}
