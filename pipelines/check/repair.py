"""Repair: make a damaged index whole from what is sound, and say from what."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import msgspec

from indexer.config import VectorOptions
from indexer.stores.generation import layout
from indexer.types import TIERS, EncoderIdentity

from .findings import Finding, FindingKind
from .verify import VerifyReport, verify


class Repair(StrEnum):
    """What was done."""

    NOTHING = "nothing"
    CURRENT = "current"
    VECTORS = "vectors"
    REBUILT = "rebuilt"

    @property
    def explanation(self) -> str:
        """One sentence for a person."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    Repair.NOTHING: "the index is sound; nothing was changed",
    Repair.CURRENT: "CURRENT was written again: the newest generation is whole, and is served",
    Repair.VECTORS: "the vector index was rebuilt from the embeddings in the text index",
    Repair.REBUILT: "text and vector index were rebuilt from the sources",
}


class RepairReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of `indexer repair --json`; `findings` are those before the repair."""

    repair: Repair
    message: str
    generation: str
    findings: tuple[Finding, ...]


def repair(
    index_dir: Path,
    *,
    rebuild: Callable[[], object],
    wait_seconds: float = 0.0,
    options: VectorOptions | None = None,
) -> RepairReport:
    """Verify the index, and mend what is damaged in a new generation that verifies.

    A missing or malformed CURRENT names the newest whole generation again. Damaged vectors are rebuilt from the text
    index, without an encoder. Damage elsewhere calls `rebuild`, a full build from the sources. Raises NoIndexError when
    there is nothing to repair, LockedError, StorageError for an index that is not ours, and what `rebuild` raises.
    """
    report = verify(index_dir)
    if report.ok:
        return _report(Repair.NOTHING, report, report.generation)
    if _only_current(report) and _restore_current(index_dir, wait_seconds=wait_seconds):
        again = verify(index_dir)
        if again.ok:
            return _report(Repair.CURRENT, report, again.generation)
    elif _only_vectors(report):
        lost = _rebuild_vectors(index_dir, wait_seconds=wait_seconds, options=options)
        again = verify(index_dir)
        if again.ok:
            return _report(Repair.VECTORS, report, again.generation, lost)
    rebuild()
    return _report(Repair.REBUILT, report, verify(index_dir).generation)


def _report(done: Repair, before: VerifyReport, generation: str, lost: int = 0) -> RepairReport:
    message = (
        f"{done.explanation}; {lost} of them of a lower tier than those that are lost" if lost else done.explanation
    )
    return RepairReport(repair=done, message=message, generation=generation, findings=before.findings)


def _only_current(report: VerifyReport) -> bool:
    return all(finding.kind is FindingKind.CURRENT for finding in report.findings)


def _only_vectors(report: VerifyReport) -> bool:
    folder = f"generations/{report.generation}/{layout.VECTORS}"
    return all(finding.file == folder or finding.file.startswith(f"{folder}/") for finding in report.findings)


def _restore_current(index_dir: Path, *, wait_seconds: float) -> bool:
    from indexer.stores.generation.restore import restore

    return restore(index_dir, wait_seconds=wait_seconds) is not None


def _rebuild_vectors(index_dir: Path, *, wait_seconds: float, options: VectorOptions | None) -> int:
    """Rebuild the vectors from the text index's documents; return how many chunks fell to a lower tier."""
    from indexer.stores.generation.staging import begin

    with begin(index_dir, wait_seconds=wait_seconds, options=options, check_files=False) as staging:
        assert staging.base is not None
        made = staging.base.manifest
        staging.rebuild_vectors()
        mended = staging.commit(
            encoder=EncoderIdentity(made.encoder.name, made.encoder.digest, made.encoder.dims, made.encoder.max_tokens),
            projection=made.projection,
            made_with=made.made_with,
            source=made.source,
            extra=made.extra,
        )
        return sum(max(0, made.tiers.get(tier, 0) - mended.tiers.get(tier, 0)) for tier in TIERS[1:])
