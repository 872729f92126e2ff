"""Remove what no manifest and no reader of a fleet needs."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path

import msgspec

from indexer.errors import DamagedIndexError, LockedError, NoIndexError
from indexer.stores.folder import Folder
from indexer.stores.generation import lock
from indexer.stores.generation.commit import gc, storing
from indexer.stores.generation.layout import Current
from indexer.stores.generation.reader import open_numbered
from indexer.stores.ownership import open_to_write

from .manifest import FleetManifest
from .store import SHARDS, live_manifests, open_newest, remove_manifests, shard_dir


class FleetRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """What `indexer fleet gc --json` prints: manifests by number, shards by id, generations by shard."""

    manifests: tuple[int, ...]
    shards: tuple[str, ...]
    generations: dict[str, tuple[str, ...]]


def collect_fleet(fleet_dir: Path, *, keep: int = 1, wait_seconds: float = 0.0) -> FleetRemoved:
    """Remove all but the `keep` newest manifests and those that a reader has open, and what no manifest left names.

    Raises NoIndexError, LockedError and StorageError.
    """
    open_newest(fleet_dir).close()
    with storing(fleet_dir):
        open_to_write(fleet_dir).close()
    with lock.writer_lock(fleet_dir, wait_seconds=wait_seconds), storing(fleet_dir):
        numbers = remove_manifests(fleet_dir, keep=keep)
        with live_manifests(fleet_dir, keep=keep) as live:
            generations = _collect_generations(fleet_dir, live)
            shards = _remove_shards(fleet_dir, {shard.id for manifest in live for shard in manifest.shards})
    return FleetRemoved(manifests=tuple(numbers), shards=tuple(shards), generations=generations)


def _collect_generations(fleet_dir: Path, live: list[FleetManifest]) -> dict[str, tuple[str, ...]]:
    """Collect each shard's older generations but those that manifests name, which are open meanwhile."""
    kept: dict[str, set[Current]] = {}
    for shard in (shard for manifest in live for shard in manifest.shards):
        kept.setdefault(shard.id, set()).add(Current(shard.generation, shard.checksum))
    removed = {}
    for name, own in sorted(kept.items()):
        index_dir = shard_dir(fleet_dir, name)
        with ExitStack() as stack:
            for current in own:
                with suppress(NoIndexError, DamagedIndexError):
                    stack.enter_context(open_numbered(index_dir, current, check_files=False))
            with suppress(NoIndexError, DamagedIndexError, LockedError):
                if numbers := gc(index_dir, keep=1):
                    removed[name] = tuple(f"{number:08d}" for number in numbers)
    return removed


def _remove_shards(fleet_dir: Path, kept: set[str]) -> list[str]:
    with Folder(fleet_dir) as fleet, fleet.folder(SHARDS) as folder:
        names = sorted(entry.name for entry in folder.entries() if entry.name not in kept)
        for name in names:
            folder.remove_tree(name)
    return names
