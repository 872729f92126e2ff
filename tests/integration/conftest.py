"""Where tests put many short-lived indexes, and worker processes that misbehave."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from indexer.stores.folder import Folder
from pipelines.parsing import process as parse_process
from tests.integration import misbehaving
from tests.integration.parsed import workers

SHARED_MEMORY = Path("/dev/shm")


@contextmanager
def ram_folder() -> Iterator[Path]:
    """Yield an empty folder, in memory where there is one, since waiting for a disk proves nothing.

    A thread of Tantivy may make a lock file while the folder is removed.
    """
    parent = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def remove_tree(folder: Path) -> None:
    """Remove a folder, though a thread of Tantivy may make a lock file in it meanwhile."""
    with Folder(folder.parent) as parent:
        parent.remove_tree(folder.name)


@pytest.fixture
def ram_path() -> Iterator[Path]:
    """An empty folder, in memory where there is one."""
    with ram_folder() as folder:
        yield folder


@pytest.fixture
def misbehave(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start workers whose parser obeys the files."""
    monkeypatch.setattr(parse_process, "_BOOT", misbehaving.BOOT)


@pytest.fixture
def no_process_left() -> Iterator[None]:
    """Fail a test that leaves a worker running."""
    yield
    assert workers() == []
