"""The explanation of each path agrees with the walk, and names the line that decided."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.config import WalkOptions
from indexer.sources.explain import explain_path
from indexer.sources.ignore_files import Rule
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
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    tree = Worktree(root, options)
    walked = {found.path for found in tree.files() if isinstance(found, SourceFile)}
    for folder, _, names in os.walk(root):
        for name in names:
            path = (Path(folder) / name).relative_to(root).as_posix()
            explanation = explain_path(tree, path)
            assert (explanation.state == "taken") == (path in walked), explanation


def test_a_folder_that_can_not_be_read_is_no_folder_that_is_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    read = os.scandir

    def refused(path: Path) -> Iterator[os.DirEntry[str]]:
        if Path(path).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(path)

    assert explain_path(Worktree(tmp_path, WalkOptions()), "closed").state == "taken"
    monkeypatch.setattr(os, "scandir", refused)
    explained = explain_path(Worktree(tmp_path, WalkOptions()), "closed")
    assert (explained.state, explained.reason) == ("skipped", SkipReason.UNREADABLE)


def test_the_line_that_decides_is_named(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        [("build", "x.py"), ("src", "a.log"), ("src", "b.log"), ("", ".env"), (".vscode", "ci.yml"), ("node", "a.js")],
        [
            ("", ".gitignore", [("", "# logs", "\n"), ("", "*.log", "")]),
            ("src", ".ignore", [("!", "b.log", "")]),
            ("", ".indexerignore", [("/", "build", "/")]),
        ],
    )
    (tmp_path / "sub" / ".git").mkdir(parents=True)
    (tmp_path / "sub" / "a.py").touch()
    (tmp_path / ".indexer").mkdir()
    (tmp_path / "link").symlink_to("src")
    (tmp_path / "large.py").write_text("x" * 100)
    tree = Worktree(tmp_path, WalkOptions(exclude=("*.md", "node"), max_file_bytes=99))

    def explained(path: str) -> tuple[str, str, str]:
        found = explain_path(tree, path)
        return found.state, str(found.rule or found.reason or ""), found.message

    assert explained("src/a.log")[:2] == ("left-out", ".gitignore:3 *.log")
    assert explained("src/b.log") == ("taken", "src/.ignore:1 !b.log", "let through by src/.ignore:1 !b.log")
    assert explained("build/x.py") == (
        "left-out",
        ".indexerignore:1 /build/",
        "build: left out by .indexerignore:1 /build/",
    )
    assert explained("node/a.js")[1] == "walk.exclude:2 node"
    assert explained(".env") == (
        "left-out",
        "",
        "hidden files are left out, save those of continuous integration and tools (walk.hidden)",
    )
    assert (
        explained(".vscode/ci.yml")[2]
        == ".vscode: hidden files are left out, save those of continuous integration and tools (walk.hidden)"
    )
    assert explained("sub/a.py")[1] == "nested-repository"
    assert explained("sub/.git/HEAD")[0] == "left-out"
    assert explained("link/a.log") == ("left-out", "symlink", "link: symbolic links are not followed")
    assert explained("link")[:2] == ("skipped", "symlink")
    assert explained("large.py")[:2] == ("skipped", "too-large")
    assert explained("nothing.py")[0] == "missing"
    assert explained("../x.py")[0] == "left-out"
    assert explained("src") == ("taken", "", "it is a folder, and its files are walked")
    assert explain_path(tree, tmp_path / "src" / "a.log").rule == Rule(".gitignore", 3, "*.log")


def test_git_attributes_and_global_excludes_are_named(tmp_path: Path) -> None:
    root, excludes = tmp_path / "tree", tmp_path / "excludes"
    make_tree(root, [("", "a.swp"), ("", "a.gen"), ("", "b.gen"), (os.fsdecode(b"caf\xe9"), "x.swp")], [])
    excludes.write_text("*.swp\n")
    (root / ".gitattributes").write_text("*.gen linguist-generated\nb.gen -linguist-generated\n")
    tree = Worktree(root, WalkOptions(), global_excludes=excludes)
    assert explain_path(tree, "a.swp").message == f"left out by {excludes}:1 *.swp"
    assert explain_path(tree, os.fsdecode(b"caf\xe9/x.swp")).state == "left-out"
    generated = explain_path(tree, "a.gen")
    assert (generated.reason, generated.message.rpartition(": ")[2]) == (
        SkipReason.GENERATED,
        ".gitattributes:1 *.gen linguist-generated",
    )
    assert explain_path(tree, "b.gen").message == "kept by .gitattributes:2 b.gen -linguist-generated"
