"""The story of a fleet's build, top to bottom: find, cut, look, build the shards, publish the next manifest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import replace as with_fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
from msgspec.structs import replace

from indexer.config import Config
from indexer.errors import ConfigError, IndexerError, LockedError
from indexer.identity import Identity, rebuild_reason, wanted_identity
from indexer.sources.member import Cut, steps_of
from indexer.stores.generation import lock
from indexer.stores.generation.commit import storing
from indexer.stores.generation.layout import Current
from indexer.stores.generation.reader import open_numbered
from indexer.types import SourceFile

from ..report_text import counted
from ..source import open_source
from . import manifest as manifests
from .config import FleetFile
from .cut import choose_cuts
from .engine import Engine
from .local import LocalEngine
from .manifest import Failure, FleetManifest, Shard, shard_id
from .repositories import Repository, find_repositories
from .shard import Built, ShardTask, look_at_shard
from .store import FolderLog, live_manifests, prepare, remove_manifests, shard_dir

SHOWN = 5
"""Shards that a message names."""
KEPT_MANIFESTS = 2
LOOKED_AT_HERE = 1_000
"""Up to so many shards are looked at before any builder is started; of more, builders look."""


class FleetReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a fleet's build did.

    `number` is that of the manifest that is served, `digest` over its shards. `built` are the shards that have a new
    generation, with their seconds, `removed` those that are in the fleet no more, `failed` those without which it was
    committed. `upgraded` is the part of the vectors, 0 to 1, that are the encoder's own.
    """

    number: int
    digest: str
    committed: bool
    repositories: int
    shards: int
    files: int
    chunks: int
    built: dict[str, float]
    removed: tuple[str, ...]
    failed: tuple[Failure, ...]
    upgraded: float
    seconds: float
    warnings: tuple[str, ...] = ()


Told = Callable[[str, int, int], None]
"""Is told the shard that is done, how many are, and how many there are."""


@dataclass(frozen=True, slots=True)
class FleetJob:
    """One build of a fleet: what of, where to, how, and by whom."""

    file: Path
    fleet: FleetFile
    fleet_dir: Path
    config: Config
    roots: Sequence[Path] = ()
    engine: Engine | None = None
    only: Sequence[str] = ()
    full: bool = False
    by_content: bool = False
    partial: bool = False
    cache_dir: Path | None = None
    wait_seconds: float = 0.0
    told: Told = lambda _shard, _done, _total: None


def build_fleet(job: FleetJob) -> FleetReport:
    """Bring every shard of a fleet up to date and publish what they are now, all at once or not at all.

    Shards whose files did not change are not built. Where the encoder has a static one beside it, a manifest is
    published when all shards have static vectors, and the next when these are upgraded. Raises the errors of
    indexer.errors; the manifest that was served before is then still served, and what was built is not built again.
    """
    started = time.perf_counter()
    if job.config.projection.mode == "fit":
        raise ConfigError('projection.mode is "fit": shards of a fleet share a basis; set it to "bundled" or "none"')
    identity = wanted_identity(job.config)
    missing: list[Failure] = []
    repositories = find_repositories(job.file, job.fleet, job.roots, missing=missing if job.partial else None)
    if unknown := sorted({*job.only} - {own.name for own in repositories}):
        raise ConfigError(f"{job.file}: there is no repository {', '.join(unknown)} in the fleet")
    prepare(job.fleet_dir)
    with lock.writer_lock(job.fleet_dir, wait_seconds=job.wait_seconds), live_manifests(job.fleet_dir) as live:
        first = before = live[0] if live else None
        tasks, failed = plan(job, repositories, first)
        work = _Work(job, identity, len(tasks), [*missing, *failed])
        work.look(tasks, first)
        work.build(work.left, live, upgrade=False)
        before = _publish(work, before)
        if job.config.build.upgrade == "now":
            work.build([task for task in tasks if work.is_behind(task)], [before, *live], upgrade=True)
            before = _publish(work, before)
        return FleetReport(
            number=before.number,
            digest=before.digest,
            committed=first is None or before.number != first.number,
            repositories=len(repositories),
            shards=len(before.shards),
            files=sum(shard.files for shard in before.shards),
            chunks=before.chunks,
            built=work.built,
            removed=tuple(sorted({shard.id for shard in first.shards} - {task.id for task in tasks})) if first else (),
            failed=before.failed,
            upgraded=before.upgraded,
            seconds=round(time.perf_counter() - started, 3),
            warnings=tuple(dict.fromkeys(work.warnings)),
        )


