"""A small index whose parts are altered, and all that a search asks of one."""

from __future__ import annotations

from pathlib import Path

from indexer.stores.generation.reader import Generation, open_generation
from indexer.stores.text.document import WORD_FIELDS
from indexer.stores.text.queries import Filters
from tests.synthetic import small_tree, vector_hits

TREE = small_tree(files=30) | {"old.py": ("only in the old one",)}
EDITED = TREE | {"package/module_1.py": ("edited",)}
WORDS = dict.fromkeys(("original", "value_3_1", "pars", "line", "3", "edit", "function"), 1.0)


def read_all(generation: Generation) -> list[object]:
    """Ask for everything that a search asks for."""
    text = generation.text
    hits = list(text.search(dict.fromkeys(WORD_FIELDS, WORDS), limit=50))
    filters = Filters(languages=("python",), kinds=("function",), path_patterns=(".*module_[1-3].*",))
    return [
        hits,
        list(text.search({"body": WORDS}, limit=10, filters=filters)),
        sorted(text.filter(Filters(not_path_patterns=(".*module_1.*",)), limit=1000)),
        sorted(text.filter(Filters(paths=("package/module_3.py", "old.py")), limit=1000)),
        [
            sorted(zip(ids, scores, strict=True))
            for ids, scores in text.holding(["original", "made", "pars"], ["body", "names"], limit=100)
        ],
        text.find("name", "function_2"),
        text.embeddings(hits),
        {chunk_id: document.to_chunk() for chunk_id, document in text.documents(hits).items()},
        sorted(text.scan()),
        vector_hits(generation, "edited"),
        vector_hits(generation, "original value_3_1 = parse(line)", limit=100),
        generation.catalog.paths_of(hits),
        generation.catalog.stats(),
        generation.catalog.records(),
    ]


def read(index_dir: Path) -> list[object]:
    with open_generation(index_dir) as generation:
        return read_all(generation)
