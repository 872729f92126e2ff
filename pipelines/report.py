"""What a build did: counts, skips and seconds, as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import msgspec
from msgspec.structs import replace

from indexer.types import FileChanges, LeftOut, LeftOutReason, Tier

from .quality.figures import Basis, Drift, Recall
from .tally import FileCounts, SlowFile, Tally

if TYPE_CHECKING:
    from indexer.stores.catalog.reader import Catalog, LanguageCounts
    from indexer.stores.generation.manifest import Manifest
    from indexer.stores.generation.reader import Generation

    from .upgrade import Upgrade


class ChunkCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Chunks: all in the index, sent through an encoder, given a vector known before, and gone.

    `upgraded` chunks had a static vector, and have the encoder's own now.
    """

    total: int = 0
    embedded: int = 0
    reused: int = 0
    removed: int = 0
    upgraded: int = 0


class TrackedCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The files below the root that git tracks: `total` is `found` (indexed or skipped) and all of `left_out`."""

    total: int
    found: int
    left_out: dict[str, int]


class LeftOutCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What is no file of the source, by reason; the index itself is not counted.

    `entries` counts the files and folders at which the walk stopped, a folder once whatever it holds. `tracked`
    accounts for each file that git tracks, and is None where there is no git index to read.
    """

    entries: dict[str, int] = {}
    tracked: TrackedCounts | None = None


def left_out_counts(left_out: LeftOut) -> LeftOutCounts:
    """Count what a walk left out."""
    tracked = None
    if left_out.tracked_total is not None:
        tracked = TrackedCounts(
            total=left_out.tracked_total,
            found=left_out.tracked_total - len(left_out.tracked),
            left_out=_by_reason(entry.reason for entry in left_out.tracked),
        )
    # The index itself is there from the second build on: counted, it would make two reports of one tree differ.
    reasons = (entry.reason for entry in left_out.entries if entry.reason is not LeftOutReason.INDEX)
    return LeftOutCounts(entries=_by_reason(reasons), tracked=tracked)


def _by_reason(reasons: Iterable[str]) -> dict[str, int]:
    return {str(reason): count for reason, count in sorted(Counter(reasons).items())}


class BuildReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one build; its JSON form is the command line's `build --json`.

    `digest` is over files and chunks, `vector_digest` over vectors and their tiers, and `tiers` counts chunks by the
    tier of their vector; `upgraded` is the part, 0 to 1, that has the encoder's own. `source` is what was indexed:
    `worktree`, `staged` or `rev:REV`. `committed` is false when nothing
    had changed. `rebuilt` says why the index was made anew, or is empty. `bytes` is the size of the indexed files,
    `languages` counts chunks, `parse_errors` error nodes of the parser, `parser_failures` files on which the grammar
    failed, so that they are indexed by their lines alone. `recall` and `drift` say how well the stored vectors stand
    for the encoder's own (null: not measured). `left_out` counts what the walk found and did not take.
    `searchable_seconds` is when all was committed that there is to search, counted from the begin of the build; vectors
    may have been upgraded afterwards. `slowest` are the files that took longest to parse, the slowest first. `warnings`
    are sentences for a person.
    """

    generation: str
    digest: str
    vector_digest: str
    source: str
    committed: bool
    files: FileCounts
    chunks: ChunkCounts
    tiers: dict[Tier, int]
    upgraded: float
    bytes: int
    skips: dict[str, int]
    left_out: LeftOutCounts
    languages: dict[str, int]
    parse_errors: dict[str, int]
    parser_failures: dict[str, int]
    seconds: dict[str, float]
    searchable_seconds: float = 0.0
    recall: Recall | None = None
    drift: Drift | None = None
    rebuilt: str = ""
    slowest: list[SlowFile] = []
    warnings: list[str] = []


class Held(NamedTuple):
    """What a catalog says of all files: counts by language, and skipped files by reason."""

    languages: dict[str, LanguageCounts]
    skips: dict[str, int]

    @classmethod
    def of(cls, catalog: Catalog) -> Held:
        """Count what a catalog has now."""
        return cls(catalog.languages(), catalog.skips())


def report_unchanged(
    generation: Generation, changes: FileChanges, left_out: LeftOut, seconds: dict[str, float]
) -> BuildReport:
    """Report a build that found nothing to do."""
    counts = generation.manifest.counts
    return BuildReport(
        committed=False,
        files=FileCounts(unchanged=changes.unchanged, skipped=counts.skipped),
        chunks=ChunkCounts(total=counts.chunks),
        left_out=left_out_counts(left_out),
        seconds=seconds,
        warnings=list(left_out.warnings),
        **_of_generation(generation.manifest, Held.of(generation.catalog)),
    )


def report_committed(
    manifest: Manifest,
    held: Held,
    tally: Tally,
    left_out: LeftOut,
    *,
    embedded: int,
    seconds: dict[str, float],
    searchable_seconds: float,
    rebuilt: str,
    warnings: list[str],
) -> BuildReport:
    """Report a build that published a generation."""
    counts = manifest.counts
    return BuildReport(
        committed=True,
        files=tally.file_counts(counts.skipped),
        chunks=ChunkCounts(
            total=counts.chunks, embedded=embedded, reused=tally.chunks - embedded, removed=tally.removed
        ),
        left_out=left_out_counts(left_out),
        seconds=seconds,
        searchable_seconds=searchable_seconds,
        rebuilt=rebuilt,
        slowest=tally.slowest,
        warnings=[*left_out.warnings, *warnings],
        **_of_generation(manifest, held),
    )


def report_upgraded(report: BuildReport, upgrade: Upgrade, seconds: dict[str, float]) -> BuildReport:
    """Add what an upgrade did to the report of the build that it follows."""
    warnings = list(dict.fromkeys([*report.warnings, *upgrade.warnings]))
    manifest = upgrade.manifest
    if manifest is None:
        return replace(report, seconds=seconds, warnings=warnings)
    basis = Basis.from_extra(manifest.extra)
    return replace(
        report,
        generation=f"{manifest.generation:08d}",
        digest=manifest.digest,
        vector_digest=manifest.vector_digest,
        committed=True,
        chunks=replace(report.chunks, total=manifest.counts.chunks, upgraded=upgrade.chunks),
        tiers=manifest.tiers,
        upgraded=manifest.upgraded,
        seconds=seconds,
        recall=basis.recall,
        drift=basis.drift,
        warnings=warnings,
    )


class _OfGeneration(TypedDict):
    generation: str
    digest: str
    vector_digest: str
    source: str
    tiers: dict[Tier, int]
    upgraded: float
    bytes: int
    skips: dict[str, int]
    languages: dict[str, int]
    parse_errors: dict[str, int]
    parser_failures: dict[str, int]
    recall: Recall | None
    drift: Drift | None


def _of_generation(manifest: Manifest, held: Held) -> _OfGeneration:
    basis = Basis.from_extra(manifest.extra)
    languages = held.languages
    return {
        "generation": f"{manifest.generation:08d}",
        "digest": manifest.digest,
        "vector_digest": manifest.vector_digest,
        "source": manifest.source.kind,
        "tiers": manifest.tiers,
        "upgraded": manifest.upgraded,
        "bytes": sum(counts.bytes for counts in languages.values()),
        "skips": held.skips,
        "languages": {name: counts.chunks for name, counts in languages.items()},
        "parse_errors": {name: counts.errors for name, counts in languages.items() if counts.errors},
        "parser_failures": {name: counts.failures for name, counts in languages.items() if counts.failures},
        "recall": basis.recall,
        "drift": basis.drift,
    }