def plan(
    job: FleetJob, repositories: Sequence[Repository], newest: FleetManifest | None
) -> tuple[list[ShardTask], list[Failure]]:
    """Return the shards that a fleet is made of now, and repositories that can't be looked at.

    Shards of the newest manifest stay where they are.
    """
    known: dict[str, dict[Cut, int]] = {}
    for shard in newest.shards if newest else ():
        known.setdefault(shard.repository, {})[shard.cut] = shard.bytes
    target = int(job.fleet.cut.megabytes * 1e6)
    tasks: list[ShardTask] = []
    failed: list[Failure] = []
    for repository in repositories:
        own = known.get(repository.name, {})
        parts = sorted(own.items(), key=lambda part: steps_of(part[0].start))
        try:
            cuts = choose_cuts(_whole(parts), target, partial(_sizes, repository, job.config))
        except IndexerError as error:
            failed.append(Failure(id=repository.name, message=str(error)))
            continue
        tasks += [
            ShardTask(
                id=shard_id(repository.name, cut),
                repository=repository,
                cut=cut,
                fleet_dir=job.fleet_dir.absolute(),
                config=job.config,
                cache_dir=job.cache_dir,
                full=job.full and (not job.only or repository.name in job.only),
                by_content=job.by_content,
                size=size,
            )
            for cut, size in cuts
        ]
    return tasks, failed


def _whole(parts: Sequence[tuple[Cut, int]]) -> Sequence[tuple[Cut, int]]:
    """Return the parts of a repository if they are all of it, each beginning where the one before ends, else none."""
    ends = ["", *(cut.end for cut, _ in parts)]
    fits = all(cut.start == end for (cut, _), end in zip(parts, ends, strict=False))
    return parts if parts and fits and not parts[-1][0].end else ()


def _sizes(repository: Repository, config: Config) -> Mapping[str, int]:
    """Return the bytes of the files that lie in each folder itself, of those that a walk takes."""
    sizes: dict[str, int] = {}
    for file in open_source(repository.root, config, kind=repository.kind).files():
        if isinstance(file, SourceFile):
            folder = file.path.rpartition("/")[0]
            sizes[folder] = sizes.get(folder, 0) + file.size
    return sizes


