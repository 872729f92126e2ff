"""Which vector segments to merge: too many, or too dead, at a cost that stays proportional to what changed."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.config import VectorOptions

_GROWTH = 2
"""A merge takes in the next larger segment when that is at most so many times what it has: sizes stay geometric."""


def segments_to_merge(
    segments: Mapping[int, tuple[int, int]], *, staged: int, options: VectorOptions, largest: int
) -> list[int]:
    """Return the numbers of the segments to merge with the `staged` vectors, ascending.

    `segments` maps a number to (vectors, live vectors). Segments with at least max_dead_ratio dead go in any case.
    When more than max_segments would be left, the smallest are merged, but none with `largest` vectors or more: each
    vector is then moved a number of times that grows with the logarithm of their count.
    """
    chosen = [
        number
        for number, (vectors, live) in segments.items()
        if vectors == 0 or (vectors - live) / vectors >= options.max_dead_ratio
    ]
    merged = staged + sum(segments[number][1] for number in chosen)
    rest = sorted((live, number) for number, (_, live) in segments.items() if number not in chosen)
    while rest and len(rest) + (merged > 0) > options.max_segments and rest[0][0] < largest:
        # Take the whole geometric run, so that the next commits have room.
        while rest and rest[0][0] < largest and (rest[0][0] <= _GROWTH * merged or _too_many(rest, merged, options)):
            live, number = rest.pop(0)
            chosen.append(number)
            merged += live
    return sorted(chosen)


def _too_many(rest: list[tuple[int, int]], merged: int, options: VectorOptions) -> bool:
    return len(rest) + (merged > 0) > options.max_segments
