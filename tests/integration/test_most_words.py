"""The chunks with most of a query's words are those that a look at every chunk finds."""

from __future__ import annotations

import random
from pathlib import Path

from indexer.languages.analyzer import terms
from indexer.stores.generation.reader import open_generation
from tests.synthetic import commit_tree

WORDS = ["port", "ink", "duck", "lamp", "stone", "wolf"]
WEIGHTS = {"port": 0.2, "ink": 0.5, "duck": 0.9, "lamp": 1.4, "stone": 2.0, "wolf": 2.3}


def test_chunks_with_most_of_the_words_are_found_without_visiting_all(tmp_path: Path) -> None:
    chosen = random.Random(3)
    tree = {
        f"file_{number}.py": tuple(" ".join(chosen.sample(WORDS, chosen.randint(1, 5))) for _ in range(4))
        for number in range(20)
    }
    commit_tree(tmp_path / "index", tree)
    with open_generation(tmp_path / "index") as generation:
        text = generation.text
        chunks = text.documents(sorted(generation.catalog.chunk_ids())).values()
        weighed = {chunk.id: sum(WEIGHTS[word] for word in WEIGHTS if word in terms(chunk.text)) for chunk in chunks}
        for least in (0.1, 2.9, 4.2, sum(WEIGHTS.values())):
            enough = {chunk_id: round(weight, 4) for chunk_id, weight in weighed.items() if weight >= least - 1e-9}
            best = sorted(enough, key=lambda chunk_id: (-enough[chunk_id], chunk_id))[:10]
            found = text.holding_most(WEIGHTS, "body", least=least, limit=10)
            assert list(found.items()) == [(chunk_id, enough[chunk_id]) for chunk_id in best]
        assert text.holding_most({}, "body", least=0.0, limit=10) == {}
