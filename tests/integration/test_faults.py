"""Whatever fails in a commit, and wherever the process dies, one whole generation is served and the next build works.

A commit's durable steps all go through indexer.stores.durable, whose hook fails or kills here. What the engines write
themselves is made to fail by a limit on file sizes.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexer.errors import IndexerError, LockedError, StorageError
from indexer.stores import durable
from indexer.stores.generation import layout
from indexer.stores.generation.reader import open_generation
from indexer.stores.generation.staging import begin
from pipelines.check.verify import verify
from tests.synthetic import commit_tree, digest_of, small_tree, text_hits

if sys.platform == "win32":
    pytest.skip("needs kill -9 and file size limits", allow_module_level=True)

OLD = small_tree() | {"old.py": ("only in the old one",)}
NEW = small_tree(word="edited") | {"new.py": ("only in the new one",)}

# Children are forked from a server that has the engines loaded and no threads.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.synthetic", "indexer.stores.text.index", "indexer.stores.vectors.segments"])


def steps_of(commit: Callable[[], object]) -> list[tuple[str, str]]:
    """Return the durable steps that a commit takes, by name and path."""
    steps: list[tuple[str, str]] = []
    with hook(lambda name, path: steps.append((name, path.name))):
        commit()
    return steps


class hook:  # noqa: N801
    """Installs what is called before each durable step."""

    def __init__(self, called: Callable[[str, Path], None]) -> None:
        self._called = called

    def __enter__(self) -> None:
        durable.before_step = self._called

    def __exit__(self, *_: object) -> None:
        durable.before_step = lambda name, path: None


def at_step(number: int, action: Callable[[], None]) -> Callable[[str, Path], None]:
    """Return a hook that acts at the n-th step, counted from 0."""
    steps = iter(range(1_000_000))

    def called(name: str, path: Path) -> None:
        if next(steps) == number:
            action()

    return called


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def commit_and_die(index_dir: Path, step: int, fresh: bool) -> None:
    """Commit NEW in this process, killed before a step."""
    with hook(at_step(step, die)):
        commit_tree(index_dir, NEW, fresh=fresh)


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index that holds OLD, in its second generation; copied, never changed."""
    index_dir = tmp_path_factory.mktemp("committed") / "index"
    commit_tree(index_dir, {})
    commit_tree(index_dir, OLD)
    return index_dir


