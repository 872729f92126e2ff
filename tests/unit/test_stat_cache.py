"""The stat cache is a help and never a risk."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.stores.caches.stats import NAME, read_stats, write_stats

STATS = {"a.py": (1, 2, 3, 4), "bad\udcff\nname.py": (3, -4, 5, (1 << 63) - 1)}


def test_what_is_written_is_read_for_the_same_generation_alone(tmp_path: Path) -> None:
    assert write_stats(tmp_path, "digest", STATS)
    assert read_stats(tmp_path, "digest") == STATS
    assert read_stats(tmp_path, "another") == {}
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_no_stats_remove_the_file(tmp_path: Path) -> None:
    write_stats(tmp_path, "digest", STATS)
    assert write_stats(tmp_path, "digest", {})
    assert write_stats(tmp_path, "digest", {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", [0, 10, 20, -1])
def test_a_damaged_file_is_ignored(tmp_path: Path, place: int) -> None:
    write_stats(tmp_path, "digest", STATS)
    content = bytearray((tmp_path / NAME).read_bytes())
    content[place] ^= 1
    (tmp_path / NAME).write_bytes(content)
    assert read_stats(tmp_path, "digest") == {}


def test_a_truncated_an_empty_and_a_missing_file_are_ignored(tmp_path: Path) -> None:
    assert read_stats(tmp_path, "digest") == {}
    write_stats(tmp_path, "digest", STATS)
    content = (tmp_path / NAME).read_bytes()
    for length in (0, 15, 16, len(content) - 1):
        (tmp_path / NAME).write_bytes(content[:length])
        assert read_stats(tmp_path, "digest") == {}


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    assert not write_stats(tmp_path / "missing", "digest", STATS)
    (tmp_path / NAME).mkdir()
    assert not write_stats(tmp_path, "digest", STATS)
    assert read_stats(tmp_path, "digest") == {}
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
