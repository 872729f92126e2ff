"""The base's files in the generation being made: hard links of what is immutable, copies of what changes."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path

from indexer.errors import DamagedIndexError
from indexer.stores import durable
from indexer.stores.generation import layout
from indexer.stores.generation.commit import storing
from indexer.stores.generation.manifest import FileSum
from indexer.stores.generation.reader import Generation
from indexer.stores.text.writer import MUTABLE_FILES


class StagedFiles:
    """Makes the staged folder, and tells which of the base's files are still what was staged."""

    def __init__(self, folder: Path, base: Generation | None) -> None:
        """Say where; nothing is made."""
        self._folder = folder
        self._base = base
        self._carried: dict[str, tuple[int, int, int]] = {}

    def stage(self, *, with_text: bool) -> None:
        """Make the folder with the base's files in it; raises StorageError and DamagedIndexError."""
        with storing(self._folder):
            for name in ("", layout.TEXT, layout.VECTORS):
                (self._folder / name).mkdir()
            if self._base is None:
                return
            self._base.check(layout.CATALOG)
            self._take(name for name in self._base.manifest.files if with_text or not _is_text(name))

    def stage_text(self) -> None:
        """Take the base's text index, where `stage` left it out; raises StorageError and DamagedIndexError."""
        assert self._base is not None
        with storing(self._folder):
            self._take(filter(_is_text, self._base.manifest.files))

    def _take(self, names: Iterable[str]) -> None:
        assert self._base is not None
        present = self._base.listing()
        for name in names:
            source, target = self._base.path / name, self._folder / name
            if name not in present or not stat.S_ISREG(present[name].st_mode):
                if target.parent.name == layout.VECTORS:
                    continue  # only when the vectors are about to be rebuilt: else the base was not opened
                raise DamagedIndexError(f"{source}: is missing or no file")
            if name == layout.CATALOG or target.name in MUTABLE_FILES:
                durable.copy(source, target)
            else:
                durable.link_or_copy(source, target)
                self._carried[name] = _signature(target)

    def replace(self, name: str, content: bytes) -> None:
        """Write a file in place of what the base had; raises StorageError."""
        path = self._folder / name
        self._carried.pop(name, None)
        with storing(path):
            path.unlink(missing_ok=True)
            durable.write_file(path, content)

    def unchanged(self) -> dict[str, FileSum]:
        """Return the checksums of those of the base's files that are still what was staged."""
        if self._base is None:
            return {}
        files = self._base.manifest.files
        return {
            name: files[name]
            for name, signature in self._carried.items()
            if (path := self._folder / name).exists() and _signature(path) == signature
        }


def _is_text(name: str) -> bool:
    return name.startswith(f"{layout.TEXT}/")


def _signature(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
