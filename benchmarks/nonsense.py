"""How near the nearest chunk lies to a query that means nothing, and to real ones: what the relevance floors rest on.

    python -m benchmarks.nonsense INDEX... [--queries FILE]

INDEX are index folders of one encoder. The nonsense is made up of syllables, from a seed; --queries is a queries.jsonl
of {"repo", "query"}, of which those of the index folder's name are asked.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import msgspec
import numpy as np

import indexer
from benchmarks.measure import write_result
from indexer.index import Index
from indexer.search.candidates import by_meaning
from indexer.search.filters import Selection

SYLLABLES = ("blor", "quax", "zim", "fep", "drun", "vask", "ploo", "krix", "wem", "jub", "tron", "ghal", "yip", "snor")
COUNT = 200
PERCENTILES = (0, 1, 5, 25, 50, 75, 95, 99, 100)


def main() -> None:
    """Ask, print the percentiles of the best cosines, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("indexes", type=Path, nargs="+")
    parser.add_argument("--queries", type=Path)
    arguments = parser.parse_args()
    chance = random.Random(1)
    nonsense = [_made_up(chance) for _ in range(COUNT)]
    rows = [msgspec.json.decode(line) for line in arguments.queries.open("rb")] if arguments.queries else []
    found: dict[str, list[float]] = {"nonsense": [], "real": []}
    name = ""
    for folder in arguments.indexes:
        with indexer.open(folder) as index:
            name = index.generation.manifest.encoder.name
            found["nonsense"] += [_nearest(index, query) for query in nonsense]
            found["real"] += [_nearest(index, row["query"]) for row in rows if row["repo"] == folder.name]
    figures = {
        kind: dict(zip(map(str, PERCENTILES), np.percentile(values, PERCENTILES).round(3).tolist(), strict=True))
        for kind, values in found.items()
        if values
    }
    print(name, figures)
    command = "python -m benchmarks.nonsense INDEX... --queries FILE"
    write_result(f"nonsense_{name}", command, {"indexes": [folder.name for folder in arguments.indexes], **figures})


def _made_up(chance: random.Random) -> str:
    return " ".join(
        "".join(chance.choices(SYLLABLES, k=chance.choice((2, 3)))) for _ in range(chance.choice((1, 2, 3)))
    )


def _nearest(index: Index, query: str) -> float:
    near = by_meaning(index.generation, index.encode(query), Selection(None), limit=1)
    return max(near.values(), default=0.0)


if __name__ == "__main__":
    main()
