"""What the walk takes is what git would list: tracked files, and those that no rule of git's ignores."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from indexer.config import WalkOptions
from indexer.sources.worktree import Worktree
from indexer.types import SourceFile

NAMES = ["a", "b", "ab", "ba", "a.py", "b.py", ".h", "a b", "#a", "!a", "[a", "a\nb", "{a", "é", "a]", "-", "\\a"]
FILES = st.tuples(
    st.lists(st.sampled_from(["a", "b", "ab", ".h", "c d"]), max_size=3).map("/".join), st.sampled_from(NAMES)
)
PIECES = [
    "a",
    "b",
    "ab",
    "a.py",
    "*",
    "**",
    "/**/",
    "?",
    "/",
    ".py",
    ".h",
    "[ab]",
    "[!a]",
    "[^b-z]",
    "[]a]",
    "[[:alpha:]]",
]
ODD_PIECES = ["[", "{a,b}", "\\#", "\\!", "c d", "\\", "[a-", "[z-a]", "[\\]]", "[[:odd:]]", "é", "[é]", "***", "a**"]
LINE = st.tuples(
    st.sampled_from(["", "", "", "!", "!", "/", "#", " "]),
    st.lists(st.sampled_from(PIECES + ODD_PIECES), min_size=1, max_size=5).map("".join),
    st.sampled_from(["", "", "", "/", " ", "\\ ", "\t", "\r"]),
).map("".join)
IGNORE_FILES = st.dictionaries(
    st.sampled_from([".gitignore", "a/.gitignore", "a/b/.gitignore", "ab/.gitignore", ".git/info/exclude", "global"]),
    st.lists(LINE, min_size=1, max_size=5).map("\n".join),
    max_size=4,
)


def git(root: Path, *arguments: str, excludes: Path | str = "", text: str = "") -> list[str]:
    """Run git without the settings of the machine, `text` its input; return what it lists."""
    settings = ("-c", "core.quotePath=false", "-c", f"core.excludesFile={excludes}")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *settings, *arguments],
        cwd=root,
        env=environment,
        input=os.fsencode(text),
        capture_output=True,
        check=False,
        timeout=60,
    )
    if done.returncode and arguments[0] != "check-ignore":  # which fails where it has nothing to say
        done.check_returncode()
    return [path for path in os.fsdecode(done.stdout).split("\0") if path]


def write(root: Path, path: str, text: str = "x") -> bool:
    """Write a file unless another one is in the way."""
    place = root / path
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(os.fsencode(text))
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        return False
    return True


def listed_by_git(root: Path, excludes: Path | str = "") -> set[str]:
    listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", excludes=excludes)
    return {path for path in listed if os.path.lexists(root / path)}


@example(files=["a"], ignore_files={".gitignore": "[a-[^b-z]"}, tracked=set(), version="2", subfolder="")
@given(
    files=st.lists(FILES.map(lambda pair: "/".join(filter(None, pair))), min_size=1, max_size=14),
    ignore_files=IGNORE_FILES,
    tracked=st.sets(st.integers(0, 13), max_size=4),
    version=st.sampled_from(["2", "4"]),
    subfolder=st.sampled_from(["", "", "a"]),
)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_walk_takes_what_git_lists(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[str],
    ignore_files: dict[str, str],
    tracked: set[int],
    version: str,
    subfolder: str,
) -> None:
    top = tmp_path_factory.mktemp("walk")
    tree = top / "tree"
    tree.mkdir()
    git(tree, "init", "--quiet")
    made = [path for path in files if write(tree, path)]
    for path, text in ignore_files.items():
        write(top if path == "global" else tree, path, text)
    added = sorted({made[number] for number in tracked if number < len(made)})
    if added:
        git(tree, "--literal-pathspecs", "add", "--force", "--", *added)
        git(tree, "update-index", "--index-version", version)
    if not (tree / subfolder).is_dir():
        return
    if subfolder and git(
        tree, "check-ignore", "-z", "--no-index", "--stdin", text=f"{subfolder}/", excludes=top / "global"
    ):
        return  # the root that somebody names is walked, whatever git thinks of it
    walk = Worktree(tree / subfolder, WalkOptions(hidden=True), global_excludes=top / "global")
    prefix = f"{subfolder}/" if subfolder else ""
    walked = {prefix + found.path for found in walk.files() if isinstance(found, SourceFile)}
    assert walked == {path for path in listed_by_git(tree, top / "global") if path.startswith(prefix)}
    if added:
        assert walk.left_out.tracked_total == len([path for path in added if path.startswith(prefix)])
        assert walk.left_out.tracked == ()
