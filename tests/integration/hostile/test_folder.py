"""An index folder in which anything may lie: nothing outside it changes, nothing waits, and what is wrong is named."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from indexer.errors import DamagedIndexError, NoIndexError, StorageError
from indexer.stores.generation.commit import gc
from pipelines.check.verify import verify
from tests.integration.conftest import remove_tree
from tests.integration.hostile.projects import COMMANDS, CURRENT_GENERATION, NEW, OLD, search
from tests.synthetic import commit_tree

SECONDS = 60
"""Far more than any command takes, and nothing against for ever."""


def surroundings(project: Path) -> str:
    """A digest of everything beside the project's index: names, kinds, sizes, times and contents."""
    state = hashlib.sha256()
    for top, folders, files in os.walk(project.parent):
        if Path(top) == project:
            folders[:] = [name for name in folders if name != ".indexer"]
        folders.sort()
        for path in sorted(
            Path(top, name) for name in (*files, *folders) if name != ".indexer" or Path(top) != project
        ):
            status = path.lstat()
            times = () if path == project else (status.st_size, status.st_mtime_ns)
            content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
            state.update(repr((str(path), status.st_mode, times, content)).encode())
    return state.hexdigest()


@contextmanager
def time_limit() -> Iterator[None]:
    """Fail when something waits, as an open of a FIFO does."""

    def ring(number: int, frame: object) -> None:
        raise TimeoutError("it waits for ever")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def link_to_another(path: Path, other: Path) -> None:
    """The same file or folder of another project's index, which has all that it should."""
    path.symlink_to(other)


def dangling(path: Path, other: Path) -> None:
    path.symlink_to(other.with_name("made-by-a-link"))


def endless(path: Path, other: Path) -> None:
    path.symlink_to("/dev/zero")


def fifo(path: Path, other: Path) -> None:
    os.mkfifo(path)


def folder(path: Path, other: Path) -> None:
    path.mkdir()
    (path / "file").write_text("a file")


def unix_socket(path: Path, other: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may have a hundred characters
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path.name)
    os.chdir(here)


KINDS = (link_to_another, dangling, endless, fifo, folder, unix_socket)
PLACES = (
    "",
    ".gitignore",
    "CURRENT",
    "writer.lock",
    "writer.json",
    "stat_cache",
    "stat_cache.4711",
    "generations",
    "generations/00000001",
    "generations/00000003",
    "staging",
    "staging/next",
    CURRENT_GENERATION,
    f"{CURRENT_GENERATION}/generation.json",
    f"{CURRENT_GENERATION}/catalog.sqlite",
    f"{CURRENT_GENERATION}/catalog.sqlite-journal",
    f"{CURRENT_GENERATION}/catalog.sqlite-wal",
    f"{CURRENT_GENERATION}/projection.npz",
    f"{CURRENT_GENERATION}/text",
    f"{CURRENT_GENERATION}/text/meta.json",
    f"{CURRENT_GENERATION}/text/.managed.json",
    f"{CURRENT_GENERATION}/text/*.term",
    f"{CURRENT_GENERATION}/text/.tantivy-meta.lock",
    f"{CURRENT_GENERATION}/text/.tantivy-writer.lock",
    f"{CURRENT_GENERATION}/vectors",
    f"{CURRENT_GENERATION}/vectors/00000001.vectors",
)


def plant(index_dir: Path, place: str, kind: Callable[[Path, Path], None]) -> None:
    """Put something in the place of a file or folder of the index."""
    path = index_dir / place
    if "*" in place:
        (path,) = path.parent.glob(path.name)
    other = index_dir.parent.with_name("other") / path.relative_to(index_dir.parent)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    kind(path, other)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("place", PLACES)
def test_nothing_outside_changes_and_nothing_waits(
    project: Path, template: Path, place: str, kind: Callable[[Path, Path], None]
) -> None:
    index_dir = project / ".indexer"
    before = surroundings(project)
    for name, command in COMMANDS.items():
        plant(index_dir, place, kind)
        with time_limit():
            try:
                command(index_dir)
            except (NoIndexError, DamagedIndexError, StorageError) as error:
                assert str(index_dir) in str(error), name
        assert surroundings(project) == before, name
        if index_dir.is_symlink() or not index_dir.is_dir():
            index_dir.unlink()
        else:
            remove_tree(index_dir)
        shutil.copytree(template / ".indexer", index_dir)


@pytest.mark.parametrize("place", ["", "generations", CURRENT_GENERATION, f"{CURRENT_GENERATION}/text"])
def test_a_link_to_a_whole_index_is_named_everywhere(project: Path, place: str) -> None:
    index_dir = project / ".indexer"
    plant(index_dir, place, link_to_another)
    message = f"{index_dir / place}: is a symbolic link, and links are not followed.*remove the index folder"
    for command in (search, COMMANDS["status"], COMMANDS["build"]):
        with pytest.raises((DamagedIndexError, StorageError), match=message):
            command(index_dir)
    assert not verify(index_dir).ok


def test_the_collector_removes_folders_alone(project: Path) -> None:
    generations = project / ".indexer" / "generations"
    (generations / "00000000").symlink_to(project.parent / "other")
    (generations / "00000001" / "photos").symlink_to(project.parent / "other")
    before = surroundings(project)
    assert gc(project / ".indexer", keep=1) == [1]
    assert (generations / "00000000").is_symlink()
    commit_tree(project / ".indexer", NEW)
    assert verify(project / ".indexer").ok
    assert surroundings(project) == before


def test_a_number_that_is_taken_by_whatever_kind_of_file_is_passed_over(project: Path) -> None:
    index_dir = project / ".indexer"
    fifo(index_dir / "generations" / "00000003", project)
    assert commit_tree(index_dir, NEW).generation == 4
    (index_dir / "generations" / "99999999").symlink_to("nowhere")
    with pytest.raises(StorageError, match=r"99999999: has the last number"):
        commit_tree(index_dir, OLD)
    assert verify(index_dir).ok
