"""What is in an index, in figures that charts are made of."""

from __future__ import annotations

from pathlib import Path

import msgspec

from indexer.stores.generation.reader import open_generation
from indexer.types import SkipReason, Tier

from .history import Size, sizes_of
from .quality.figures import Basis, Drift, Recall
from .report import BuildReport
from .status import LanguageStatus

MAX_PATHS = 200
"""Paths of skipped files that are named for each reason."""


class SkippedPath(msgspec.Struct, frozen=True):
    """A skipped file and what is behind it: the line, limit or system error."""

    path: str
    detail: str


class Skips(msgspec.Struct, frozen=True, kw_only=True):
    """The files skipped for one reason; `paths` are the first of them."""

    count: int
    explanation: str
    paths: list[SkippedPath]


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """The result of `indexer stats --json`; `build` is the build that made the figures, where one did.

    `bytes` is the size of the generation's files. `sizes` are those of the generations since the last full build, the
    oldest first.
    """

    root: str
    generation: str
    created: str
    digest: str
    encoder: str
    dims: int
    files: int
    skipped: int
    chunks: int
    bytes: int
    index_bytes: int
    tiers: dict[Tier, int]
    languages: dict[str, LanguageStatus]
    skips: dict[str, Skips]
    recall: Recall | None
    drift: Drift | None
    sizes: list[Size]
    build: BuildReport | None = None


def read_stats(root: Path, index_dir: Path, *, build: BuildReport | None = None) -> Stats:
    """Describe the current generation; raises NoIndexError or DamagedIndexError."""
    with open_generation(index_dir) as generation:
        manifest = generation.manifest
        basis = Basis.from_extra(manifest.extra)
        languages = generation.catalog.languages()
        by_reason: dict[SkipReason, list[SkippedPath]] = {}
        for path, record in sorted(generation.catalog.records().items()):
            if record.skip is not None:
                by_reason.setdefault(record.skip, []).append(SkippedPath(path, record.detail))
        return Stats(
            root=str(root.resolve()),
            generation=generation.name,
            created=manifest.created,
            digest=manifest.digest,
            encoder=manifest.encoder.name,
            dims=manifest.projection.dims,
            files=manifest.counts.files - manifest.counts.skipped,
            skipped=manifest.counts.skipped,
            chunks=manifest.counts.chunks,
            bytes=sum(counts.bytes for counts in languages.values()),
            index_bytes=generation.bytes,
            tiers=manifest.tiers,
            languages={
                name or "text": LanguageStatus(**counts._asdict())
                for name, counts in sorted(languages.items(), key=lambda item: -item[1].bytes)
            },
            skips={
                str(reason): Skips(count=len(found), explanation=reason.explanation, paths=found[:MAX_PATHS])
                for reason, found in sorted(by_reason.items(), key=lambda item: -len(item[1]))
            },
            recall=basis.recall,
            drift=basis.drift,
            sizes=sizes_of(generation),
            build=build,
        )
