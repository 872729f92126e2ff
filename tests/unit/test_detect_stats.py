"""Detect: which stat is believed, and which file is read though its stat looks right."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from indexer.stages.detect import GRANULARITY_NS, RACY, as_read, detect
from indexer.types import FileRecord
from tests.fakes import SECOND, MemorySource
from tests.unit.looks import commit, look, paths


def test_a_touched_file_is_healed_and_not_parsed() -> None:
    source = MemorySource()
    source.put("a.py", b"a")
    known = commit(source, {}, look(source, {}))
    source.times["a.py"] = 2 * SECOND
    changes = look(source, known)
    assert changes.is_empty
    assert changes.touched == (replace(known["a.py"], mtime_ns=2 * SECOND, ctime_ns=2 * SECOND),)
    assert changes.unchanged == 1


def test_remembered_stats_of_a_touched_file_save_the_read_and_stay_to_be_healed() -> None:
    source = MemorySource()
    source.put("a.py", b"a")
    known = commit(source, {}, look(source, {}))
    source.times["a.py"] = 2 * SECOND
    source.reads.clear()
    seen = {"a.py": (1, 2 * SECOND, 2 * SECOND, 1)}
    changes = detect(source, known, seen, clock=lambda: 100 * SECOND)
    assert source.reads == []
    assert changes.touched == (replace(known["a.py"], mtime_ns=2 * SECOND, ctime_ns=2 * SECOND),)
    source.times["a.py"] = 3 * SECOND
    source.contents["a.py"] = b"b"
    assert paths(detect(source, known, seen, clock=lambda: 100 * SECOND).modified) == ["a.py"]


@pytest.mark.parametrize("remembers", [True, False])
def test_other_content_of_the_same_size_and_modification_time_is_seen(remembers: bool) -> None:
    source = MemorySource()
    for path in ("replaced.py", "rewritten.py", "same.py"):
        source.put(path, b"a")
    known = commit(source, {}, look(source, {}))
    source.contents.update({"replaced.py": b"b", "rewritten.py": b"b"})
    source.inodes["replaced.py"] = 2
    source.change_times["rewritten.py"] = 3 * SECOND
    changes = detect(source, known, remembers=remembers, clock=lambda: 100 * SECOND)
    assert paths(changes.modified) == ["replaced.py", "rewritten.py"]
    assert changes.unchanged == 1


def test_a_file_changed_within_the_tick_whose_time_was_set_back_is_read_again() -> None:
    source, now = MemorySource(), 100 * SECOND
    source.put("a.py", b"a")
    source.change_times["a.py"] = now
    known = commit(source, {}, look(source, {}, at=now))
    source.contents["a.py"] = b"b"
    assert paths(look(source, known, at=now + 1).modified) == ["a.py"]


def test_a_copied_tree_is_read_once() -> None:
    source = MemorySource()
    source.put("a.py", b"a")
    source.put("b.py", b"b")
    known = commit(source, {}, look(source, {}))
    copy = source.copy()
    changes = look(copy, known)
    assert changes.is_empty
    assert (changes.unchanged, copy.reads) == (2, ["a.py", "b.py"])
    copy.reads.clear()
    seen = {record.path: record.stat for record in changes.touched}
    assert detect(copy, known, seen, clock=lambda: 200 * SECOND).unchanged == 2
    assert copy.reads == []
    copy.contents["a.py"], copy.change_times["a.py"] = b"c", 60 * SECOND
    assert paths(detect(copy, known, seen, clock=lambda: 200 * SECOND).modified) == ["a.py"]


def test_where_nothing_can_be_remembered_a_copy_is_told_by_size_and_modification_time() -> None:
    source = MemorySource()
    source.put("a.py", b"a")
    source.put("b.py", b"b")
    known = commit(source, {}, look(source, {}))
    copy = source.copy()
    changes = detect(copy, known, remembers=False, clock=lambda: 100 * SECOND)
    assert (changes.is_empty, changes.unchanged, changes.touched, copy.reads) == (True, 2, (), [])
    copy.times["a.py"], copy.contents["a.py"] = 2 * SECOND, b"c"
    assert paths(detect(copy, known, remembers=False, clock=lambda: 100 * SECOND).modified) == ["a.py"]
    assert copy.reads == ["a.py"]


def test_a_look_by_content_trusts_no_stat() -> None:
    source = MemorySource()
    for path, content in (("a.py", b"a"), ("b.py", b"b"), ("g.py", b"#")):
        source.put(path, content)
    known = commit(source, {}, look(source, {}))
    source.contents["a.py"] = b"c"
    source.reads.clear()
    seen = {path: record.stat for path, record in known.items()}
    changes = detect(source, known, seen, by_content=True, remembers=False, clock=lambda: 100 * SECOND)
    assert (paths(changes.modified), changes.unchanged, paths(changes.skipped)) == (["a.py"], 1, ["g.py"])
    assert (source.reads, changes.touched) == (["a.py", "b.py", "g.py"], ())


def test_a_change_within_the_clock_tick_of_the_look_is_seen() -> None:
    source, now = MemorySource(), 100 * SECOND
    source.put("a.py", b"a", now - GRANULARITY_NS)
    source.put("old.py", b"a", now - GRANULARITY_NS - 1)
    known = commit(source, {}, look(source, {}, at=now))
    assert known["a.py"].mtime_ns == RACY
    source.contents["a.py"] = b"b"  # same size, same time
    changes = look(source, known, at=now + 1)
    assert paths(changes.modified) == ["a.py"]
    assert source.reads == ["a.py"]


def test_a_recent_file_is_read_again_until_its_time_can_be_trusted() -> None:
    source, now = MemorySource(), 100 * SECOND
    source.put("a.py", b"a", now)
    known = commit(source, {}, look(source, {}, at=now))
    changes = look(source, known, at=now + 1)
    assert (changes.touched, changes.unchanged, source.reads) == ((), 1, ["a.py"])
    changes = look(source, known, at=now + GRANULARITY_NS + 1)
    assert changes.touched == (replace(known["a.py"], mtime_ns=now),)
    assert known["a.py"].ctime_ns == now
    known = commit(source, known, changes)
    assert look(source, known, at=now + GRANULARITY_NS + 2).touched == ()
    assert source.reads == []


def test_times_that_stand_for_content_are_always_trusted() -> None:
    source = MemorySource()
    source.put("a.py", b"a", -5)
    assert look(source, {}).added[0].mtime_ns == -5


def test_what_changed_after_the_look_is_read_again() -> None:
    record = FileRecord("a.py", 9, 2 * SECOND, b"", ctime_ns=2 * SECOND, inode=1)
    assert as_read(record, record.stat) == record
    for read in ((0, *record.stat[1:]), (9, 3 * SECOND, 3 * SECOND, 1), (9, 2 * SECOND, 2 * SECOND, 5)):
        assert as_read(record, read) == replace(record, size=read[0], mtime_ns=RACY)
    assert as_read(replace(record, mtime_ns=RACY), record.stat).mtime_ns == RACY
