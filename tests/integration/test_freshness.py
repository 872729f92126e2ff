"""What counts as changed, on real file systems: whatever stat can show, in copies too, and by content all of it."""

from __future__ import annotations

import os
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from indexer.config import Config, EncoderOptions, ParseOptions, ProjectionOptions
from indexer.regular import stat_of
from indexer.sources import worktree
from indexer.sources.worktree import Worktree, WorktreeReader
from indexer.stages import detect as detection
from indexer.stores.caches import stats
from indexer.stores.generation.layout import default_index_dir
from indexer.stores.generation.reader import open_generation
from indexer.types import FileRecord, SkippedFile, SourceFile, Stat
from pipelines import freshness
from pipelines import source as opening
from pipelines.build import build
from pipelines.status import read_status
from tests.integration.conftest import ram_folder

CONFIG = Config(
    encoder=EncoderOptions(name="hashing"), projection=ProjectionOptions(mode="none"), parse=ParseOptions(workers=1)
)
OLD = 1_600_000_000 * 10**9


def write(file: Path, content: bytes, mtime_ns: int = OLD) -> None:
    """Write a file whose modification time is not that of the writing."""
    file.write_bytes(content)
    os.utime(file, ns=(mtime_ns, mtime_ns))


def tick() -> None:
    """Let the clock of the file system go on."""
    time.sleep(0.05)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An indexed tree whose stats are trusted at once, as they are two seconds later."""
    monkeypatch.setattr(detection, "GRANULARITY_NS", 0)
    root = tmp_path / "tree"
    root.mkdir()
    write(root / "a.py", b"a = 1\n")
    write(root / "b.py", b"b = 1\n")
    tick()
    build(root, config=CONFIG)
    assert stale(root) == 0
    return root


def stale(root: Path, *, by_content: bool = False) -> int | None:
    return read_status(root, default_index_dir(root), config=CONFIG, by_content=by_content).stale


def touch_back(file: Path) -> None:
    write(file, b"a = 2\n")


def rename_over(file: Path) -> None:
    other = file.with_name("other")
    write(other, b"a = 2\n")
    other.replace(file)


def unpack_archive(file: Path) -> None:
    write(file.with_name("other"), b"a = 2\n")
    with tarfile.open(file.parent.parent / "release.tar", "w") as archive:
        archive.add(file.with_name("other"), file.name)
    file.with_name("other").unlink()
    with tarfile.open(file.parent.parent / "release.tar") as archive:
        archive.extractall(file.parent, filter="fully_trusted")


@pytest.mark.parametrize("change", [touch_back, rename_over, unpack_archive])
def test_other_content_of_the_same_size_and_modification_time_is_stale_and_built(
    tree: Path, change: Callable[[Path], None]
) -> None:
    before = (tree / "a.py").stat()
    change(tree / "a.py")
    after = (tree / "a.py").stat()
    assert (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    tick()
    assert stale(tree) == 1
    assert build(tree, config=CONFIG).files.modified == 1
    assert stale(tree) == 0


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that looks read from here on."""
    found: list[str] = []

    class Counting(WorktreeReader):
        def read(self, path: str) -> tuple[bytes, Stat]:
            found.append(path)
            return super().read(path)

    monkeypatch.setattr(worktree, "WorktreeReader", Counting)
    return found


def test_a_copy_of_tree_and_index_is_read_once_and_never_stale(tree: Path, reads: list[str]) -> None:
    copy = tree.with_name("copy")
    shutil.copytree(tree, copy)
    tick()
    assert (stale(copy), reads) == (0, ["a.py", "b.py"])
    reads.clear()
    assert (stale(copy), reads) == (0, [])
    write(copy / "a.py", b"a = 3\n")
    assert (stale(copy), reads) == (1, ["a.py"])


