"""Reads what git holds, in any process."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping

from indexer.git.objects import ObjectReader, ObjectStore
from indexer.types import Stat, content_stat


class GitTreeReader:
    """Reads blobs of up to `limit` bytes by the paths of their files, through one git process for each of ours."""

    def __init__(self, store: ObjectStore, ids: Mapping[str, bytes], limit: int) -> None:
        self._store, self._ids, self._limit = store, ids, limit
        self._objects: ObjectReader | None = None

    def __reduce__(self) -> tuple[type[GitTreeReader], tuple[ObjectStore, Mapping[str, bytes], int]]:
        return GitTreeReader, (self._store, self._ids, self._limit)

    def read(self, path: str) -> tuple[bytes, Stat]:
        """Return a file's content and the stat that the source lists; raise OSError as ObjectReader does."""
        name = self._ids.get(path)
        if name is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if self._objects is None:
            self._objects = ObjectReader(self._store)
        content = self._objects.read(name.hex(), self._limit).content
        return content, content_stat(len(content), name)
