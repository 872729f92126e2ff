"""When vector segments are merged, and that it stays cheap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indexer.config import VectorOptions
from indexer.stores.vectors.merge import segments_to_merge

LARGEST = 1000
OPTIONS = VectorOptions(max_segments=4, max_dead_ratio=0.25)

segments = st.dictionaries(
    st.integers(1, 99),
    st.integers(1, 2 * LARGEST).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    max_size=12,
)


def merge(segments: dict[int, tuple[int, int]], staged: int = 10) -> list[int]:
    return segments_to_merge(segments, staged=staged, options=OPTIONS, largest=LARGEST)


def test_few_and_living_segments_stay() -> None:
    assert merge({}) == []
    assert merge({1: (500, 400), 2: (10, 10), 3: (1, 1)}) == []


def test_dead_segments_go_alone() -> None:
    assert merge({1: (500, 375), 2: (500, 376), 3: (5, 0)}) == [1, 3]


def test_the_smallest_are_merged_when_there_are_too_many() -> None:
    assert merge({1: (900, 900), 2: (500, 500), 3: (400, 400), 4: (9, 9)}) == [4]
    assert merge({1: (900, 900), 2: (10, 10), 3: (10, 10), 4: (10, 10)}) == [2, 3, 4]
    assert merge({1: (900, 900), 2: (500, 500), 3: (400, 400), 4: (9, 9)}, staged=0) == []


@given(segments, st.integers(0, 50))
def test_bounds_hold_afterwards(before: dict[int, tuple[int, int]], staged: int) -> None:
    gone = merge(before, staged)
    assert gone == sorted(set(gone)) and set(gone) <= before.keys()
    left = {number: sizes for number, sizes in before.items() if number not in gone}
    assert all((vectors - live) / vectors < OPTIONS.max_dead_ratio for vectors, live in left.values())
    merged = staged + sum(before[number][1] for number in gone)
    small = [number for number, (_, live) in left.items() if live < LARGEST]
    assert len(left) + (merged > 0) <= OPTIONS.max_segments or not small


def test_a_long_history_moves_each_vector_a_few_times() -> None:
    options = VectorOptions()
    sizes = {0: 100_000}
    moved = 0
    for commit in range(1, 2001):
        gone = segments_to_merge(
            {number: (size, size) for number, size in sizes.items()}, staged=10, options=options, largest=1 << 18
        )
        merged = sum(sizes.pop(number) for number in gone)
        sizes[commit] = 10 + merged
        moved += merged
        assert len(sizes) <= options.max_segments
    assert 0 in sizes
    assert moved < 8 * 10 * 2000
