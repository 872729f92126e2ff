"""A fleet on shared storage, through fsspec: archives of shards, and manifests that are created once.

manifests/00000007.json            as of a fleet's folder; a shard's checksum is that of its archive's manifest
shards/<id>/<checksum>.tar.zst     a generation as `indexer export` writes it; never written again
probe                              shows whether the store creates nothing over what is there

The one module that imports fsspec. What a driver raises becomes a StorageError that names the URL.
"""

from __future__ import annotations

import inspect
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from indexer.errors import ConfigError, IndexerError, StorageError

from .manifest import MAX_BYTES, Shard
from .store import MANIFESTS, SHARDS

MISSING = "a store needs fsspec: pip install 'codebase-indexer[store]', and the driver of the store, such as s3fs"
PROBE = "probe"
_NUMBERED = re.compile(r"([0-9]{8})\.json")


class RemoteStore:
    """Where a fleet is shared; a `store.Log` of its manifests. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        """Use the folder of a URL, such as s3://bucket/fleet; raises ConfigError where fsspec or its driver lacks."""
        try:
            from fsspec.core import url_to_fs
        except ModuleNotFoundError as error:
            raise ConfigError(MISSING) from error
        self.url = url
        try:
            self._files, root = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise ConfigError(f"{url}: {error}") from error
        self._root = root.rstrip("/")

    def numbers(self) -> list[int]:
        """Return the numbers of all manifests, ascending."""
        with self._telling():
            self._files.invalidate_cache()
            place = self._place(MANIFESTS)
            names = self._files.ls(place, detail=False) if self._files.exists(place) else []
        found = (_NUMBERED.fullmatch(str(name).rpartition("/")[2]) for name in names)
        return sorted(int(match[1]) for match in found if match)

    def read(self, number: int) -> bytes:
        """Return the content of a manifest, no more of it than one may have."""
        with self._telling(), self._files.open(self._place(MANIFESTS, f"{number:08d}.json"), "rb") as file:
            content: bytes = file.read(MAX_BYTES + 1)
        return content

    def create(self, number: int, content: bytes) -> bool:
        """Write a manifest unless there is one of this number: then return False.

        Raises StorageError for a store that can't do this in one step: of two that publish, one would be lost.
        """
        self._create(PROBE, b"")
        if self._create(PROBE, b""):
            raise StorageError(f"{self.url}: writes over what is there though it was asked not to; use another store")
        return self._create(f"{MANIFESTS}/{number:08d}.json", content)

    def has(self, shard: Shard) -> bool:
        """Whether a shard's archive is there."""
        with self._telling():
            return bool(self._files.exists(self._archive(shard)))

    def put(self, shard: Shard, archive: Path) -> None:
        """Bring a shard's archive there; it appears whole."""
        target = self._archive(shard)
        draft = f"{target}.{uuid.uuid4().hex}"
        with self._telling():
            self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._files.put_file(str(archive), draft)
            self._files.mv(draft, target)

    def get(self, shard: Shard, archive: Path) -> None:
        """Bring a shard's archive here."""
        with self._telling():
            self._files.get_file(self._archive(shard), str(archive))

    def _create(self, name: str, content: bytes) -> bool:
        place = self._place(name)
        with self._telling():
            self._files.makedirs(place.rpartition("/")[0], exist_ok=True)
            try:
                if "file" in _protocols(self._files):
                    with Path(place).open("xb") as file:
                        file.write(content)
                elif _creates(self._files):
                    self._files.pipe_file(place, content, mode="create")
                else:
                    raise StorageError(
                        f"{self.url}: fsspec's {type(self._files).__name__} can't create a file in one step only where "
                        "there is none, so that of two publications one would be lost; use S3, GCS, Azure or a folder"
                    )
            except FileExistsError:
                return False
        return True

    def _archive(self, shard: Shard) -> str:
        return self._place(SHARDS, shard.id, f"{shard.checksum}.tar.zst")

    def _place(self, *names: str) -> str:
        return "/".join((self._root, *names))

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except IndexerError:
            raise
        except Exception as error:  # a driver may raise anything
            raise StorageError(f"{self.url}: {type(error).__name__}: {error}") from error


def _protocols(files: Any) -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)


def _creates(files: Any) -> bool:
    """Whether a driver has a conditional put of its own: fsspec's for all looks first and then writes."""
    from fsspec import AbstractFileSystem

    own = getattr(type(files), "_pipe_file", None) or type(files).pipe_file
    return own is not AbstractFileSystem.pipe_file and "mode" in inspect.signature(own).parameters
