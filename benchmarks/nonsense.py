"""How near the nearest chunk lies to queries that mean nothing, and to real ones: what the relevance floors rest on.

    python -m benchmarks.nonsense INDEX... [--queries FILE] [--asked ENCODER]

INDEX are index folders of one encoder. Nonsense is drawn from a seed in three shapes: words made up of syllables, keys
hit at random, and words of two letters. `hits` is the share of those that a search answers nevertheless. --queries is
a queries.jsonl of {"repo", "query"}, of which those of the index folder's name are asked; --asked names the encoder of
all queries, in whose space the vectors are, where it is not that of the indexes.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

import indexer
from benchmarks.measure import write_result
from benchmarks.retrieval import in_place_of
from indexer.config import Config, EncoderOptions
from indexer.encoders.registry import VARIANTS, find_encoder
from indexer.index import Index
from indexer.search.filters import Selection
from indexer.search.meaning import by_meaning

SYLLABLES = ("blor", "quax", "zim", "fep", "drun", "vask", "ploo", "krix", "wem", "jub", "tron", "ghal", "yip", "snor")
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
RARE = "jkqvwxz"
COUNT = 65
"""Queries of each shape."""
PERCENTILES = (0, 1, 5, 25, 50, 75, 95, 99, 100)


def main() -> None:
    """Ask, print the percentiles of the best cosines, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("indexes", type=Path, nargs="+")
    parser.add_argument("--queries", type=Path)
    parser.add_argument("--asked", default="", choices=["", *VARIANTS])
    arguments = parser.parse_args()
    chance = random.Random(1)
    asked = {shape: [_several(draw, chance) for _ in range(COUNT)] for shape, draw in SHAPES.items()}
    rows = [msgspec.json.decode(line) for line in arguments.queries.open("rb")] if arguments.queries else []
    nearest: dict[str, list[float]] = {shape: [] for shape in (*SHAPES, "real")}
    hits: dict[str, list[bool]] = {shape: [] for shape in SHAPES}
    given = find_encoder(EncoderOptions(name=arguments.asked)).load(threads=0, light=True) if arguments.asked else None
    name = ""
    for folder in arguments.indexes:
        with indexer.open(folder) as index:
            name = index.generation.manifest.encoder.name
        options = EncoderOptions(name=name)
        with indexer.open(folder, encoder=in_place_of(given, Config(encoder=options)), options=options) as index:
            real = [row["query"] for row in rows if row["repo"] == folder.name]
            for shape, queries in (*asked.items(), ("real", real)):
                nearest[shape] += [_nearest(index, query) for query in queries]
            for shape, queries in asked.items():
                hits[shape] += [bool(index.search(query, k=1).hits) for query in queries]
    figures: dict[str, dict[str, Any]] = {
        shape: dict(zip(map(str, PERCENTILES), np.percentile(values, PERCENTILES).round(3).tolist(), strict=True))
        for shape, values in nearest.items()
        if values
    }
    for shape, found in hits.items():
        figures[shape]["hits"] = round(float(np.mean(found)), 3)
    print(name, figures)
    by = f"_{arguments.asked}" if arguments.asked else ""
    command = "python -m benchmarks.nonsense INDEX... --queries FILE" + (by and f" --asked {arguments.asked}")
    write_result(f"nonsense_{name}{by}", command, {"indexes": [folder.name for folder in arguments.indexes], **figures})


def _syllables(chance: random.Random) -> str:
    return "".join(chance.choices(SYLLABLES, k=chance.choice((2, 3))))


def _keys(chance: random.Random) -> str:
    row = chance.choice((*KEYS, "".join(KEYS)))
    return "".join(chance.choices(row, k=chance.randint(4, 9)))


def _letters(chance: random.Random) -> str:
    return "".join(chance.choices(RARE, k=2))


SHAPES: Mapping[str, Callable[[random.Random], str]] = {
    "syllables": _syllables,
    "keys": _keys,
    "two letters": _letters,
}


def _several(word: Callable[[random.Random], str], chance: random.Random) -> str:
    return " ".join(word(chance) for _ in range(chance.choice((1, 2, 3))))


def _nearest(index: Index, query: str) -> float:
    near = by_meaning(index.generation, index.encode(query), Selection(None), limit=1)
    return max(near.values(), default=0.0)


if __name__ == "__main__":
    main()
