"""How a large repository becomes shards: runs of folders of about equal bytes, which stay where they are.

Parts are runs in the order of folders, as a tablet is a run of rows (Chang et al., "Bigtable", 2006). A file that comes
falls into the run that is there; only a part that has outgrown the target is cut again, and a small one joins its
neighbour, so that other parts keep their shards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from indexer.sources.member import Cut, steps_of

OUTGROWN = 2.0
"""A part of so many times the target is cut."""
SMALL = 0.25
"""A part of so little of the target joins the one before it, if both together are within the target."""

Sizes = Mapping[str, int]
"""Bytes of the files that lie in a folder itself, by folder."""


def choose_cuts(known: Sequence[tuple[Cut, int]], target: int, sizes: Callable[[], Sizes]) -> list[tuple[Cut, int]]:
    """Return the parts of a repository, in order, for parts of about `target` bytes, and how many bytes each has.

    `known` are the parts that there are with their bytes, none of a new repository. `sizes` walks it, and is called
    only when something must be cut.
    """
    parts = list(known) or [(Cut(), sum(sizes().values()))]
    cuts: list[tuple[Cut, int]] = []
    for cut, size in parts:
        pieces = _split(cut, sizes(), target) if size > OUTGROWN * target else [(cut, size)]
        for piece, own in pieces:
            before = cuts[-1] if cuts else None
            if before and min(before[1], own) < SMALL * target and before[1] + own <= target:
                cuts[-1] = (Cut(before[0].start, piece.end), before[1] + own)
            else:
                cuts.append((piece, own))
    return cuts


def _split(cut: Cut, sizes: Sizes, target: int) -> list[tuple[Cut, int]]:
    """Cut a part into runs of about equal bytes, none larger than the target where folders allow."""
    folders = sorted((folder for folder in sizes if cut.holds(f"{folder}/x" if folder else "x")), key=steps_of)
    total = sum(sizes[folder] for folder in folders)
    share = total / max(1, math.ceil(total / target))
    starts, size, bytes_of = [cut.start], 0, []
    for folder in folders:
        if size and size + sizes[folder] / 2 > share:
            starts.append(folder)
            bytes_of.append(size)
            size = 0
        size += sizes[folder]
    bytes_of.append(size)
    ends = [*starts[1:], cut.end]
    return [(Cut(start, end), own) for start, end, own in zip(starts, ends, bytes_of, strict=True)]
