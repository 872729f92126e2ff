"""How often a searcher that runs for long looks for changed files."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.search.freshness import Freshness
from indexer.stores.generation.reader import Generation
from tests.fakes import generation_of


class Looks:
    """Counts looks, which take some seconds of a clock that else stands still; each finds one more changed file."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.now = 1000.0
        self.seconds = seconds
        self.of: list[Generation] = []

    def count(self, generation: Generation) -> int | None:
        """Take the time, and return how many looks there were."""
        self.now += self.seconds
        self.of.append(generation)
        return len(self.of)

    def clock(self) -> float:
        """The time, in seconds."""
        return self.now


@pytest.fixture
def one(tmp_path: Path) -> Generation:
    return generation_of(tmp_path, {}, checksum="one")


def test_an_answer_is_kept_for_a_moment(one: Generation) -> None:
    looks = Looks()
    freshness = Freshness(looks.count, keep_seconds=2.0, clock=looks.clock)
    assert [freshness.stale(one), freshness.stale(one)] == [1, 1]
    looks.now += 1.9
    assert freshness.stale(one) == 1
    looks.now += 0.2
    assert freshness.stale(one) == 2


def test_another_generation_is_looked_at_at_once(one: Generation, tmp_path: Path) -> None:
    looks = Looks()
    freshness = Freshness(looks.count, clock=looks.clock)
    other = generation_of(tmp_path, {}, checksum="other")
    assert [freshness.stale(one), freshness.stale(other), freshness.stale(other)] == [1, 2, 2]
    assert looks.of == [one, other]


def test_that_nothing_can_be_compared_is_kept_too(one: Generation) -> None:
    looks = Looks()

    def nowhere(generation: Generation) -> None:
        looks.count(generation)

    freshness = Freshness(nowhere, clock=looks.clock)
    assert [freshness.stale(one), freshness.stale(one)] == [None, None]
    assert len(looks.of) == 1


def test_looking_takes_a_tenth_of_the_time_at_most(one: Generation) -> None:
    looks = Looks(seconds=30.0)
    freshness = Freshness(looks.count, keep_seconds=2.0, clock=looks.clock)
    began = looks.now
    while looks.now < began + 3000:
        freshness.stale(one)
        looks.now += 1.0
    assert 9 <= len(looks.of) <= 10


def test_a_look_that_failed_is_no_answer(one: Generation) -> None:
    failures = [OSError("gone")]

    def count(_: Generation) -> int | None:
        if failures:
            raise failures.pop()
        return 3

    freshness = Freshness(count)
    with pytest.raises(OSError, match="gone"):
        freshness.stale(one)
    assert freshness.stale(one) == 3
