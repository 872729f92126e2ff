"""CURRENT is gone or malformed, while the generations beside it are whole."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from indexer.errors import DamagedIndexError, NoIndexError
from indexer.stores.generation import layout, lock, manifest
from indexer.stores.generation.commit import clear_staging, prepare, serve, storing
from indexer.stores.generation.reader import open_numbered


def restore(index_dir: Path, *, wait_seconds: float = 0.0) -> int | None:
    """Let CURRENT name the newest generation whose files are what its manifest says; return its number.

    None when there is none, and then nothing was changed. Raises LockedError and StorageError.
    """
    prepare(index_dir)
    with lock.writer_lock(index_dir, wait_seconds=wait_seconds), storing(index_dir):
        clear_staging(index_dir)
        for number in reversed(layout.generation_numbers(index_dir)):
            with suppress(DamagedIndexError, NoIndexError):
                folder = layout.generation_dir(index_dir, number)
                with layout.reading(folder):
                    current = layout.Current(number, manifest.read(folder).checksum)
                with open_numbered(index_dir, current) as generation:
                    generation.check()
                serve(index_dir, current)
                return number
    return None
