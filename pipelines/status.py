"""What an index holds, and how fresh it is."""

from __future__ import annotations

from pathlib import Path

import msgspec

from indexer.config import Config
from indexer.stores.generation.manifest import Encoder, Projection
from indexer.stores.generation.reader import open_generation
from indexer.types import Tier

from .freshness import look
from .quality.figures import Basis, Drift, Recall
from .report import LeftOutCounts, left_out_counts


class IndexedFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Files in the index and files left out."""

    indexed: int
    skipped: int


class LanguageStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What is indexed of a language: `errors` are error nodes of the parser, `failures` files without a parse."""

    files: int
    chunks: int
    bytes: int
    errors: int
    failures: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The result of `indexer status --json`.

    `source` is what the index is of: `worktree`, `staged` or `rev:REV`. `digest` is over files and chunks,
    `vector_digest` over vectors and their tiers, and `tiers` counts chunks by the tier of their vector; `upgraded`
    is the part, 0 to 1, that has the encoder's own. `bytes` is the size of the indexed files, `index_bytes` that of
    the generation's. `stale` counts files that changed since, `left_out` what the walk found and did not take; both
    are None when the indexed folder is not there. `recall` and `drift` say how well the stored vectors stand for
    the encoder's own, and are None when that was not measured; `warnings` are sentences on what to do about it, and
    on ignore files that were not read.
    """

    generation: str
    source: str
    digest: str
    created: str
    encoder: Encoder
    projection: Projection
    files: IndexedFiles
    chunks: int
    tiers: dict[Tier, int]
    upgraded: float
    vector_digest: str
    bytes: int
    index_bytes: int
    skips: dict[str, int]
    left_out: LeftOutCounts | None
    languages: dict[str, LanguageStatus]
    recall: Recall | None
    drift: Drift | None
    stale: int | None
    warnings: list[str]


def read_status(root: Path, index_dir: Path, *, config: Config, by_content: bool = False) -> Status:
    """Describe the current generation; raises NoIndexError or DamagedIndexError.

    `by_content` reads every file to tell whether it changed, instead of trusting its stat.
    """
    with open_generation(index_dir) as generation:
        manifest = generation.manifest
        basis = Basis.from_extra(manifest.extra)
        stale, left_out = look(root, generation, config, by_content=by_content)
        languages = generation.catalog.languages()
        warnings = basis.warnings(config.recall, mode=manifest.projection.mode, dims=manifest.projection.dims)
        return Status(
            generation=generation.name,
            source=manifest.source.kind,
            digest=manifest.digest,
            created=manifest.created,
            encoder=manifest.encoder,
            projection=manifest.projection,
            files=IndexedFiles(
                indexed=manifest.counts.files - manifest.counts.skipped, skipped=manifest.counts.skipped
            ),
            chunks=manifest.counts.chunks,
            tiers=manifest.tiers,
            upgraded=manifest.upgraded,
            vector_digest=manifest.vector_digest,
            bytes=sum(counts.bytes for counts in languages.values()),
            index_bytes=generation.bytes,
            skips=generation.catalog.skips(),
            left_out=left_out_counts(left_out) if left_out else None,
            languages={name or "text": LanguageStatus(**counts._asdict()) for name, counts in languages.items()},
            recall=basis.recall,
            drift=basis.drift,
            stale=stale,
            warnings=[*(left_out.warnings if left_out else ()), *warnings],
        )
