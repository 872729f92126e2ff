"""What a walk left out, and that each file that git tracks is accounted for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from msgspec.structs import replace

from indexer.sources.rules import Scope
from indexer.types import LeftOut, LeftOutEntry, LeftOutReason, SkippedFile, SourceFile


def account(found: Sequence[SourceFile | SkippedFile], entries: Iterable[LeftOutEntry], scope: Scope) -> LeftOut:
    """Describe a walk: what it found, what it met and left out, and what its repositories track."""
    ordered = tuple(_anew(entry) for entry in sorted(entries, key=attrgetter("path")))
    if not scope.tracked:
        return LeftOut(ordered, warnings=scope.warnings())
    missed: set[str] = set()
    missed.update(*(files.paths for files in scope.tracked))
    total = len(missed)
    missed.difference_update(file.path for file in found)
    gitlinks = frozenset().union(*(files.gitlinks for files in scope.tracked))
    tracked = tuple(map(_anew, _explained(sorted(missed), found, ordered, gitlinks))) if missed else ()
    return LeftOut(ordered, tracked, total, scope.warnings())


def _anew(entry: LeftOutEntry) -> LeftOutEntry:
    """Return an equal entry elsewhere in memory: among a walk's many files it would keep theirs from being freed."""
    path, rule = (text.encode("utf-8", "surrogatepass") for text in (entry.path, entry.rule))
    return replace(entry, path=path.decode("utf-8", "surrogatepass"), rule=rule.decode("utf-8", "surrogatepass"))


def _explained(
    paths: Iterable[str],
    found: Iterable[SourceFile | SkippedFile],
    entries: Iterable[LeftOutEntry],
    gitlinks: frozenset[str],
) -> Iterator[LeftOutEntry]:
    """Yield files that git tracks and the walk did not find, with the reason.

    No path at which the walk stopped lies inside another, so that the last one before a file is the only one to ask.
    """
    stops = {entry.path + "/": (entry.reason, entry.rule) for entry in entries}
    for file in found:
        if isinstance(file, SkippedFile):
            stops[file.path + "/"] = (LeftOutReason.SKIPPED_FOLDER, file.path)
    order = sorted(stops)
    for path in paths:
        place = bisect_right(order, path + "/")
        if place and (path + "/").startswith(order[place - 1]):
            reason, rule = stops[order[place - 1]]
            yield LeftOutEntry(path, reason, rule)
        else:
            yield LeftOutEntry(path, LeftOutReason.SUBMODULE if path in gitlinks else LeftOutReason.MISSING)
