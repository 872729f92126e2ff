"""A repository that somebody else made cannot hold the walk, and nothing that it leaves out goes uncounted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.config import Config, EncoderOptions, ProjectionOptions, WalkOptions
from indexer.sources.explain import explain_path
from indexer.sources.ignore_files import RULES_LIMIT
from indexer.sources.patterns import MAX_WILDCARDS
from indexer.sources.rules import IGNORE_FILES
from indexer.sources.worktree import Worktree
from indexer.types import LeftOutReason, SkippedFile, SkipReason, SourceFile
from pipelines.build import build
from pipelines.cli.build import summary
from pipelines.explain import explain
from pipelines.plan import plan
from pipelines.report_text import left_out_text
from pipelines.status import read_status
from tests.integration.test_walk_as_git import git, write

CONFIG = Config(encoder=EncoderOptions(name="hashing"), projection=ProjectionOptions(mode="none"))

BOUNDED = """
import json, resource, sys
from indexer.config import WalkOptions
from indexer.sources.explain import explain_path
from indexer.sources.worktree import Worktree
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
tree = Worktree(sys.argv[1], WalkOptions(nested_repositories=True))
print(json.dumps([[file.path for file in tree.files()], tree.left_out.warnings, explain_path(tree, "sub/a.py").state]))
"""


def walked_in_bounds(root: Path) -> tuple[list[str], list[str], str]:
    """Walk in a process with little memory, which is killed when it hangs; return paths, warnings, a state."""
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(root)], capture_output=True, text=True, check=True, timeout=60
    )
    paths, warnings, state = json.loads(done.stdout)
    return paths, warnings, state


def link_to(target: str) -> Callable[[Path], None]:
    return lambda place: place.symlink_to(target)


def content(data: bytes) -> Callable[[Path], object]:
    return lambda place: place.write_bytes(data)


SPECIAL: dict[str, tuple[Callable[[Path], object], str]] = {
    "zero": (link_to("/dev/zero"), "is a symbolic link"),
    "link": (link_to("a.py"), "is a symbolic link"),
    "nowhere": (link_to("nowhere"), "is a symbolic link"),
    "FIFO": (os.mkfifo, "is not a regular file"),
    "folder": (Path.mkdir, "is not a regular file"),
    "large": (content(b"*.py\n" * (RULES_LIMIT // 5 + 1)), "has outgrown the limit of 1,048,576 bytes"),
    "wild": (content(b"".join(b"a?%d\n" % number for number in range(MAX_WILDCARDS + 1))), "2,001 patterns"),
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("place", ["", "sub/", "../"])
def test_special_ignore_files_count_as_absent_and_are_named(tmp_path: Path, kind: str, place: str) -> None:
    make, why = SPECIAL[kind]
    root = tmp_path / "top" / "tree"
    (tmp_path / "top" / ".git").mkdir(parents=True)
    for path in ("a.py", "sub/a.py"):
        write(root, path)
    for name in IGNORE_FILES:
        make(root / f"{place}{name}")
    paths, warnings, state = walked_in_bounds(root)
    assert (paths, state) == (["a.py", "sub/a.py"], "taken")
    for name, warning in zip(sorted(IGNORE_FILES), sorted(warnings), strict=True):
        assert f"{name}: {why}" in warning
        assert warning.endswith("so it is left unread")


@pytest.mark.parametrize("kind", ["zero", "FIFO", "folder", "large"])
@pytest.mark.parametrize(
    "path",
    [".git/info/exclude", ".git/index", ".git/commondir", ".git", ".gitattributes", "sub/.git", "sub/.gitattributes"],
)
def test_no_special_file_of_git_holds_the_walk(tmp_path: Path, kind: str, path: str) -> None:
    root = tmp_path / "tree"
    for name in ("a.py", "sub/a.py"):
        write(root, name)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    if path == "sub/.git":
        (root / ".git").mkdir()
    SPECIAL[kind][0](root / path)
    assert walked_in_bounds(root)[0] == ["a.py", "sub/a.py"]


@pytest.mark.parametrize("kind", ["zero", "FIFO", "large", "many"])
def test_special_attributes_say_nothing_and_are_named(tmp_path: Path, kind: str) -> None:
    write(tmp_path, "sub/a.py")
    lines = content(b"*.py linguist-generated\n" * 2001)
    make, why = SPECIAL.get(kind, (lines, "2,001 lines on linguist attributes, limit 2,000"))
    make(tmp_path / "sub" / ".gitattributes")
    paths, (warning,), _ = walked_in_bounds(tmp_path)
    assert paths == ["sub/a.py"]
    assert warning == f"sub/.gitattributes: {why}, so it is left unread"


def test_pointers_between_the_folders_of_git_are_bounded(tmp_path: Path) -> None:
    write(tmp_path, "sub/a.py")
    (tmp_path / ".git").write_text("gitdir: .real")
    (tmp_path / ".real" / "info").mkdir(parents=True)
    (tmp_path / ".real" / "commondir").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / ".real" / "info" / "exclude")
    os.mkfifo(tmp_path / ".real" / "index")
    paths, warnings, _ = walked_in_bounds(tmp_path)
    assert paths == ["sub/a.py"]
    assert sorted(warnings) == [
        ".real/index: is not a regular file, so no file counts as one that git tracks",
        ".real/info/exclude: is not a regular file, so it is left unread",
    ]


def test_many_special_ignore_files_make_few_warnings(tmp_path: Path) -> None:
    for number in range(20):
        write(tmp_path, f"{number}/a.py")
        (tmp_path / str(number) / ".gitignore").symlink_to("a.py")
    tree = Worktree(tmp_path, WalkOptions())
    assert len(list(tree.files())) == 20
    assert len(tree.left_out.warnings) == 6
    assert tree.left_out.warnings[-1] == "15 more such files were left unread"


def deepen(folder: Path, name: str, depth: int, leaf: str) -> None:
    """Make a chain of folders deeper than a path can name, with a file at its end."""
    place = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=place)
        deeper = os.open(name, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = deeper
    os.close(os.open(leaf, os.O_CREAT | os.O_WRONLY, dir_fd=place))
    os.close(place)


def test_a_path_that_is_too_long_is_skipped_and_the_rest_goes_on(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    write(root, "a.py", "def pour():\n    return 1\n")
    deepen(root, "d" * 250, 20, "deep.py")
    try:
        (skipped,) = (file for file in Worktree(root, WalkOptions()).files() if isinstance(file, SkippedFile))
        assert (skipped.reason, skipped.detail) == (SkipReason.UNREADABLE, "File name too long")
        assert skipped.path.startswith("d" * 250 + "/")
        report = build(root, config=CONFIG)
        assert (report.files.added, report.skips) == (1, {"unreadable": 1})
        assert not build(root, config=CONFIG).committed
        assert read_status(root, root / ".indexer", config=CONFIG).stale == 0
        assert [
            (file.action, file.reason) for file in plan(root, config=CONFIG, full=True) if file.action != "leave-out"
        ] == [
            ("skip", "unreadable"),
            ("add", ""),
        ]
        assert explain(root, skipped.path, config=CONFIG).state == "skipped"
        assert explain(root, skipped.path + "/deep.py", config=CONFIG).state == "skipped"
    finally:
        subprocess.run(["rm", "-rf", str(root)], check=True)


TRACKED = "a.py", "kept.gen.py", "build/tool.py", ".vscode", ".secret.py", "private", "data", "gone.py", "empty.py"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a file of each kind."""
    root = tmp_path / "tree"
    root.mkdir()
    git(root, "init", "--quiet")
    for path, text in {
        ".gitignore": "*.gen.py\nbuild/\n.secret.py\n",
        ".indexerignore": "private/\n",
        "a.py": "def pour():\n    return 1\n",
        "kept.gen.py": "def kept():\n    return 2\n",
        "new.gen.py": "def new():\n    return 3\n",
        "build/tool.py": "def tool():\n    return 4\n",
        "build/made.py": "def made():\n    return 5\n",
        "build/deep/.gitignore": "!*\n",
        "build/deep/made.py": "def deeper():\n    return 6\n",
        ".vscode/ci.yml": "on: push\n",
        ".secret.py": "x = 1\n",
        "private/own.py": "def own():\n    return 7\n",
        "data/x.py": "def data():\n    return 8\n",
        "gone.py": "def gone():\n    return 9\n",
        "empty.py": "",
    }.items():
        write(root, path, text)
    git(
        root,
        "add",
        "--force",
        *TRACKED,
    )
    (root / "gone.py").unlink()
    return root


