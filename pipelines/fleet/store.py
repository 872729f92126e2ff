"""Where everything of a fleet is, and the log of manifests, whose newest entry is the one commit point.

.gitignore                    "*"
manifests/00000007.json       written once, under a name that nothing had: the newest one is served
shards/<id>/                  an ordinary index folder; which of its generations counts, the manifest says
writer.lock writer.json       held while a build runs
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Protocol

from indexer.errors import DamagedIndexError, NoIndexError, StorageError
from indexer.stores import durable
from indexer.stores.folder import Folder, read_all
from indexer.stores.generation import layout, lock
from indexer.stores.generation.commit import storing
from indexer.stores.ownership import open_to_write

from . import manifest as manifests
from .manifest import FleetManifest

FOLDER = ".indexer-fleet"
MANIFESTS, SHARDS = "manifests", "shards"
_OWN = {".gitignore", lock.LOCK, lock.HOLDER, MANIFESTS, SHARDS}
_NUMBERED = re.compile(r"([0-9]{8})\.json")
_ATTEMPTS = 20


class Log(Protocol):
    """Numbered entries that are written once: a folder here; an object store can be one by its conditional put."""

    def numbers(self) -> list[int]:
        """Return the numbers of all entries, ascending."""

    def create(self, number: int, content: bytes) -> bool:
        """Write an entry durably and at once, unless there is one of this number: then return False."""


class FolderLog:
    """A log as a folder of files."""

    def __init__(self, fleet_dir: Path) -> None:
        self._fleet_dir = fleet_dir

    def numbers(self) -> list[int]:
        """Return the numbers of all entries, ascending; raises OSError."""
        try:
            with Folder(self._fleet_dir) as fleet, fleet.folder(MANIFESTS) as folder:
                found = [_NUMBERED.fullmatch(entry.name) for entry in folder.entries()]
        except FileNotFoundError:
            return []
        return sorted(int(match[1]) for match in found if match)

    def create(self, number: int, content: bytes) -> bool:
        """Write a draft, and give it the entry's name if nothing has it; raises OSError."""
        with Folder(self._fleet_dir) as fleet, fleet.folder(MANIFESTS) as folder:
            target = folder.path / f"{number:08d}.json"
            draft = target.with_suffix(".draft")
            folder.unlink(draft.name)
            durable.write_file(draft, content)
            created = durable.publish(draft, target)
            folder.unlink(draft.name)
            if created:
                durable.fsync_dir(folder.path)
        return created


def shard_dir(fleet_dir: Path, shard: str) -> Path:
    """Return a shard's index folder."""
    return fleet_dir / SHARDS / shard


def prepare(fleet_dir: Path) -> None:
    """Make a fleet's folder; raise StorageError for one that holds something else, or that is not ours to write."""
    with storing(fleet_dir):
        fleet_dir.mkdir(parents=True, exist_ok=True)
        with open_to_write(fleet_dir) as folder:
            foreign = [entry.name for entry in folder.entries() if entry.name not in _OWN]
            if foreign and folder.status(MANIFESTS) is None:
                raise StorageError(f"{fleet_dir}: is not empty and no fleet's folder; give another with --fleet-dir")
            if folder.status(".gitignore") is None:
                folder.replace(".gitignore", b"*\n")
            for name in (SHARDS, MANIFESTS):
                folder.make(name)


class OpenManifest:
    """A manifest that is kept, with all that it names, while this is open."""

    def __init__(self, manifest: FleetManifest, lease: FileIO) -> None:
        self.manifest = manifest
        self._lease = lease

    def close(self) -> None:
        """Let it be collected."""
        with suppress(OSError):
            self._lease.close()


def open_newest(fleet_dir: Path) -> OpenManifest:
    """Open the newest manifest; raises NoIndexError where there is none, and DamagedIndexError."""
    for _ in range(_ATTEMPTS):
        with layout.reading(fleet_dir):
            numbers = FolderLog(fleet_dir).numbers()
        if not numbers:
            raise NoIndexError(f"{fleet_dir}: there is no fleet here; run `indexer fleet build`")
        opened = open_manifest(fleet_dir, numbers[-1])
        if opened is not None:
            return opened
    raise DamagedIndexError(f"{fleet_dir}: manifests vanish faster than they can be opened", "try again")


def open_manifest(fleet_dir: Path, number: int) -> OpenManifest | None:
    """Open a manifest by its number; None when it is not there, or is being collected. Raises DamagedIndexError."""
    name = f"{number:08d}.json"
    path = fleet_dir / MANIFESTS / name
    with layout.reading(path), ExitStack() as stack:
        try:
            fleet = stack.enter_context(Folder(fleet_dir))
            folder = stack.enter_context(fleet.folder(MANIFESTS))
            file = folder.open(name)
        except FileNotFoundError:
            return None
        on_error = stack.enter_context(ExitStack())
        on_error.callback(file.close)
        if not lock.lease(file, path):
            return None
        manifest = manifests.decode(read_all(file, manifests.MAX_BYTES, path), path)
        if manifest.number != number:
            raise DamagedIndexError(f"{path}: says that it is number {manifest.number}", manifests.REMEDY)
        on_error.pop_all()
        return OpenManifest(manifest, file)


@contextmanager
def live_manifests(fleet_dir: Path, *, keep: int = 1) -> Iterator[list[FleetManifest]]:
    """Give the `keep` newest manifests and those that a reader has open, newest first, and keep them meanwhile."""
    with ExitStack() as stack:
        found: list[FleetManifest] = []
        for number in reversed(FolderLog(fleet_dir).numbers()):
            if len(found) >= keep and not _is_read(fleet_dir, number):
                continue
            try:
                opened = open_manifest(fleet_dir, number)
            except DamagedIndexError:
                continue  # nobody can read it; the next one replaces it
            if opened is not None:
                stack.callback(opened.close)
                found.append(opened.manifest)
        yield found


def remove_manifests(fleet_dir: Path, *, keep: int) -> list[int]:
    """Remove all but the `keep` newest manifests that no reader has open; raises OSError."""
    removed = []
    numbers = FolderLog(fleet_dir).numbers()
    for number in numbers[: -max(1, keep)]:
        if _is_read(fleet_dir, number):
            continue
        with Folder(fleet_dir) as fleet, fleet.folder(MANIFESTS) as folder:
            folder.unlink(f"{number:08d}.json")
        removed.append(number)
    return removed


def _is_read(fleet_dir: Path, number: int) -> bool:
    """Whether a reader has a manifest open."""
    name = f"{number:08d}.json"
    with suppress(OSError), Folder(fleet_dir) as fleet, fleet.folder(MANIFESTS) as folder, folder.open(name) as file:
        return lock.is_leased(file)
    return False
