"""The explanation of each path agrees with the walk, and names the line that decided."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.config import WalkOptions
from indexer.sources.explain import Rule, explain_path
from indexer.sources.worktree import Worktree
from indexer.types import SkipReason, SourceFile

NAMES = st.sampled_from(["a", "b", "ab", "a.py", "b.py", ".h", "a b", "#a", "!a", "[a", "a\nb", "{a", "é"])
FOLDERS = st.lists(st.sampled_from(["a", "b", "ab", ".h", "c d"]), max_size=2).map("/".join)
GLOB = st.lists(
    st.sampled_from(
        ["a", "b", "ab", "*", "**", "?", "/", ".py", ".h", "[ab]", "[!a]", "[", "{a,b}", "\\#", "\\!", "c d"]
    ),
    min_size=1,
    max_size=4,
).map("".join)
LINES = st.lists(
    st.tuples(st.sampled_from(["", "", "!", "/", "#", " "]), GLOB, st.sampled_from(["", "", "/", " ", "\r"]))
)
IGNORE_FILES = st.lists(
    st.tuples(
        FOLDERS, st.sampled_from([".gitignore", ".gitignore", ".ignore", ".indexerignore", ".git/info/exclude"]), LINES
    ),
    max_size=4,
)


def make_tree(
    root: Path, files: list[tuple[str, str]], ignore_files: list[tuple[str, str, list[tuple[str, str, str]]]]
) -> None:
    """Write generated files; a path that another one already makes a file, or a folder, is left out."""
    for folder, name, lines in ignore_files:
        place = root / folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("\n".join(map("".join, lines)))
    for folder, name in files:
        place = root / folder / name
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue


@given(
    files=st.lists(st.tuples(FOLDERS, NAMES), min_size=1, max_size=12),
    ignore_files=IGNORE_FILES,
    git=st.sampled_from(["", ".git", "tree/.git", ".git tree/a/.git"]),
    hidden=st.booleans(),
    nested=st.booleans(),
    exclude=st.lists(st.sampled_from(["a", "*.py", "/b", "a/", "b/**", "[ab]", "c d"]), max_size=1).map(tuple),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_explanations_agree_with_the_walk(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[tuple[str, str]],
    ignore_files: list[tuple[str, str, list[tuple[str, str, str]]]],
    git: str,
    hidden: bool,
    nested: bool,
    exclude: tuple[str, ...],
) -> None:
    top = tmp_path_factory.mktemp("walk")
    for folder in git.split():
        (top / folder).mkdir(parents=True)
    root = top / "tree"
    make_tree(root, files, ignore_files)
    options = WalkOptions(hidden=hidden, nested_repositories=nested, exclude=exclude)
    walked = {found.path for found in Worktree(root, options).files() if isinstance(found, SourceFile)}
    for folder, _, names in os.walk(root):
        for name in names:
            path = (Path(folder) / name).relative_to(root).as_posix()
            explanation = explain_path(root, path, options)
            assert (explanation.state == "taken") == (path in walked), explanation