WALK = WalkOptions(exclude=("/data",))


def test_what_git_tracks_is_walked_unless_our_own_rules_leave_it_out(repository: Path) -> None:
    tree = Worktree(repository, WALK)
    assert [file.path for file in tree.files()] == ["a.py", "build/tool.py", "empty.py", "kept.gen.py"]
    assert {entry.path: entry.reason.value for entry in tree.left_out.tracked} == {
        ".vscode/ci.yml": "hidden",
        ".secret.py": "hidden",
        "data/x.py": "excluded",
        "gone.py": "missing",
        "private/own.py": "ignored",
    }
    assert tree.left_out.tracked_total == 9
    assert {(entry.path, entry.reason, entry.rule, entry.is_folder) for entry in tree.left_out.entries} == {
        (".vscode", LeftOutReason.HIDDEN, "", True),
        (".gitignore", LeftOutReason.HIDDEN, "", False),
        (".indexerignore", LeftOutReason.HIDDEN, "", False),
        (".secret.py", LeftOutReason.HIDDEN, "", False),
        ("build/deep", LeftOutReason.GIT_IGNORED, ".gitignore:2 build/", True),
        ("build/made.py", LeftOutReason.GIT_IGNORED, ".gitignore:2 build/", False),
        ("data", LeftOutReason.EXCLUDED, "walk.exclude:1 /data", True),
        ("new.gen.py", LeftOutReason.GIT_IGNORED, ".gitignore:1 *.gen.py", False),
        ("private", LeftOutReason.IGNORED, ".indexerignore:1 private/", True),
    }


