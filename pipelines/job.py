"""What stays the same during a build, whichever of its parts is at work."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from indexer.config import Config
from indexer.encoders.registry import Variant, find_encoder
from indexer.identity import Identity, centroid_encoder, first_encoder, wanted_identity
from indexer.types import Source

from .progress import Progress, StageClock
from .source import open_source, recorded_kind


class Job(msgspec.Struct, frozen=True):
    """One build: what of, where to, how, and since when.

    `first` is the encoder of a chunk's first vector, `encoder` that of its last one, `of_centroids` that of files'
    centroids. `wait_seconds` is how long to wait
    for the writer's lock, `deadline` when no more vectors are upgraded, in seconds of `time.perf_counter`.
    """

    root: Path
    source: Source
    index_dir: Path
    config: Config
    identity: Identity
    first: Variant
    encoder: Variant
    of_centroids: Variant
    cache_dir: Path | None
    wait_seconds: float
    deadline: float
    progress: Progress
    clock: StageClock
    started: float = msgspec.field(default_factory=time.perf_counter)

    @property
    def has_tiers(self) -> bool:
        """Whether a chunk's first vector is not its last one."""
        return self.first.identity.digest != self.encoder.identity.digest

    @property
    def upgrades(self) -> bool:
        """Whether first vectors are to be replaced by those of the encoder."""
        return self.has_tiers and self.config.build.upgrade == "now"


def make_job(
    root: Path,
    config: Config,
    *,
    index_dir: Path,
    source_kind: str | None,
    full: bool,
    cache_dir: Path | None,
    wait_seconds: float,
    max_seconds: float | None,
    progress: Progress,
    source: Source | None = None,
) -> Job:
    """Return a build of a folder; `source_kind`, `full` and `source` as in `build.build`.

    Raises the errors of `open_source` and `wanted_identity`.
    """
    return Job(
        root=root,
        source=source
        or open_source(
            root, config, index_dir=index_dir, kind=source_kind or recorded_kind(index_dir, root, full=full)
        ),
        index_dir=index_dir,
        config=config,
        identity=wanted_identity(config),
        first=first_encoder(config),
        encoder=find_encoder(config.encoder),
        of_centroids=centroid_encoder(config),
        cache_dir=cache_dir,
        wait_seconds=wait_seconds,
        deadline=float("inf") if max_seconds is None else time.perf_counter() + max_seconds,
        progress=progress,
        clock=StageClock(progress),
    )
