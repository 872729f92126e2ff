"""Which segments of a text index are merged."""

from __future__ import annotations

import uuid

import pytest

from indexer.stores.text.check import Segment
from indexer.stores.text.levels import MERGED, alike


def segments(*sizes: int) -> list[Segment]:
    return [Segment(str(uuid.UUID(int=place)), size, None) for place, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "merged"),
    [
        ([], []),
        ([30_000] * 7, []),
        ([30_000] * 8, [30_000] * 8),
        ([30_000] * 20, [30_000] * 8),
        # Small ones are all of one level, whatever their sizes.
        ([1, 9_999, 50, 700, 3, 4, 5_000, 20], [1, 3, 4, 20, 50, 700, 5_000, 9_999]),
        ([240_000] * 7 + [30_000] * 7, []),
        # A level is less than twice as wide: 17,000 is not of that of 30,000.
        ([30_000] * 7 + [17_000], []),
        ([30_000] * 7 + [18_000], [18_000] + [30_000] * 7),
        # The smallest go first.
        ([240_000] * 9 + [30_000] * 9, [30_000] * 8),
        ([240_000] * 9 + [30_000] * 7, [240_000] * 8),
    ],
)
def test_eight_of_a_level_are_merged(sizes: list[int], merged: list[int]) -> None:
    found = [segment.max_doc for segment in alike(segments(*sizes))]
    assert found == merged
    assert len(found) in (0, MERGED)
