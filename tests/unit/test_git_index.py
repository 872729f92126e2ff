"""git's index file is read as git wrote it, in all its forms, and damage is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.git.index import Tracked, read_index
from tests.trees import git, write

NAMES = ["a.py", "b/c.py", "b/d/e.py", "b.py", "new\nline", "é", os.fsdecode(b"caf\xe9"), "x" * 200, "z/" + "y" * 250]


def make(folder: Path, *arguments: str, names: list[str] = NAMES) -> Path:
    """Make a repository that tracks files; return its index."""
    folder.mkdir()
    git(folder, "init", "--quiet", *arguments)
    write(folder, {name: os.fsencode(name[:3]) for name in names})
    git(folder, "add", ".")
    return folder / ".git" / "index"


@pytest.mark.parametrize("version", ["2", "3", "4"])
@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_every_version_and_hash_is_read(tmp_path: Path, version: str, form: str) -> None:
    index = make(tmp_path / "tree", f"--object-format={form}")
    git(tmp_path / "tree", "update-index", "--index-version", version)
    (tmp_path / "tree" / "planned.py").touch()
    git(tmp_path / "tree", "add", "--intent-to-add", "planned.py")
    assert read_index(str(index)) == Tracked(tuple(sorted([*NAMES, "planned.py"])))


def test_an_index_without_entries_or_with_other_repositories(tmp_path: Path) -> None:
    index = make(tmp_path / "inner", names=["a.py"])
    git(tmp_path / "inner", "commit", "-qm", "one")
    git(tmp_path / "inner", "rm", "-q", "--cached", "a.py")
    assert read_index(str(index)) == Tracked()
    outer = make(tmp_path / "outer", names=["b.py"])
    git(tmp_path / "outer", "submodule", "--quiet", "add", "../inner", "sub")
    found = read_index(str(outer))
    assert (found.paths, found.gitlinks) == ((".gitmodules", "b.py", "sub"), frozenset({"sub"}))


def test_a_conflict_counts_once(tmp_path: Path) -> None:
    index = make(tmp_path / "tree", names=["a.py"])
    blob = git(tmp_path / "tree", "hash-object", "-w", "a.py")
    stages = "".join(f"100644 {blob} {stage}\tc.py\n" for stage in (1, 2, 3))
    git(tmp_path / "tree", "update-index", "--index-info", text=stages)
    assert read_index(str(index)).paths == ("a.py", "c.py")


def test_what_is_tracked_inside_a_folder(tmp_path: Path) -> None:
    tracked = read_index(str(make(tmp_path / "tree", names=["b/c.py", "b.py", "ba/x/y.py"])))
    assert [tracked.holds(path, is_dir=True) for path in ("b", "ba", "ba/x", "a", "c", "b.py", "ba/x/y.py")] == [
        *[True] * 3,
        *[False] * 4,
    ]
    assert [tracked.holds(path, is_dir=False) for path in ("b.py", "b", "z")] == [True, False, False]
    assert tracked.below(above="ba/", prefix="").paths == ("x/y.py",)
    assert tracked.below(above="", prefix="in/").paths[0] == "in/b.py"


def test_a_split_index_is_refused_by_name(tmp_path: Path) -> None:
    index = make(tmp_path / "tree")
    git(tmp_path / "tree", "update-index", "--split-index")
    with pytest.raises(ValueError, match="split over two files"):
        read_index(str(index))


@pytest.fixture(scope="module", params=["2", "4"])
def content(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("index") / "tree"
    index = make(folder)
    git(folder, "update-index", "--index-version", request.param)
    return index.read_bytes()


@given(data=st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_index_is_read_or_refused(tmp_path: Path, content: bytes, data: st.DataObject) -> None:
    damaged = bytearray(content[: data.draw(st.integers(0, len(content)))])
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, len(content)), st.integers(0, 255)), max_size=4)):
        if place < len(damaged):
            damaged[place] = value
    index = tmp_path / "index"
    index.write_bytes(damaged)
    try:
        read_index(str(index))
    except ValueError as error:
        assert str(error).startswith("it")


def test_an_index_that_would_grow_in_memory_is_refused(tmp_path: Path) -> None:
    """Version 4 repeats the name before: some bytes an entry, and as much memory as the longest name."""
    entry, name = bytes(26) + b"\x81\xa4" + bytes(32), b"x" * (1 << 20)
    first = entry + b"\x0f\xff" + b"\0" + name + b"\0"
    index = tmp_path / "index"
    index.write_bytes(
        b"DIRC" + bytes([0, 0, 0, 4, 0, 1, 0, 0]) + first + (entry + b"\x0f\xff\0y\0") * 65535 + bytes(20)
    )
    with pytest.raises(ValueError, match="damaged"):
        read_index(str(index))
