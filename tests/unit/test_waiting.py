"""Files that wait to be parsed."""

from __future__ import annotations

import sys

import pytest

from indexer.types import FileRecord, SkipReason
from pipelines.parsing.waiting import WaitingFiles


def records(count: int) -> list[FileRecord]:
    """Return records whose paths differ, not all of them UTF-8, with something in each field."""
    return [
        FileRecord(
            f"a folder/{number}/n\udce9m.py",
            number,
            -1,
            number.to_bytes(16, "big"),
            language="python",
            skip=SkipReason.EMPTY if number % 2 else None,
            detail="*.py text \udcff",
            errors=number,
            lines=2 * number,
            failure="hung",
            ctime_ns=number << 40,
            inode=7,
            blob=b"\0\xff" * 10,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 1024, 1025, 5000])
def test_records_are_taken_in_order_as_they_were_given(count: int) -> None:
    given = records(count)
    waiting = WaitingFiles(given)
    assert len(waiting) == count
    assert waiting.size == sum(range(count))
    assert list(waiting) == given
    assert [waiting.popleft() for _ in range(count)] == given
    assert not waiting
    with pytest.raises(IndexError):
        waiting.popleft()


def test_what_waits_is_what_was_not_taken() -> None:
    given = records(3000)
    waiting = WaitingFiles(given)
    for taken in range(1, 2000):
        waiting.popleft()
        assert len(waiting) == 3000 - taken
    assert list(waiting) == given[1999:]


def test_records_that_wait_take_little_memory() -> None:
    before = sys.getallocatedblocks()
    waiting = WaitingFiles(records(20_000))
    assert sys.getallocatedblocks() - before < 20_000
    assert len(waiting) == 20_000