def test_explanations_say_what_tracking_changes(repository: Path) -> None:
    tree = Worktree(repository, WALK)
    assert explain_path(tree, "kept.gen.py").message == "git tracks it, so .gitignore:1 *.gen.py does not count"
    assert explain_path(tree, "build/tool.py").message == "git tracks it, so .gitignore:2 build/ does not count"
    assert explain_path(tree, "build").state == "taken"
    assert explain_path(tree, "build/made.py").message == "left out by .gitignore:2 build/"
    assert explain_path(tree, "new.gen.py").message == "left out by .gitignore:1 *.gen.py"
    assert (
        explain_path(tree, ".secret.py").message
        == "hidden files are left out, save those of continuous integration and tools (walk.hidden)"
    )
    assert explain_path(tree, "private/own.py").message == "private: left out by .indexerignore:1 private/"
    for file in repository.rglob("*"):
        path = file.relative_to(repository).as_posix()
        if file.is_file() and ".git/" not in path:
            taken = path in {found.path for found in tree.files() if isinstance(found, SourceFile)}
            assert (explain_path(tree, path).state == "taken") == taken


def test_reports_account_for_each_file_that_git_tracks(repository: Path) -> None:
    config = Config(walk=WALK, encoder=CONFIG.encoder, projection=CONFIG.projection)
    report = build(repository, config=config)
    assert report.left_out.entries == {"excluded": 1, "git-ignored": 3, "hidden": 4, "ignored": 1}
    tracked = report.left_out.tracked
    assert tracked is not None
    assert (tracked.total, tracked.found) == (9, report.files.added + report.files.skipped)
    assert tracked.left_out == {"excluded": 1, "hidden": 2, "ignored": 1, "missing": 1}
    assert left_out_text(report.left_out)[1] == (
        "4 of 9 files that git tracks; left out: excluded 1, hidden 2, ignored 1, missing 1"
    )
    assert any("4 of 9 files that git tracks" in line for line in summary(report))
    again = build(repository, config=config)
    assert not again.committed
    assert again.left_out == report.left_out
    assert read_status(repository, repository / ".indexer", config=config).left_out == again.left_out
    planned = [file for file in plan(repository, config=config, full=True) if file.action == "leave-out"]
    named = Counter(file.reason for file in planned if not file.path.endswith("/"))
    assert named == {"hidden": 4, "git-ignored": 2, "excluded": 1, "ignored": 1, "missing": 1}
    assert {file.path for file in planned if file.path.endswith("/")} == {
        ".vscode/",
        ".indexer/",
        "build/deep/",
        "data/",
        "private/",
    }


