"""The walk on real trees: ignore rules, odd files and names, failures."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from indexer.config import WalkOptions
from indexer.errors import ConfigError, SourceError
from indexer.regular import stat_of
from indexer.sources.worktree import Worktree
from indexer.types import IndexedSource, SkippedFile, SkipReason, SourceFile
from tests.trees import write


def taken(root: Path, options: WalkOptions | None = None, **more: Path) -> list[str]:
    walked = Worktree(root, options or WalkOptions(), **more).files()
    return [file.path for file in walked if isinstance(file, SourceFile)]


def skipped(root: Path, options: WalkOptions | None = None) -> dict[str, SkippedFile]:
    walked = Worktree(root, options or WalkOptions()).files()
    return {file.path: file for file in walked if isinstance(file, SkippedFile)}


def test_ignore_files_count_outside_a_git_checkout_too(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".gitignore": "*.log\n/build/\n",
            ".ignore": "notes.txt\n",
            ".indexerignore": "private/\n!kept.log\n",
            "a.py": "a",
            "a.log": "a",
            "kept.log": "a",
            "notes.txt": "a",
            "build/x.py": "a",
            "src/build/x.py": "a",
            "src/.gitignore": "gen.py\n",
            "src/gen.py": "a",
            "private/x.py": "a",
            ".hidden/x.py": "a",
            ".env": "a",
        },
    )
    assert taken(tmp_path) == ["a.py", "kept.log", "src/build/x.py"]


def test_hidden_settings_of_tools_are_taken_where_git_tracks_them(tmp_path: Path) -> None:
    files = (
        ".golangci.yml",
        ".mocharc.json",
        ".config/nextest.toml",
        ".env",
        ".env.yml",
        ".npmrc",
        ".idea/x.xml",
        "a.py",
    )
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    assert taken(tmp_path) == ["a.py"]
    subprocess.run(["git", "-C", tmp_path, "add", "--all"], check=True)
    assert taken(tmp_path) == [".config/nextest.toml", ".golangci.yml", ".mocharc.json", ".npmrc", "a.py"]


def test_hidden_files_on_request_but_never_gits_own_nor_the_index(tmp_path: Path) -> None:
    files = (".env", ".git/config", ".github/ci.yml", ".gitlab-ci.yml", ".indexer/CURRENT", "a.py", "index/x")
    write(tmp_path, dict.fromkeys(files, "a"))
    assert taken(tmp_path, WalkOptions(hidden=True)) == [".env", ".github/ci.yml", ".gitlab-ci.yml", "a.py", "index/x"]
    # What people look for is there without.
    assert taken(tmp_path, index_dir=tmp_path / "index") == [".github/ci.yml", ".gitlab-ci.yml", "a.py"]


def test_the_repository_around_the_root_has_its_say(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".gitignore": "outside_git.py\n",
            "repo/.git/info/exclude": "excluded.py\n",
            "repo/.gitignore": "/sub/anchored.py\n",
            "repo/.gitattributes": "sub/*.js linguist-vendored\n",
            "repo/sub/anchored.py": "a",
            "repo/sub/excluded.py": "a",
            "repo/sub/outside_git.py": "a",
            "repo/sub/lib.js": "a",
        },
    )
    assert taken(tmp_path / "repo" / "sub") == ["outside_git.py"]
    assert skipped(tmp_path / "repo" / "sub")["lib.js"].reason is SkipReason.VENDORED
    (tmp_path / "plain").mkdir()
    write(tmp_path, {"plain/outside_git.py": "a"})
    assert taken(tmp_path / "plain") == ["outside_git.py"]


def test_global_excludes_count_even_through_a_link(tmp_path: Path) -> None:
    write(
        tmp_path, {"dotfiles/ignore": "*.swp\n/sub/b.py\n", "tree/a.swp": "a", "tree/a.py": "a", "tree/sub/b.py": "b"}
    )
    (tmp_path / "ignore").symlink_to("dotfiles/ignore")
    assert taken(tmp_path / "tree", global_excludes=tmp_path / "ignore") == ["a.py"]
    (tmp_path / "tree" / ".git").mkdir()
    assert taken(tmp_path / "tree" / "sub", global_excludes=tmp_path / "ignore") == []


def test_configured_patterns_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "a", "data/big.json": "a", "src/data/x.json": "a", "src/a.lock": "a"})
    assert taken(tmp_path, WalkOptions(exclude=("/data", "*.lock"))) == ["a.py", "src/data/x.json"]


@pytest.mark.parametrize("pattern", ["[", "a\\", "", "  ", "!a", "#a", "/"])
def test_a_malformed_pattern_is_a_configuration_error(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ConfigError, match=r"walk\.exclude"):
        Worktree(tmp_path, WalkOptions(exclude=(pattern,)))


def test_nested_repositories_are_named_and_followed_only_on_request(tmp_path: Path) -> None:
    write(
        tmp_path,
        {".git/HEAD": "", "a.py": "a", "lib/.git/HEAD": "", "lib/b.py": "b", "sub/.git": "gitdir: x", "sub/c.py": ""},
    )
    assert taken(tmp_path) == ["a.py"]
    found = skipped(tmp_path)
    assert {path: file.reason for path, file in found.items()} == dict.fromkeys(
        ["lib", "sub"], SkipReason.NESTED_REPOSITORY
    )
    assert taken(tmp_path, WalkOptions(nested_repositories=True)) == ["a.py", "lib/b.py", "sub/c.py"]


def test_gitattributes_skip_and_keep(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".gitattributes": "*.gen.py linguist-generated\nvendor/** linguist-vendored\n",
            "a.gen.py": "a",
            "src/.gitattributes": "kept.gen.py -linguist-generated\n",
            "src/kept.gen.py": "a",
            "vendor/a/b.c": "a",
        },
    )
    found = skipped(tmp_path)
    assert found["a.gen.py"] == SkippedFile(
        "a.gen.py", SkipReason.GENERATED, ".gitattributes:1 *.gen.py linguist-generated", 1, found["a.gen.py"].mtime_ns
    )
    assert found["vendor/a/b.c"].reason is SkipReason.VENDORED
    (kept,) = (file for file in Worktree(tmp_path, WalkOptions()).files() if isinstance(file, SourceFile))
    assert kept.kept_by == "src/.gitattributes:1 kept.gen.py -linguist-generated"
    assert taken(tmp_path, WalkOptions(include_generated=True, include_vendored=True)) == [
        "a.gen.py",
        "src/kept.gen.py",
        "vendor/a/b.c",
    ]


def test_odd_files_are_skipped_and_never_opened(tmp_path: Path) -> None:
    write(tmp_path, {"dir/a.py": "a", "large.txt": "a" * 11})
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "link.py").symlink_to("dir/a.py")
    (tmp_path / "dir" / "loop").symlink_to("..")
    (tmp_path / "dangling").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))  # the path of a socket has at most 108 bytes
        options = WalkOptions(max_file_bytes=10)
        assert taken(tmp_path, options) == ["dir/a.py"]
        found = skipped(tmp_path, options)
    assert {path: (file.reason, file.detail) for path, file in found.items()} == {
        "dangling": (SkipReason.SYMLINK, "to nowhere"),
        "dir/loop": (SkipReason.SYMLINK, "to .."),
        "large.txt": (SkipReason.TOO_LARGE, "11 bytes, limit 10"),
        "link.py": (SkipReason.SYMLINK, "to dir/a.py"),
        "pipe.py": (SkipReason.NOT_REGULAR, "FIFO"),
        "socket": (SkipReason.NOT_REGULAR, "socket"),
    }
    tree = Worktree(tmp_path, options)
    for path in ("pipe.py", "link.py", "large.txt", "dir", "missing"):
        with pytest.raises(OSError, match=r"\[Errno \d+\]"):
            tree.reader().read(path)


def test_names_with_newlines_and_invalid_utf_8_are_walked_and_read(tmp_path: Path) -> None:
    names = [
        b"new\nline.py",
        b"bad\xff\xfe.py",
        b"caf\xe9/x.py",
        "日本.py".encode(),
        b" space .py",
        b"-dash",
        b"back\\slash.py",
    ]
    for name in names:
        place = tmp_path / os.fsdecode(name)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(name)
    tree = Worktree(tmp_path, WalkOptions())
    found = list(tree.files())
    assert [file.path for file in found] == sorted(os.fsdecode(name) for name in names)
    assert {tree.reader().read(file.path)[0] for file in found} == set(names)


def test_files_are_sorted_by_path(tmp_path: Path) -> None:
    write(tmp_path, dict.fromkeys(("b/a", "b.py", "a-b", "a/z", "B", "é", "a.py"), "a"))
    found = taken(tmp_path)
    assert found == sorted(found)


def test_a_deep_tree_is_walked(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 200)
    write(tmp_path, {f"{deep}/a.py": "a"})
    assert taken(tmp_path) == [f"{deep}/a.py"]


@pytest.mark.parametrize("name", ["folder", os.fsdecode(b"bad\xff")])
def test_a_folder_that_vanishes_during_the_walk_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write(tmp_path, {"z.py": "a"})
    (tmp_path / name).mkdir()
    scandir = os.scandir

    def removing(path: str) -> object:
        if path == str(tmp_path / name):
            (tmp_path / name).rmdir()
        return scandir(path)

    monkeypatch.setattr("os.scandir", removing)
    assert taken(tmp_path) == ["z.py"]


def test_a_file_that_vanishes_during_the_walk_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.py": "a", "b.py": "a"})
    scandir = os.scandir

    @contextmanager
    def removing(path: str) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(path) as listing:
            entries = list(listing)
        (tmp_path / "a.py").unlink(missing_ok=True)
        yield entries

    tree = Worktree(tmp_path, WalkOptions())
    monkeypatch.setattr("os.scandir", removing)
    assert [file.path for file in tree.files()] == ["b.py"]


def test_a_root_that_vanished_is_an_error_and_not_an_empty_tree(tmp_path: Path) -> None:
    write(tmp_path / "tree", {"a.py": "a"})
    tree = Worktree(tmp_path / "tree", WalkOptions())
    (tmp_path / "tree").rename(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match="can't be listed"):
        list(tree.files())


def test_it_describes_itself_as_seen_from_its_index(tmp_path: Path) -> None:
    for index_dir, root in ((None, ".."), ("a/b", "../.."), (".", "."), ("../elsewhere", str(tmp_path))):
        tree = Worktree(tmp_path, WalkOptions(), index_dir=index_dir and tmp_path / index_dir)
        assert tree.description == IndexedSource(kind="worktree", root=root)


def test_its_reader_reads_in_another_process_and_holds_its_limit(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "a" * 9, "b.py": "b"})
    reader = pickle.loads(pickle.dumps(Worktree(tmp_path, WalkOptions(max_file_bytes=8)).reader()))
    assert reader.read("b.py") == (b"b", stat_of((tmp_path / "b.py").stat()))
    with pytest.raises(OSError, match="has outgrown the limit of 8 bytes"):
        reader.read("a.py")


def test_an_unusable_root_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no such folder"):
        Worktree(tmp_path / "missing", WalkOptions())
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="is a file; name the folder"):
        Worktree(tmp_path / "file", WalkOptions())
    with pytest.raises(SourceError, match="can't be read"):
        Worktree("nul\0byte", WalkOptions())
    bad = tmp_path / os.fsdecode(b"bad\xff")
    bad.mkdir()
    with pytest.raises(SourceError, match="not valid UTF-8"):
        Worktree(bad, WalkOptions())


AS_NOBODY = """
import os, sys
from indexer.config import WalkOptions
from indexer.errors import SourceError
from indexer.sources.worktree import Worktree
list(Worktree(sys.argv[1], WalkOptions()).files())  # imports, while that is allowed
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
tree = Worktree(sys.argv[1], WalkOptions())
for file in tree.files():
    print(file.path, getattr(file, "reason", "taken"), getattr(file, "detail", ""), sep="|")
