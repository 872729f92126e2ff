"""What a fleet holds, and which of its shards are behind their files."""

from __future__ import annotations

from pathlib import Path

import msgspec

from indexer.errors import IndexerError
from indexer.identity import wanted_identity
from indexer.stores.generation.manifest import Encoder, Projection

from .build import FleetJob, plan
from .manifest import Failure, Shard
from .repositories import find_repositories
from .shard import look_at_shard
from .store import open_newest


class FleetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What `indexer fleet status --json` prints.

    `number` and `digest` are the served manifest's. `stale` are shards whose files changed since, or that are of the
    fleet's file and not built, `gone` those that are of it no more; both are null where they were not compared.
    """

    number: int
    digest: str
    created: str
    encoder: Encoder
    projection: Projection
    repositories: int
    files: int
    chunks: int
    index_bytes: int
    bytes: int
    upgraded: float
    shards: tuple[Shard, ...]
    failed: tuple[Failure, ...]
    stale: tuple[str, ...] | None
    gone: tuple[str, ...] | None


def fleet_status(fleet_dir: Path, job: FleetJob | None = None) -> FleetStatus:
    """Return what the newest manifest of a fleet says, and how its shards compare with what a job would build.

    Raises NoIndexError, DamagedIndexError, and ConfigError for the fleet's file.
    """
    opened = open_newest(fleet_dir)
    try:
        manifest = opened.manifest
        stale: tuple[str, ...] | None = None
        gone: tuple[str, ...] | None = None
        if job is not None:
            missing: list[Failure] = []
            repositories = find_repositories(job.file, job.fleet, job.roots, missing=missing)
            tasks, failed = plan(job, repositories, manifest)
            known = {shard.id: shard for shard in manifest.shards}
            identity = wanted_identity(job.config)
            behind = [failure.id for failure in (*missing, *failed)]
            for task in tasks:
                try:
                    found = look_at_shard(task, identity, known.get(task.id))
                except IndexerError:
                    found = None
                if found is None or task.id not in known or found.digest != known[task.id].digest:
                    behind.append(task.id)
            stale = tuple(sorted(behind))
            gone = tuple(sorted(known.keys() - {task.id for task in tasks} - {*behind}))
        return FleetStatus(
            number=manifest.number,
            digest=manifest.digest,
            created=manifest.created,
            encoder=manifest.encoder,
            projection=manifest.projection,
            repositories=len({shard.repository for shard in manifest.shards}),
            files=sum(shard.files for shard in manifest.shards),
            chunks=manifest.chunks,
            index_bytes=sum(shard.index_bytes for shard in manifest.shards),
            bytes=sum(shard.bytes for shard in manifest.shards),
            upgraded=manifest.upgraded,
            shards=manifest.shards,
            failed=manifest.failed,
            stale=stale,
            gone=gone,
        )
    finally:
        opened.close()
