"""A project with a small index, and every command that opens one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from indexer.config import Config
from indexer.index import open_index
from indexer.stores.generation.commit import gc
from pipelines.check.repair import repair
from pipelines.check.verify import verify
from pipelines.status import read_status
from tests.synthetic import commit_tree, small_tree, text_hits, vector_hits

OLD = small_tree() | {"old.py": ("only in the old one",)}
NEW = small_tree(word="edited")
CURRENT_GENERATION = "generations/00000002"


def search(index_dir: Path) -> None:
    with open_index(index_dir) as index:
        assert text_hits(index.generation, "origin")
        assert vector_hits(index.generation, "x")


def mend(index_dir: Path) -> None:
    repair(index_dir, rebuild=lambda: commit_tree(index_dir, NEW, fresh=True))


COMMANDS: dict[str, Callable[[Path], object]] = {
    "search": search,
    "status": lambda index_dir: read_status(index_dir.parent, index_dir, config=Config()),
    "verify": verify,
    "build": lambda index_dir: commit_tree(index_dir, NEW),
    "full build": lambda index_dir: commit_tree(index_dir, NEW, fresh=True),
    "repair": mend,
    "gc": lambda index_dir: gc(index_dir, keep=1),
}