def test_a_copy_whose_index_cannot_be_written_is_told_by_size_and_modification_time(
    tree: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tree.with_name("copy")
    shutil.copytree(tree, copy)
    tick()
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(freshness, "write_stats", lambda *_: False)
    assert (stale(copy), reads) == (0, [])
    write(copy / "a.py", b"a = 3\n", OLD + 10**9)
    assert (stale(copy), reads) == (1, ["a.py"])
    # In the tree that was indexed, what stat shows is compared whole all the same.
    reads.clear()
    write(tree / "a.py", b"a = 3\n")
    assert (stale(tree), reads) == (1, ["a.py"])


def test_what_no_stat_shows_is_seen_by_content(tree: Path) -> None:
    """A stat cache that came with an index may claim anything."""
    write(tree / "a.py", b"a = 2\n")
    tick()
    index_dir = default_index_dir(tree)
    with open_generation(index_dir) as generation:
        digest = generation.manifest.digest
    stats.write_stats(index_dir, digest, {"a.py": stat_of((tree / "a.py").stat())})
    assert (stale(tree), stale(tree, by_content=True)) == (0, 1)
    stats.write_stats(index_dir, digest, {"a.py": stat_of((tree / "a.py").stat())})
    assert not build(tree, config=CONFIG).committed
    report = build(tree, config=CONFIG, by_content=True)
    assert (report.committed, report.files.modified) == (True, 1)
    assert not build(tree, config=CONFIG, by_content=True).committed


@pytest.mark.parametrize("year", [1600, 2400])
def test_times_that_no_catalog_holds_stop_no_build(year: int) -> None:
    """Some file systems have more bits for a time than SQLite for a number."""
    time_ns = (year - 1970) * 365 * 86_400 * 10**9
    with ram_folder() as root:
        write(root / "a.py", b"a = 1\n", time_ns)
        write(root / "large.py", b"a = 1\n" * 200_000, time_ns)
        if abs((root / "a.py").stat().st_mtime_ns) < 1 << 63:
            pytest.skip("the file system has no such time")
        report = build(root, config=CONFIG)
        assert (report.files.added, report.skips) == (1, {"too-large": 1})
        assert stale(root) == 0


CONTENTS = (b"", b" \n", b"# Code generated by x. DO NOT EDIT.\n", b"a = 1\n", b"a = 2\n", b"def f():\n    return 1\n")
Edit = tuple[str, str, object]
path = st.sampled_from(("a.py", "b.py"))
writes = st.tuples(st.just("write"), path, st.sampled_from(CONTENTS))
others = st.one_of(
    st.tuples(st.just("truncate"), path, st.sampled_from((0, 2, 7))),
    st.tuples(st.just("append"), path, st.just(b"a = 3\n")),
    st.tuples(st.just("remove"), path, st.none()),
)


def edit(root: Path, steps: list[Edit]) -> None:
    """Change files in place, and leave their modification times old."""
    for action, name, value in steps:
        file = root / name
        if isinstance(value, int) and file.exists():
            os.truncate(file, min(value, file.stat().st_size))
        elif isinstance(value, bytes) and (action == "write" or file.exists()):
            with file.open("r+b" if file.exists() else "wb") as stream:
                stream.seek(0, os.SEEK_END if action == "append" else os.SEEK_SET)
                stream.write(value)
                stream.truncate()
        elif action == "remove":
            file.unlink(missing_ok=True)
        if file.exists():
            os.utime(file, ns=(OLD, OLD))


@example([([("write", "a.py", b"a = 1\n")], [("truncate", "a.py", 0)])])
@example([([("write", "a.py", b"a = 1\n")], [("truncate", "a.py", 2)]), ([], [("write", "a.py", b" \n")])])
@example([([("write", "a.py", b" \n")], []), ([("truncate", "a.py", 0)], [])])
@example([([("write", "a.py", b"a = 1\n")], [("write", "a.py", b"a = 2\n")]), ([], [("write", "a.py", b"a = 1\n")])])
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.lists(writes, min_size=1, max_size=2), st.lists(writes | others, min_size=1, max_size=2)),
        min_size=1,
        max_size=3,
    )
)
def test_files_that_change_while_a_build_reads_them_end_in_a_fresh_builds_digest(
    monkeypatch: pytest.MonkeyPatch, rounds: list[tuple[list[Edit], list[Edit]]]
) -> None:
    """Whatever changes between the walk and the read, one more build tells the index from no fresh one."""
    meanwhile: list[Edit] = []

    class Restless(Worktree):
        """A tree that changes as soon as it was walked."""

        def files(self, known: Mapping[str, FileRecord] | None = None) -> Iterator[SourceFile | SkippedFile]:
            found = list(super().files())
            edit(self.root, meanwhile)
            meanwhile.clear()
            yield from found

    with ram_folder() as folder, monkeypatch.context() as patch:
        patch.setattr(opening, "Worktree", Restless)
        patch.setattr(detection, "GRANULARITY_NS", 0)
        root, fresh = folder / "root", folder / "fresh"
        root.mkdir()
        for before, during in rounds:
            edit(root, before)
            tick()
            meanwhile[:] = during
            build(root, config=CONFIG)
            tick()
        build(root, config=CONFIG)
        shutil.copytree(root, fresh, ignore=shutil.ignore_patterns(".indexer"))
        assert build(fresh, config=CONFIG).digest == build(root, config=CONFIG).digest
