"""One shard: what a builder is told, what it answers, and the builder itself, the same for every engine."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from indexer.config import Config
from indexer.errors import DamagedIndexError, NoIndexError
from indexer.identity import Identity, rebuild_reason
from indexer.sources.member import Cut, Member
from indexer.stores.generation.layout import Current
from indexer.stores.generation.reader import Generation, open_generation, open_numbered

from ..build import build
from ..freshness import detect_changes
from ..source import open_source, require_whole
from .manifest import Failure, Shard
from .repositories import Repository
from .store import shard_dir

if TYPE_CHECKING:
    from indexer.types import Source

    from ..parsing.pool import Workers

LOCK_SECONDS = 30.0
"""How long a builder waits for one that was lost, on another node, to end."""


@dataclass(frozen=True, slots=True)
class ShardTask:
    """A shard to bring up to date; it is pickled, and what it names lies where every builder sees it.

    `kept` are the generations that manifests name: they stay. `size` is about how many bytes of source it has, 0 where
    that is not known.
    """

    id: str
    repository: Repository
    cut: Cut
    fleet_dir: Path
    config: Config
    cache_dir: Path | None
    full: bool = False
    by_content: bool = False
    kept: tuple[Current, ...] = ()
    size: int = 0

    @property
    def index_dir(self) -> Path:
        """The shard's index folder."""
        return shard_dir(self.fleet_dir, self.id)

    def source(self) -> Source:
        """Open the shard's files; raises SourceError and ConfigError."""
        own = open_source(self.repository.root, self.config, index_dir=self.index_dir, kind=self.repository.kind)
        return Member(own, name=self.repository.name, cut=self.cut)


@dataclass(frozen=True, slots=True)
class Built:
    """A shard that is as its files are; `committed` says whether this needed a new generation, in so many seconds."""

    shard: Shard
    committed: bool
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()


Outcome = Built | Failure


def build_shard(task: ShardTask, workers: Workers | None = None) -> Built:
    """Bring a shard up to date; raises the errors of indexer.errors.

    The same files give the same digests, whoever builds, and however often it was tried before. `workers` are those to
    parse with.
    """
    with ExitStack() as stack:
        for current in task.kept:
            # While it is open, no commit of ours collects it.
            with suppress(NoIndexError, DamagedIndexError):
                stack.enter_context(open_numbered(task.index_dir, current, check_files=False))
        report = build(
            task.repository.root,
            config=task.config,
            index_dir=task.index_dir,
            full=task.full,
            by_content=task.by_content,
            source=task.source(),
            wait_seconds=LOCK_SECONDS,
            cache_dir=task.cache_dir,
            workers=workers,
        )
        generation = stack.enter_context(open_generation(task.index_dir, options=task.config.vectors))
        return Built(describe(task, generation), report.committed, sum(report.seconds.values()), tuple(report.warnings))


def look_at_shard(task: ShardTask, identity: Identity, known: Shard | None = None) -> Shard | None:
    """Return a shard that needs no builder, since no file of it changed; None for any other, and for a damaged one.

    `known` is what a manifest says of it. Raises SourceError and ConfigError for a repository that can't be read.
    """
    source = task.source()
    with ExitStack() as stack:
        try:
            generation = stack.enter_context(open_generation(task.index_dir, options=task.config.vectors))
            if task.full or rebuild_reason(generation.manifest, identity):
                return None
            if generation.manifest.source != source.description:
                return None
            changes = detect_changes(source, generation, by_content=task.by_content)
        except (NoIndexError, DamagedIndexError):
            return None
        require_whole(source, changes.skipped)
        if not changes.is_empty:
            return None
        place = (generation.manifest.checksum, str(task.repository.root), task.repository.kind, task.cut)
        is_known = known is not None and place == (known.checksum, known.root, known.kind, known.cut)
        return known if is_known else describe(task, generation)


def describe(task: ShardTask, generation: Generation) -> Shard:
    """Return what a fleet's manifest says of a shard whose current generation this is."""
    manifest = generation.manifest
    return Shard(
        id=task.id,
        repository=task.repository.name,
        root=str(task.repository.root),
        kind=task.repository.kind,
        start=task.cut.start,
        end=task.cut.end,
        generation=manifest.generation,
        checksum=manifest.checksum,
        digest=manifest.digest,
        vector_digest=manifest.vector_digest,
        files=manifest.counts.files - manifest.counts.skipped,
        chunks=manifest.counts.chunks,
        index_bytes=generation.bytes,
        bytes=sum(counts.bytes for counts in generation.catalog.languages().values()),
        upgraded=manifest.upgraded,
    )


def shared_out(config: Config, *, cores: int, builders: int) -> Config:
    """Return the settings of one of so many builders on a machine: its share of the cores."""
    share = max(1, cores // max(1, builders))
    workers = min(config.parse.workers or share, share)
    threads = min(config.encoder.threads or share, share)
    return replace(
        config, parse=replace(config.parse, workers=workers), encoder=replace(config.encoder, threads=threads)
    )
