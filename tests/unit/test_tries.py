"""A shard that failed is tried again after the others and a while, unless it would fail for ever."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from indexer.config import Config
from indexer.errors import ConfigError, StorageError
from indexer.sources.member import Cut
from pipelines.fleet.repositories import Repository
from pipelines.fleet.shard import ShardTask
from pipelines.fleet.tries import ATTEMPTS, FIRST_WAIT_SECONDS, Tries

BUSY = StorageError("the disk is busy")


def task(name: str) -> ShardTask:
    return ShardTask(name, Repository(name, Path(name)), Cut(), Path("fleet"), Config(), None)


def taken(tries: Tries, most: int = 9) -> list[str]:
    return [own.id for own in tries.take(most)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which tests change."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_no_more_are_taken_than_there_are_builders() -> None:
    tries = Tries([task("a"), task("b"), task("c")])
    assert taken(tries, -1) == taken(tries, 0) == []
    assert [taken(tries, 2), taken(tries, 2), taken(tries, 2)] == [["a", "b"], ["c"], []]
    assert not tries and tries.due is None


def test_what_failed_comes_again_after_a_while_that_doubles(clock: list[float]) -> None:
    tries, own = Tries([task("a"), task("b")]), task("a")
    assert taken(tries, 1) == ["a"]
    wait = FIRST_WAIT_SECONDS
    for _ in range(ATTEMPTS - 1):
        assert tries.failed(own, BUSY) is None
        assert tries.due == clock[0] + wait
        assert "a" not in taken(tries) and tries
        clock[0] += wait
        assert taken(tries) == ["a"]
        wait *= 2
    failure = tries.failed(own, BUSY)
    assert failure is not None and (failure.id, failure.message) == ("a", "the disk is busy")
    assert not tries


def test_what_would_fail_for_ever_is_given_up_at_once() -> None:
    tries = Tries([task("a")])
    tries.take(1)
    failure = tries.failed(task("a"), ConfigError("no such branch"))
    assert failure is not None and failure.message == "no such branch"
    assert not tries


def test_an_error_without_words_is_named_by_its_kind() -> None:
    tries = Tries([task("a")])
    for _ in range(ATTEMPTS):
        failure = tries.failed(task("a"), MemoryError())
    assert failure is not None and failure.message == "MemoryError"
