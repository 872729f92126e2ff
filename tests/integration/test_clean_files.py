"""What git's index vouches for is told once, of those files alone of which it may be asked, and is then forgotten."""

from __future__ import annotations

import gc
import os
import tracemalloc
from pathlib import Path

import pytest

from indexer.config import WalkOptions
from indexer.git import index as git_index
from indexer.sources.worktree import Worktree
from indexer.types import FileRecord, SourceFile
from tests.trees import git, repository, write

HIDDEN = {f".h/{n:03}.py": f"x = {n}\n" for n in range(100)}
FILES = {f"d{n % 7}/f{n:04}.py": f"x = {n}\n" for n in range(300)} | {"empty.py": "", "big.py": "x" * 3000}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose files are older than its index."""
    root = repository(tmp_path / "root")
    write(root, FILES | HIDDEN)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "all")
    index = root / ".git" / "index"
    os.utime(index, ns=(index.stat().st_mtime_ns + 10**9,) * 2)
    return root


def test_only_files_that_are_not_as_known_are_told(root: Path) -> None:
    source = Worktree(root, WalkOptions())
    files = {file.path: file for file in source.files() if isinstance(file, SourceFile)}
    blobs = {path: source.content_id(file) for path, file in files.items()}
    assert blobs["d0/f0000.py"].hex() == git(root, "rev-parse", "HEAD:d0/f0000.py").strip()
    assert source.content_id(files["d0/f0000.py"]) == b""  # told once
    known = {path: FileRecord(path, file.size, file.mtime_ns, b"h") for path, file in files.items()}
    same = files["d1/f0001.py"]
    known[same.path] = FileRecord(
        same.path, same.size, same.mtime_ns, b"h", ctime_ns=same.ctime_ns, inode=same.inode, blob=blobs[same.path]
    )
    write(root, {"d2/f0002.py": "changed = 1\n"})
    files = {file.path: file for file in source.files(known) if isinstance(file, SourceFile)}
    again = {path: source.content_id(file) for path, file in files.items()}
    assert {path for path in files if again[path] != blobs[path]} == {same.path, "d2/f0002.py"}
    assert again[same.path] == again["d2/f0002.py"] == b""


def test_nothing_that_was_read_of_gits_index_outlives_the_look(root: Path) -> None:
    """A few strings among those of a hundred thousand files keep the memory of all, 500 bytes a file."""
    source = Worktree(root, WalkOptions(max_file_bytes=2000))
    tracemalloc.start()
    try:
        for file in source.files():
            if isinstance(file, SourceFile) and file.size:
                source.content_id(file)
        gc.collect()
        snapshot = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    assert len(source.left_out.tracked) == len(HIDDEN)
    left = snapshot.filter_traces([tracemalloc.Filter(True, git_index.__file__)]).traces
    assert sum(trace.size for trace in left) < 1000
    assert sum(trace.size for trace in snapshot.traces) < 100 * len(HIDDEN) * 5
