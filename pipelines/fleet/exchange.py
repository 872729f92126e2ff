"""Share a fleet through a store: push what a folder publishes, pull what a store does."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from indexer.errors import DamagedIndexError, LockedError, NoIndexError
from indexer.stores.generation import lock
from indexer.stores.generation.archive import portable
from indexer.stores.generation.commit import storing
from indexer.stores.generation.layout import Current
from indexer.stores.generation.reader import open_generation, open_numbered

from ..share import import_index, write_whole
from . import manifest as manifests
from .manifest import FleetManifest, Shard
from .opened import require_member
from .remote import RemoteStore
from .store import FolderLog, live_manifests, open_newest, prepare, remove_manifests, shard_dir

TRANSFERS = 4
"""Shards on their way at a time."""
KEPT_MANIFESTS = 2


class FleetExchange(msgspec.Struct, frozen=True, kw_only=True):
    """What `indexer fleet push --json` and `indexer fleet pull --json` print.

    `number` is that of the manifest on the side that it was brought to, `digest` over its shards, and `moved` are the
    shards that were not there.
    """

    number: int
    digest: str
    committed: bool
    shards: int
    chunks: int
    moved: tuple[str, ...]


def push_fleet(fleet_dir: Path, url: str) -> FleetExchange:
    """Bring the newest manifest of a fleet's folder to a store, after the shards that it lacks.

    Raises NoIndexError, DamagedIndexError, StorageError, and LockedError when somebody else published meanwhile.
    """
    remote = RemoteStore(url)
    opened = open_newest(fleet_dir)
    try:
        numbers = remote.numbers()
        newest = _newest(remote, numbers)

        def push(shard: Shard) -> tuple[Shard, bool]:
            with open_numbered(
                shard_dir(fleet_dir, shard.id), Current(shard.generation, shard.checksum), check_files=False
            ) as generation:
                there = replace(shard, root="", generation=1, checksum=portable(generation.manifest).checksum)
                if remote.has(there):
                    return there, False
                with tempfile.TemporaryDirectory(prefix="indexer-") as folder:
                    archive = Path(folder) / "shard"
                    write_whole(generation, archive)
                    remote.put(there, archive)
                return there, True

        sent = _each(push, opened.manifest.shards)
        manifest = replace(opened.manifest, shards=tuple(shard for shard, _ in sent))
        if newest and _says(newest) == _says(manifest):
            return _report(newest, committed=False, moved=())
        number = max(numbers, default=0) + 1
        manifest = manifests.seal(replace(manifest, number=number))
        if not remote.create(number, manifests.encode(manifest)):
            raise LockedError(f"{url}: somebody else published manifest {number} meanwhile; push again")
        return _report(manifest, committed=True, moved=[shard.id for shard, moved in sent if moved])
    finally:
        opened.close()


def pull_fleet(url: str, fleet_dir: Path, *, wait_seconds: float = 0.0) -> FleetExchange:
    """Make a fleet's folder say what the newest manifest of a store says, after importing the shards that it lacks.

    Nothing in the store is believed: each shard is unpacked aside, and taken over when all that `verify` looks at is
    right. Raises NoIndexError, DamagedIndexError, LockedError and StorageError; the manifest that was served before is
    then still served.
    """
    remote = RemoteStore(url)
    wanted = _newest(remote, remote.numbers())
    if wanted is None:
        raise NoIndexError(f"{url}: there is no fleet there; run `indexer fleet push {url}` where one was built")
    prepare(fleet_dir)
    with ExitStack() as stack:
        stack.enter_context(lock.writer_lock(fleet_dir, wait_seconds=wait_seconds))
        live = stack.enter_context(live_manifests(fleet_dir))
        for before in live:
            for shard in before.shards:
                # While it is open, no import of ours collects it.
                with suppress(NoIndexError, DamagedIndexError):
                    current = Current(shard.generation, shard.checksum)
                    stack.enter_context(open_numbered(shard_dir(fleet_dir, shard.id), current, check_files=False))

        def pull(shard: Shard) -> tuple[Shard, bool]:
            if (here := _here(fleet_dir, wanted, shard)) is not None:
                return here, False
            with tempfile.TemporaryDirectory(prefix="indexer-") as folder:
                archive = Path(folder) / f"{shard.id}.tar.zst"
                remote.get(shard, archive)
                index_dir = shard_dir(fleet_dir, shard.id)
                import_index(archive, index_dir.parent, index_dir, wait_seconds=wait_seconds)
            here = _here(fleet_dir, wanted, shard)
            if here is None:
                raise DamagedIndexError(f"{url}: the archive of shard {shard.id} is of another index", "push it again")
            return here, True

        got = _each(pull, wanted.shards)
        shards = tuple(shard for shard, _ in got)
        manifest = replace(wanted, shards=shards)
        if live and _says(live[0]) == _says(manifest):
            return _report(live[0], committed=False, moved=())
        with storing(fleet_dir):
            log = FolderLog(fleet_dir)
            number = max(log.numbers(), default=0) + 1
            manifest = manifests.seal(replace(manifest, number=number))
            if not log.create(number, manifests.encode(manifest)):
                raise LockedError(f"{fleet_dir}: somebody else published manifest {number} meanwhile; pull again")
            remove_manifests(fleet_dir, keep=KEPT_MANIFESTS)
        return _report(manifest, committed=True, moved=[shard.id for shard, moved in got if moved])


def _here(fleet_dir: Path, wanted: FleetManifest, shard: Shard) -> Shard | None:
    """Return a shard of a store as it is in a folder; None where the folder's is another.

    Raises DamagedIndexError for one that is not what the store's manifest says.
    """
    with suppress(NoIndexError), open_generation(shard_dir(fleet_dir, shard.id)) as generation:
        if portable(generation.manifest).checksum == shard.checksum:
            require_member(generation, wanted, shard)
            # A folder of this machine is nothing that a store can know.
            return replace(shard, root="", generation=generation.number, checksum=generation.manifest.checksum)
    return None


def _newest(remote: RemoteStore, numbers: list[int]) -> FleetManifest | None:
    if not numbers:
        return None
    manifest = manifests.decode(remote.read(numbers[-1]), Path(f"{numbers[-1]:08d}.json"))
    if manifest.number != numbers[-1]:
        raise DamagedIndexError(f"{remote.url}: manifest {numbers[-1]} says that it is {manifest.number}", "push again")
    return manifest


def _says(manifest: FleetManifest) -> tuple[object, ...]:
    return tuple(replace(shard, root="") for shard in manifest.shards), manifest.failed, manifest.made_with


def _each(move: Callable[[Shard], tuple[Shard, bool]], shards: Iterable[Shard]) -> list[tuple[Shard, bool]]:
    with ThreadPoolExecutor(TRANSFERS, thread_name_prefix="fleet") as pool:
        return list(pool.map(move, shards))


def _report(manifest: FleetManifest, *, committed: bool, moved: Iterable[str]) -> FleetExchange:
    return FleetExchange(
        number=manifest.number,
        digest=manifest.digest,
        committed=committed,
        shards=len(manifest.shards),
        chunks=manifest.chunks,
        moved=tuple(moved),
    )
