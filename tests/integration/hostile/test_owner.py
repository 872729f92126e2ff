"""An index of another user, one that git tracks, and one that may not be read or written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from indexer.config import Config
from indexer.errors import IndexerError, StorageError, UnreadableError
from indexer.stores.generation import layout
from indexer.stores.generation.commit import gc
from indexer.stores.generation.staging import begin
from pipelines.check.verify import verify
from pipelines.share import export_index
from pipelines.status import read_status
from tests.integration.hostile.projects import COMMANDS, CURRENT_GENERATION, search


@contextmanager
def another_user() -> Iterator[None]:
    """Have the rights of nobody for a while."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_another_users_index_is_read_and_not_written(project: Path) -> None:
    index_dir = project / ".indexer"
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    for path in (index_dir, *index_dir.rglob("*")):
        os.chown(path, 65534, 65534)
    (index_dir / "stat_cache").unlink()
    before = sorted(str(path) for path in index_dir.rglob("*") if not path.name.startswith(".tantivy"))
    assert read_status(project, index_dir, config=Config()).generation == "00000002"
    search(index_dir)
    assert verify(index_dir).ok
    for name in ("build", "full build", "gc"):
        with pytest.raises(StorageError, match=f"{index_dir}: belongs to another user.*--index-dir"):
            COMMANDS[name](index_dir)
    assert sorted(str(path) for path in index_dir.rglob("*") if not path.name.startswith(".tantivy")) == before


def test_an_index_that_git_tracks_is_read_and_not_written(project: Path) -> None:
    index_dir = project / ".indexer"
    (project / ".git").mkdir()
    name = b".indexer/CURRENT"
    entry = bytes(60) + len(name).to_bytes(2, "big") + name
    (project / ".git" / "index").write_bytes(b"DIRC\0\0\0\2\0\0\0\1" + entry + bytes(8 - len(entry) % 8) + bytes(20))
    search(index_dir)
    for name_of in ("build", "full build", "gc"):
        with pytest.raises(StorageError, match=r"git tracks files in it.*git rm -r --cached \.indexer"):
            COMMANDS[name_of](index_dir)
    assert layout.generation_numbers(index_dir) == [1, 2]


@pytest.mark.parametrize("place", ["", "CURRENT", "generations", CURRENT_GENERATION, f"{CURRENT_GENERATION}/text"])
def test_what_cannot_be_read_is_the_same_named_error_everywhere(project: Path, place: str) -> None:
    index_dir = project / ".indexer"
    project.parent.chmod(0o755)
    (index_dir / place).chmod(0)
    with another_user():
        for command in (search, COMMANDS["status"], verify):
            with pytest.raises(UnreadableError, match=r"can't be read \(Permission denied\); check the permissions"):
                command(index_dir)
    (index_dir / place).chmod(0o755)


def test_an_export_names_the_file_that_may_not_be_read_not_the_one_that_it_writes(project: Path) -> None:
    catalog = project / ".indexer" / CURRENT_GENERATION / layout.CATALOG
    project.parent.chmod(0o777)
    catalog.chmod(0)
    with another_user(), pytest.raises(UnreadableError, match=rf"^{catalog}: can't be read \(Permission denied\)"):
        export_index(project / ".indexer", project.parent / "index.tar.zst")
    assert not (project.parent / "index.tar.zst").exists()


def test_a_folder_where_nothing_may_be_written_is_named(project: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    index_dir = project / ".indexer"
    project.parent.chmod(0o755)
    for path in (index_dir, *index_dir.rglob("*")):
        os.chown(path, 65534, 65534)
        path.chmod(0o555 if path.is_dir() else 0o444)
    with another_user():
        for write in (COMMANDS["build"], COMMANDS["full build"], COMMANDS["gc"]):
            with pytest.raises(StorageError, match=r"\.indexer: can't be written; check the permissions.*--index-dir"):
                write(index_dir)
        index_dir.chmod(0o755)
        with pytest.raises(StorageError, match=r"writer.lock: can't be locked \(Permission denied\).*permissions"):
            gc(index_dir)


def test_a_lock_that_cannot_be_released_hides_no_error(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from filelock import FileLock

    def release(self: object, force: bool = False) -> None:
        raise PermissionError(13, "Permission denied", "writer.lock")

    monkeypatch.setattr(FileLock, "release", release)
    with pytest.raises(IndexerError, match="what went wrong"), begin(project / ".indexer"):
        raise StorageError("what went wrong")
