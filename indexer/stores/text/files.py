"""The files of a text index: how they are opened to be read, and how what Tantivy finds wrong is told."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from indexer.errors import NO_TEMPORARY, DamagedIndexError, StorageError

TEXT_LOCKS = (".tantivy-writer.lock", ".tantivy-meta.lock")
"""Files that Tantivy makes to lock its folder, even to read it; no part of an index."""
META, MANAGED = "meta.json", ".managed.json"
"""What an index holds, and which files Tantivy may delete."""


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """Yield a folder with the same files in which Tantivy may make its lock file, as it does even to read.

    It opens the lock that it finds, and through a link that would be any file of the user's.
    """
    if os.access(path, os.W_OK) and not any(_is_no_file(path / name) for name in TEXT_LOCKS):
        yield path
        return
    with temporary_folder() as view:
        for entry in path.iterdir():
            if entry.name not in TEXT_LOCKS:
                (view / entry.name).symlink_to(entry.absolute())
        yield view


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a new folder where the system keeps such; raises StorageError where it can make none."""
    try:
        # Tantivy's threads may be about to make their lock while the folder is removed.
        made = tempfile.TemporaryDirectory(prefix="indexer-", ignore_cleanup_errors=True)
    except OSError as error:
        raise StorageError(f"no temporary folder can be made ({error.strerror or error}); {NO_TEMPORARY}") from error
    with made as folder:
        yield Path(folder)


class damage:  # noqa: N801 - called like a function, as contextlib.suppress is
    """Turn what Tantivy raises, its panics included, into DamagedIndexError; no generator, which takes longer."""

    def __init__(self, path: Path) -> None:
        """Name `path` in the error."""
        self._path = path

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise DamagedIndexError in place of an error that damage explains."""
        if error is None:
            return
        if isinstance(error, ValueError | OSError | msgspec.DecodeError):
            raise DamagedIndexError(f"{self._path}: {error}") from error
        # A Rust panic derives from BaseException alone.
        if type(error).__name__ == "PanicException":
            raise DamagedIndexError(f"{self._path}: the text index is malformed ({error})") from error


def _is_no_file(path: Path) -> bool:
    try:
        return not stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False