try:
    tree.reader().read("shut.py")
except PermissionError:
    print("shut.py refused")
try:
    Worktree(sys.argv[1] + "/shut", WalkOptions())
except SourceError as error:
    print("can't be read" in str(error))
"""


def test_unreadable_folders_and_files_are_counted(tmp_path: Path) -> None:
    """Root reads everything, so the walk runs as nobody in a process of its own."""
    root = tmp_path / "tree"
    write(root, {"a.py": "a", "shut/b.py": "b", "shut.py": "c", "listed/d.py": "d", "z.py": "a"})
    for folder in (root, *[parent for parent in root.parents if parent.owner() != "root" or "pytest" in str(parent)]):
        folder.chmod(0o755)
    (root / "shut.py").chmod(0)
    (root / "shut").chmod(0)
    (root / "listed").chmod(0o444)
    try:
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(root)], capture_output=True, text=True, check=True, timeout=60
        )
    finally:
        for name in ("shut", "listed"):
            (root / name).chmod(0o755)
    assert done.stdout.splitlines() == [
        "a.py|taken|",
        "listed/d.py|unreadable|Permission denied",
        "shut|unreadable|Permission denied",
        "shut.py|taken|",
        "z.py|taken|",
        "shut.py refused",
        "True",
    ]


def test_walking_and_comparing_import_no_engine() -> None:
    code = """
import sys
import indexer.sources.worktree, indexer.stages.detect, indexer.stores.caches.stats, indexer.stores.catalog.reader
engines = {"numpy", "onnxruntime", "fastembed", "usearch", "tantivy", "sklearn", "tree_sitter", "multiprocessing"}
print(sorted(engines & {name.partition(".")[0] for name in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