def test_a_linked_work_tree_and_a_submodule_have_an_index_of_their_own(tmp_path: Path) -> None:
    main, linked = tmp_path / "main", tmp_path / "linked"
    main.mkdir()
    git(main, "init", "--quiet")
    write(main, ".gitignore", "*.gen.py\n")
    write(main, "in_main.gen.py")
    git(main, "add", "--force", ".gitignore", "in_main.gen.py")
    git(main, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one")
    write(main, ".git/info/exclude", "excluded.py\n")
    git(main, "worktree", "add", "-q", str(linked))
    write(linked, "in_linked.gen.py")
    write(linked, "excluded.py")
    git(linked, "add", "--force", "in_linked.gen.py")
    assert [file.path for file in Worktree(linked, WalkOptions()).files()] == ["in_linked.gen.py", "in_main.gen.py"]
    git(main, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "./", "sub")
    write(main, "sub/new.gen.py")
    tree = Worktree(main, WalkOptions())
    assert [file.path for file in tree.files()] == ["in_main.gen.py", "sub"]
    assert tree.left_out.tracked_total == 4
    assert {entry.path for entry in tree.left_out.tracked} == {".gitignore", ".gitmodules"}
    inside = Worktree(main, WalkOptions(nested_repositories=True))
    assert [file.path for file in inside.files()] == ["in_main.gen.py", "sub/in_main.gen.py"]
    assert inside.left_out.tracked_total == 6
    assert ("sub", LeftOutReason.SUBMODULE) in {(entry.path, entry.reason) for entry in inside.left_out.tracked}


def test_an_index_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    write(tmp_path, ".gitignore", "*.gen.py\n")
    write(tmp_path, "a.gen.py")
    git(tmp_path, "add", "--force", "a.gen.py")
    git(tmp_path, "update-index", "--split-index")
    tree = Worktree(tmp_path, WalkOptions())
    assert list(tree.files()) == []
    assert tree.left_out.tracked_total is None
    assert tree.left_out.warnings == (
        ".git/index: it is split over two files, so no file counts as one that git tracks",
    )


def test_odd_names_are_tracked_ignored_and_explained(tmp_path: Path) -> None:
    names = ["new\nline.py", "\x1b[31mred.py", os.fsdecode(b"bad\xff.py"), "é.py", " space .py", "back\\slash.py"]
    git(tmp_path, "init", "--quiet")
    write(tmp_path, ".gitignore", "*.py\n")
    for name in names:
        write(tmp_path, name)
    tree = Worktree(tmp_path, WalkOptions())
    assert list(tree.files()) == []
    assert {explain_path(tree, name).message for name in names} == {"left out by .gitignore:1 *.py"}
    git(tmp_path, "add", "--force", ".")
    assert {file.path for file in tree.files()} == set(names)
    assert {explain_path(tree, name).message for name in names} == {
        "git tracks it, so .gitignore:1 *.py does not count"
    }
