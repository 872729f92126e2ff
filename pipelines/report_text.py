"""What reports say to a person, in a line each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from indexer.sources.worktree import KIND as WORKTREE

from .quality.figures import Drift, Recall
from .report import LeftOutCounts


def counted(count: int, thing: str) -> str:
    """Return so many of a thing in words, such as "1 file" and "2 files"."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def source_text(kind: str) -> str:
    """Return in a line what an index is of where that is not the files as they are, or nothing."""
    return "" if kind == WORKTREE else f"{kind}; later builds keep to it until --source names another"


def nothing_text(root: Path, kind: str, skips: Mapping[str, int]) -> str:
    """Return why an index holds nothing; `skips` are its skipped files by reason."""
    if skips:
        reasons = ", ".join(f"{reason} {count}" for reason, count in skips.items())
        return f"nothing is indexed: {root} holds no file but skipped ones ({reasons})"
    from indexer.sources.member import KIND as MEMBER  # which a run that changes nothing needn't load

    own = kind.removeprefix(MEMBER)
    where = root if own == WORKTREE else f"source {own} of {root}"
    return f"nothing is indexed: {where} holds no file that the rules let through"


def upgraded_text(upgraded: float) -> str:
    """Return in a line which part of the vectors is the encoder's own, or nothing when all are."""
    return "" if upgraded == 1 else f"{min(round(100 * upgraded), 99)}% are the encoder's own, the others static"


def left_out_text(counts: LeftOutCounts) -> tuple[str, str]:
    """Return two lines for a person: what was left out, and what became of git's files; "" where there is nothing."""
    entries = ", ".join(f"{reason} {count}" for reason, count in counts.entries.items())
    if counts.tracked is None:
        return entries, ""
    missed = ", ".join(f"{reason} {count}" for reason, count in counts.tracked.left_out.items())
    text = f"{counts.tracked.found} of {counts.tracked.total} files that git tracks"
    return entries, f"{text}; left out: {missed}" if missed else text


def recall_text(recall: Recall | None) -> str:
    """Return the recall in a line."""
    if recall is None:
        return "not measured"
    return (
        f"{recall.recall:.3f} of the 10 nearest are among the first {recall.depth} found, "
        f"{recall.overlap:.3f} among the first 10 ({recall.queries} of {counted(recall.texts, 'text')} asked)"
    )


def drift_text(drift: Drift | None) -> str:
    """Return the drift in a line."""
    if drift is None:
        return "not measured"
    before = f"the projection keeps {drift.energy:.1%} of {counted(drift.texts, 'text')}"
    if not drift.added:
        return f"{before}, nothing added since"
    return f"{before}, {drift.added_energy:.1%} of {counted(drift.added, 'text')} added since"