class _Work:
    """What is known of the shards while a fleet is built."""

    def __init__(self, job: FleetJob, identity: Identity, total: int, failed: Iterable[Failure]) -> None:
        self.job = job
        self.identity = identity
        self.ready: dict[str, Shard] = {}
        self.failed = {failure.id: failure for failure in failed}
        self.left: list[ShardTask] = []
        self.built: dict[str, float] = {}
        self.warnings: list[str] = []
        self._total = total

    def look(self, tasks: Sequence[ShardTask], newest: FleetManifest | None) -> None:
        """Tell the shards that are as their files are from those that need a builder."""
        known = {shard.id: shard for shard in newest.shards} if newest else {}
        for task in tasks:
            try:
                found = look_at_shard(task, self.identity, known.get(task.id)) if len(tasks) <= LOOKED_AT_HERE else None
            except IndexerError as error:
                self.failed[task.id] = Failure(id=task.id, message=str(error))
                continue
            if found is None:
                self.left.append(task)
            else:
                self.ready[task.id] = found

    def is_behind(self, task: ShardTask) -> bool:
        """Whether a shard that is ready has vectors to upgrade."""
        return task.id in self.ready and self.ready[task.id].upgraded < 1

    def build(self, tasks: Sequence[ShardTask], live: Sequence[FleetManifest], *, upgrade: bool) -> None:
        """Have shards built; each keeps the generations that live manifests name."""
        build = replace(self.job.config.build, upgrade="now" if upgrade else "never")
        kept: dict[str, set[Current]] = {}
        for shard in (shard for manifest in live for shard in manifest.shards):
            kept.setdefault(shard.id, set()).add(Current(shard.generation, shard.checksum))
        told = [
            with_fields(
                task,
                config=replace(task.config, build=build),
                full=task.full and not upgrade,
                kept=tuple(sorted(kept.get(task.id, ()), key=lambda current: current.number)),
            )
            for task in tasks
        ]
        engine = self.job.engine or LocalEngine()
        before = self._total - len(told)
        for done, outcome in enumerate(engine.run(told) if told else (), before + 1):
            if isinstance(outcome, Failure):
                self.failed[outcome.id] = outcome
            else:
                self._take(outcome)
            self.job.told(outcome.id if isinstance(outcome, Failure) else outcome.shard.id, done, self._total)
        if self.failed and not (self.job.partial and self.ready):
            raise IndexerError(_failed_text(self.failed.values()))

    def _take(self, outcome: Built) -> None:
        shard = outcome.shard
        with open_numbered(
            shard_dir(self.job.fleet_dir, shard.id), Current(shard.generation, shard.checksum), check_files=False
        ) as generation:
            if reason := rebuild_reason(generation.manifest, self.identity):
                why = f"it was made otherwise than the fleet: {reason}"
                self.failed[shard.id] = Failure(id=shard.id, message=why)
                return
        self.ready[shard.id] = shard
        self.warnings.extend(f"{shard.id}: {warning}" for warning in outcome.warnings)
        if outcome.committed:
            self.built[shard.id] = round(self.built.get(shard.id, 0.0) + outcome.seconds, 3)


def _publish(work: _Work, before: FleetManifest | None) -> FleetManifest:
    """Publish the next manifest, unless it would say what the newest one says; return the one that is served then."""
    shards = tuple(work.ready[name] for name in sorted(work.ready))
    failed = tuple(work.failed[name] for name in sorted(work.failed) if name not in work.ready)
    identity, fleet_dir = work.identity, work.job.fleet_dir
    if before and (before.shards, before.failed, before.made_with) == (shards, failed, identity.made_with):
        return before
    current = Current(shards[0].generation, shards[0].checksum)
    with open_numbered(shard_dir(fleet_dir, shards[0].id), current, check_files=False) as generation:
        made, projection = generation.manifest.encoder, generation.manifest.projection
    log = FolderLog(fleet_dir)
    with storing(fleet_dir):
        number = max(log.numbers(), default=0) + 1
        manifest = manifests.seal(
            FleetManifest(
                format_version=manifests.FORMAT_VERSION,
                number=number,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                encoder=made,
                projection=projection,
                made_with=identity.made_with,
                shards=shards,
                failed=failed,
            )
        )
        if not log.create(number, manifests.encode(manifest)):
            raise LockedError(f"{fleet_dir}: somebody else published manifest {number} meanwhile; build again")
    with suppress(OSError):
        remove_manifests(fleet_dir, keep=KEPT_MANIFESTS)
    return manifest


def _failed_text(failed: Iterable[Failure]) -> str:
    """Return in a sentence which shards could not be made."""
    found = sorted(failed, key=lambda failure: failure.id)
    shown = "; ".join(f"{failure.id}: {failure.message}" for failure in found[:SHOWN])
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return (
        f"{counted(len(found), 'shard')} could not be made, so nothing is published, and what was built is kept: "
        f"{shown}{more}; mend what is wrong and build again, or publish the others with --partial"
    )
