"""A clone that comes with an index reads only what git's own index can not vouch for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexer.stages import detect as detection
from indexer.stores.generation.layout import default_index_dir
from indexer.stores.generation.reader import open_generation
from indexer.types import SourceFile
from tests.integration.git_sources import made
from tests.trees import git, repository, write


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone with the index of another one, whose files are older than it and than git's index."""
    root = repository(tmp_path / "root")
    made(root)
    clone = root.parent / "clone"
    git(root.parent, "clone", "-q", "root", "clone")
    default_index_dir(root).rename(default_index_dir(clone))
    os.utime(clone / ".git" / "index", ns=((clone / ".git" / "index").stat().st_mtime_ns + 10**9,) * 2)
    return clone


def reads_of(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []

    class Counting(detection._Comparison):
        def _read(self, file: SourceFile) -> bytes | None:
            found.append(file.path)
            return super()._read(file)

    monkeypatch.setattr(detection, "_Comparison", Counting)
    return found


def test_a_fresh_clone_reads_nothing_that_its_cached_index_knows(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = reads_of(monkeypatch)
    assert not made(clone).committed
    assert reads == []
    write(clone, {"a.py": "a = 5\n"})
    assert made(clone).files.modified == 1
    assert reads == ["a.py"]


def test_a_file_that_git_can_not_vouch_for_is_read(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changed in the tick in which git's index was written, a file may be another than the index says."""
    reads = reads_of(monkeypatch)
    os.utime(clone / ".git" / "index", ns=((clone / "a.py").stat().st_mtime_ns,) * 2)
    assert not made(clone).committed
    assert "a.py" in reads


def test_content_behind_a_filter_is_never_taken_for_the_blob(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "dos", {".gitattributes": "*.py text eol=crlf\n", "a.py": "a = 1\n"})
    (root / "a.py").unlink()
    git(root, "checkout", "-q", "a.py")
    assert (root / "a.py").read_bytes() == b"a = 1\r\n"
    os.utime(root / ".git" / "index", ns=((root / ".git" / "index").stat().st_mtime_ns + 10**9,) * 2)
    made(root)
    with open_generation(default_index_dir(root)) as generation:
        assert generation.catalog.records()["a.py"].blob == b""
    # What is staged is other content than the work tree's, and is told so either way.
    assert made(root, "staged").files.modified == 1
    assert made(root, "worktree").files.modified == 1
