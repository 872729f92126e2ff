"""Which changes are a reason to build, and that none falls between the first look and the watching."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from indexer.config import WalkOptions
from indexer.sources.worktree import Worktree
from pipelines.report import BuildReport, ChunkCounts, LeftOutCounts
from pipelines.serve.watch import MAX_ASKED, is_relevant, watch
from pipelines.tally import FileCounts

NOTHING_CHANGED = BuildReport(
    generation="00000001",
    digest="",
    vector_digest="",
    source="worktree",
    committed=False,
    files=FileCounts(),
    chunks=ChunkCounts(),
    tiers={},
    upgraded=1.0,
    bytes=0,
    skips={},
    left_out=LeftOutCounts(),
    languages={},
    parse_errors={},
    parser_failures={},
    seconds={},
)


@pytest.fixture
def tree(tmp_path: Path) -> Worktree:
    """A folder with a file, an ignored one, and an index."""
    (tmp_path / ".indexer" / "staging").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    for name in ("a.py", "b.log", ".hidden", ".indexer/CURRENT", ".indexer/staging/x", ".git/HEAD"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".ignore").write_text("*.log\nbuild/\n")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "c.py").write_text("x")
    return Worktree(tmp_path, WalkOptions())


@pytest.mark.parametrize("name", ["a.py", "gone.py", ".ignore", "sub/.gitignore", ".indexer.toml", ".gitattributes"])
def test_a_file_that_may_be_indexed_or_decides_about_others_is(tree: Worktree, name: str) -> None:
    assert is_relevant([tree.root / "b.log", tree.root / name], tree)


def test_the_index_git_and_what_is_ignored_are_not(tree: Worktree) -> None:
    names = [
        "b.log",
        ".hidden",
        ".indexer/CURRENT",
        ".indexer/staging/x",
        ".git/HEAD",
        "build/c.py",
        ".indexer",
        ".git",
    ]
    assert not is_relevant([tree.root / name for name in names], tree)


def test_very_many_changes_are_not_asked_about(tree: Worktree) -> None:
    assert is_relevant([tree.root / "b.log"] * (MAX_ASKED + 1), tree)


def test_a_change_after_the_first_look_and_before_the_watching_is_looked_at(tree: Worktree) -> None:
    stop, late = threading.Event(), tree.root / "late.py"
    looks: list[bool] = []

    def look(upgrade_seconds: float) -> BuildReport:
        looks.append(late.exists())
        if len(looks) > 1:
            stop.set()
        else:
            late.write_text("x")
        return NOTHING_CHANGED

    given_up = threading.Timer(20, stop.set)
    given_up.start()
    watch(tree.root, build=look, source=lambda: tree, reported=lambda _: None, debounce_ms=50, stop=stop)
    given_up.cancel()
    assert looks[:2] == [False, True]