@pytest.fixture(scope="module")
def digests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The content digests of clean builds of both trees."""
    folder = tmp_path_factory.mktemp("digests")
    return {name: commit_tree(folder / name, tree).digest for name, tree in (("old", OLD), ("new", NEW))}


def step_numbers() -> Iterator[int]:
    """More numbers than a commit has steps; `test_every_step_is_tried` holds this to be true."""
    return iter(range(48))


def copy_of(index_dir: Path, target: Path) -> Path:
    shutil.copytree(index_dir, target)
    return target


def assert_whole(index_dir: Path, digests: dict[str, str], *, old_only: bool = False) -> str:
    """One of the two trees is served, all of it; return which."""
    served = next(name for name, digest in digests.items() if digest == digest_of(index_dir))
    assert served == "old" or not old_only
    report = verify(index_dir)
    assert report.ok, report.findings
    with open_generation(index_dir) as generation:
        assert bool(text_hits(generation, "origin")) == (served == "old")
        assert bool(text_hits(generation, "edit")) == (served == "new")
    return served


def assert_next_build_is_clean(index_dir: Path, digests: dict[str, str]) -> None:
    assert commit_tree(index_dir, NEW).digest == digests["new"]
    assert verify(index_dir).ok
    assert list(layout.staging_dir(index_dir).iterdir()) == []
    assert len(layout.generation_numbers(index_dir)) <= 2


def test_every_step_is_tried(committed: Path, ram_path: Path) -> None:
    steps = steps_of(lambda: commit_tree(copy_of(committed, ram_path / "i"), NEW))
    names = [name for name, _ in steps]
    assert set(names) == {"copy", "link", "save", "commit", "close", "fsync", "write", "fsync-dir", "rename"}
    assert steps[-6:] == [
        ("rename", "00000003"),
        ("fsync-dir", "generations"),
        ("write", "CURRENT"),
        ("fsync", "CURRENT"),
        ("rename", "CURRENT"),
        ("fsync-dir", "i"),
    ]
    assert ("write", layout.MANIFEST) in steps
    assert len(steps) < len(list(step_numbers()))


@pytest.mark.parametrize("fresh", [False, True])
def test_killed_before_any_step(committed: Path, digests: dict[str, str], ram_path: Path, fresh: bool) -> None:
    outcomes = []
    for step in step_numbers():
        index_dir = copy_of(committed, ram_path / str(step))
        process = CONTEXT.Process(target=commit_and_die, args=(index_dir, step, fresh))
        process.start()
        process.join(60)
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        outcomes.append(assert_whole(index_dir, digests))
        assert_next_build_is_clean(index_dir, digests)
    else:
        pytest.fail("a commit has more steps than were tried")
    # Only between the rename of CURRENT and the fsync after it is the new generation served.
    assert outcomes == ["old"] * (len(outcomes) - 1) + ["new"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_refused_at_any_step(committed: Path, digests: dict[str, str], ram_path: Path, code: int) -> None:
    def refuse() -> None:
        raise OSError(code, os.strerror(code), "somewhere")

    outcomes = []
    for step in step_numbers():
        index_dir = copy_of(committed, ram_path / str(step))
        with hook(at_step(step, refuse)):
            try:
                commit_tree(index_dir, NEW)
                break
            except StorageError as error:
                assert os.strerror(code) in str(error)
        assert list(layout.staging_dir(index_dir).iterdir()) == []
        assert layout.generation_numbers(index_dir)[-1] == layout.read_current(index_dir).number
        outcomes.append(assert_whole(index_dir, digests))
        assert_next_build_is_clean(index_dir, digests)
    assert outcomes == ["old"] * (len(outcomes) - 1) + ["new"]


def commit_with_limit(index_dir: Path, limit: int, outcome: Path) -> None:
    """Commit NEW while no file may grow beyond `limit` bytes, and write down what came of it."""
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        commit_tree(index_dir, NEW)
        result = "committed"
    except IndexerError as error:
        result = f"{type(error).__name__}: {error}"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    outcome.write_text(result)


def test_engines_that_can_not_write(committed: Path, digests: dict[str, str], ram_path: Path) -> None:
    outcomes = []
    for limit in (0, 100, 300, 700, 1000, 1500, 2500, 4500, 9000, 20_000, 40_000, 1_000_000):
        index_dir, outcome = copy_of(committed, ram_path / str(limit)), ram_path / f"{limit}.txt"
        process = CONTEXT.Process(target=commit_with_limit, args=(index_dir, limit, outcome))
        process.start()
        process.join(60)
        assert process.exitcode == 0, limit
        outcomes.append(outcome.read_text())
        assert list(layout.staging_dir(index_dir).iterdir()) == []
        served = assert_whole(index_dir, digests)
        assert served == ("new" if outcomes[-1] == "committed" else "old")
        assert_next_build_is_clean(index_dir, digests)
    assert outcomes[-1] == "committed"
    assert all(text.startswith("StorageError: ") for text in outcomes if text != "committed")
    assert len(set(outcomes)) > 3  # several engines were refused


def hold_the_lock(index_dir: Path, started: Path) -> None:
    """Hold the lock for ever, with a forked child as a build has parser processes."""
    with begin(index_dir):
        if os.fork() == 0:
            started.write_text(str(os.getpid()))
        signal.pause()


def test_the_lock_of_a_killed_writer_blocks_nobody(committed: Path, digests: dict[str, str], ram_path: Path) -> None:
    index_dir, started = copy_of(committed, ram_path / "i"), ram_path / "started"
    process = CONTEXT.Process(target=hold_the_lock, args=(index_dir, started))
    process.start()
    while not (started.exists() and started.read_text()):
        assert process.is_alive()
    with pytest.raises(LockedError, match=f"process {process.pid} "):
        commit_tree(index_dir, NEW)
    process.kill()
    process.join(60)
    try:
        assert_next_build_is_clean(index_dir, digests)
    finally:
        os.kill(int(started.read_text()), signal.SIGKILL)


def test_a_lock_of_tantivy_that_can_not_be_removed_is_what_the_caller_hears_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path.name.startswith(".tantivy-"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(StorageError, match=r"tantivy-.*Input/output error"):
        commit_tree(tmp_path, small_tree())
