"""What a build did: counts, skips and seconds, as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

import msgspec

from indexer.types import FileChanges, FileRecord, ParsedFile, Tier
from pipelines.quality.figures import Basis, Drift, Recall

if TYPE_CHECKING:
    from indexer.stores.generation.reader import Generation


def record_of(file: ParsedFile | FileRecord) -> FileRecord:
    """Return the catalog's record of a file that was parsed, or skipped."""
    return file.record if isinstance(file, ParsedFile) else file


class FileCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Files by what happened to them; `skipped` counts all files left out, not only those of this build."""

    added: int = 0
    modified: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: int = 0


class ChunkCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Chunks: all in the index, sent through the encoder, given a vector known before, and gone."""

    total: int = 0
    embedded: int = 0
    reused: int = 0
    removed: int = 0


class BuildReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one build; its JSON form is the command line's `build --json`.

    `digest` is over files and chunks, `vector_digest` over vectors and their tiers, and `tiers` counts chunks by the tier
    of their vector.
    `committed` is false when nothing had changed. `rebuilt` says why the index was made anew, or is empty. `bytes` is
    the size of the indexed files, `languages` counts chunks, `parse_errors` error nodes of the parser,
    `parser_failures` files on which the grammar failed, so that they are indexed by their lines alone. `recall` and
    `drift` say how well the stored vectors stand for the encoder's own (null: not measured). `warnings` are sentences
    for a person.
    """

    generation: str
    digest: str
    vector_digest: str
    committed: bool
    files: FileCounts
    chunks: ChunkCounts
    tiers: dict[Tier, int]
    bytes: int
    skips: dict[str, int]
    languages: dict[str, int]
    parse_errors: dict[str, int]
    parser_failures: dict[str, int]
    seconds: dict[str, float]
    recall: Recall | None = None
    drift: Drift | None = None
    rebuilt: str = ""
    warnings: list[str] = []


class Tally:
    """Counts what a build does, file by file, against the changes that it set out with."""

    def __init__(self, changes: FileChanges) -> None:
        self._changes = changes
        self._new = {record.path for record in changes.added}
        self.expected = len(changes.added) + len(changes.modified)
        self.added = 0
        self.modified = 0
        self.chunks = 0
        self.removed = 0

    def remove(self, old_chunks: Sequence[int]) -> None:
        """Count a file that is gone."""
        self.removed += len(old_chunks)

    def put(self, file: ParsedFile | FileRecord, old_chunks: Sequence[int]) -> None:
        """Count a file that was parsed or skipped, and the chunks that it had before."""
        chunks = file.chunks if isinstance(file, ParsedFile) else ()
        self.chunks += len(chunks)
        self.removed += len(set(old_chunks) - {chunk.id for chunk in chunks})
        if isinstance(file, ParsedFile):
            if file.record.path in self._new:
                self.added += 1
            else:
                self.modified += 1

    def file_counts(self, skipped: int) -> FileCounts:
        """Return the files by state."""
        return FileCounts(
            added=self.added,
            modified=self.modified,
            removed=len(self._changes.removed),
            unchanged=self._changes.unchanged,
            skipped=skipped,
        )


def report_unchanged(generation: Generation, changes: FileChanges, seconds: dict[str, float]) -> BuildReport:
    """Report a build that found nothing to do."""
    counts = generation.manifest.counts
    return BuildReport(
        generation=generation.name,
        digest=generation.manifest.digest,
        committed=False,
        files=FileCounts(unchanged=changes.unchanged, skipped=counts.skipped),
        chunks=ChunkCounts(total=counts.chunks),
        seconds=seconds,
        **_held(generation),
    )


def report_committed(
    generation: Generation, tally: Tally, *, embedded: int, seconds: dict[str, float], rebuilt: str, warnings: list[str]
) -> BuildReport:
    """Report a build that published a generation."""
    counts = generation.manifest.counts
    return BuildReport(
        generation=generation.name,
        digest=generation.manifest.digest,
        committed=True,
        files=tally.file_counts(counts.skipped),
        chunks=ChunkCounts(
            total=counts.chunks, embedded=embedded, reused=tally.chunks - embedded, removed=tally.removed
        ),
        seconds=seconds,
        rebuilt=rebuilt,
        warnings=warnings,
        **_held(generation),
    )


class _Held(TypedDict):
    vector_digest: str
    tiers: dict[Tier, int]
    bytes: int
    skips: dict[str, int]
    languages: dict[str, int]
    parse_errors: dict[str, int]
    parser_failures: dict[str, int]
    recall: Recall | None
    drift: Drift | None


def _held(generation: Generation) -> _Held:
    languages = generation.catalog.languages()
    basis = Basis.from_extra(generation.manifest.extra)
    return {
        "vector_digest": generation.manifest.vector_digest,
        "tiers": generation.manifest.tiers,
        "bytes": sum(counts.bytes for counts in languages.values()),
        "skips": generation.catalog.skips(),
        "languages": {name: counts.chunks for name, counts in languages.items()},
        "parse_errors": {name: counts.errors for name, counts in languages.items() if counts.errors},
        "parser_failures": {name: counts.failures for name, counts in languages.items() if counts.failures},
        "recall": basis.recall,
        "drift": basis.drift,
    }
