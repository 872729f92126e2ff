"""Files that appear whole or not at all, whoever else writes them, and whatever was killed while it did."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexer.errors import StorageError
from pipelines.whole_file import whole_file


def test_what_a_kill_left_stops_no_writer_with_the_same_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.json"
    killed = os.fork()
    if killed == 0:
        with whole_file(target) as file:
            file.write(b"half")
            file.flush()
            os._exit(0)
    os.waitpid(killed, 0)
    assert len(list(tmp_path.iterdir())) == 1 and not target.exists()
    monkeypatch.setattr(os, "getpid", lambda: killed)
    with whole_file(target) as file:
        file.write(b"whole")
    assert target.read_bytes() == b"whole"


def test_of_two_writers_at_once_the_last_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    with whole_file(target) as first:
        first.write(b"the first")
        with whole_file(target) as second:
            second.write(b"second")
        assert target.read_bytes() == b"second"
    assert target.read_bytes() == b"the first"
    assert list(tmp_path.iterdir()) == [target]


def test_a_writer_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), whole_file(target) as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]
    with pytest.raises(StorageError, match="can't be written"), whole_file(tmp_path / "none" / "report.json"):
        pass
