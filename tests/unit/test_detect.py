"""Detect: any sequence of edits gives the right sets, and a file changed within a clock tick is never missed."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from indexer.stages.detect import GRANULARITY_NS, content_hash, detect, verified_blob
from indexer.types import FileRecord, SkipReason
from tests.fakes import SECOND, MemorySource
from tests.unit.looks import commit, look, paths


def test_a_first_look_adds_without_reading() -> None:
    source = MemorySource()
    source.put("a.py", b"a")
    source.put("b.py", b"b")
    changes = look(source, {})
    assert paths(changes.added) == ["a.py", "b.py"]
    assert source.reads == []
    assert changes.added[0] == FileRecord("a.py", 1, SECOND, b"", ctime_ns=SECOND, inode=1)


def test_nothing_changed_reads_nothing() -> None:
    source = MemorySource()
    source.put("a.py", b"a")
    source.put("g.py", b"#")
    known = commit(source, {}, look(source, {}))
    changes = look(source, known)
    assert changes.is_empty
    assert (changes.unchanged, paths(changes.skipped), source.reads) == (1, ["g.py"], [])


def test_the_id_of_a_content_tells_whether_it_changed_however_soon() -> None:
    source = MemorySource({"a.py": b"a", "b.py": b"b"}, content_ids={"a.py": b"1" * 20, "b.py": b"2" * 20})
    known = commit(source, {}, look(source, {}, at=3 * SECOND))
    changes = look(source, known, at=3 * SECOND)
    assert (changes.is_empty, source.reads) == (True, [])
    source.contents["b.py"], source.content_ids["b.py"] = b"c", b"3" * 20
    assert paths(look(source, known, at=3 * SECOND).modified) == ["b.py"]


def test_a_file_that_becomes_skipped_and_back() -> None:
    source = MemorySource()
    source.put("a.py", b"a")
    known = commit(source, {}, look(source, {}))
    source.skips["a.py"] = SkipReason.TOO_LARGE
    changes = look(source, known)
    assert paths(changes.skipped_new) == ["a.py"]
    assert changes.removed == ()
    known = commit(source, known, changes)
    source.contents["a.py"] = b"grown, still too large"
    assert look(source, known).is_empty
    del source.skips["a.py"]
    assert paths(look(source, known).added) == ["a.py"]


def test_an_empty_file_is_skipped_unread() -> None:
    source = MemorySource()
    source.put("a.py", b"")
    changes = look(source, {})
    assert changes.skipped_new == changes.skipped
    assert changes.skipped[0].skip is SkipReason.EMPTY
    assert changes.skipped[0].hash == content_hash(b"")
    assert source.reads == []


def test_a_file_skipped_for_the_same_reason_with_other_content_is_news() -> None:
    """Else its digest would depend on what it was before."""
    source = MemorySource()
    source.put("blank.py", b"#  blank")
    source.put("made.py", b"# made")
    records = commit(source, {}, look(source, {}))
    known = {
        "blank.py": replace(records["blank.py"], skip=SkipReason.EMPTY),
        "made.py": replace(records["made.py"], language="python"),
    }
    source.put("blank.py", b"", 2 * SECOND)
    source.skips["made.py"] = SkipReason.GENERATED
    changes = look(source, known)
    assert [(record.path, record.hash) for record in changes.skipped_new] == [
        ("blank.py", content_hash(b"")),
        ("made.py", b""),
    ]
    assert look(source, commit(source, known, changes)).is_empty


def test_an_ignored_file_counts_as_removed() -> None:
    source = MemorySource()
    source.put("a.py", b"a")
    source.put("b.py", b"b")
    known = commit(source, {}, look(source, {}))
    del source.contents["a.py"]
    assert look(source, known).removed == ("a.py",)


def test_unreadable_and_vanished_files_never_raise_and_are_no_news_twice() -> None:
    source = MemorySource()
    for path in ("gone.py", "shut.py"):
        source.put(path, b"a")
    known = commit(source, {}, look(source, {}))
    source.times = dict.fromkeys(source.times, 2 * SECOND)
    source.change_times = dict(source.times)
    source.failures = {"gone.py": FileNotFoundError(2, "gone"), "shut.py": PermissionError(13, "Permission denied")}
    changes = look(source, known)
    assert changes.removed == ("gone.py",)
    assert [(record.path, record.skip, record.detail) for record in changes.skipped_new] == [
        ("shut.py", SkipReason.UNREADABLE, "Permission denied")
    ]
    known = commit(source, known, changes)
    del source.contents["gone.py"]
    assert look(source, known).is_empty
    del source.failures["shut.py"]
    assert paths(look(source, known).added) == ["shut.py"]


def test_attributes_that_keep_a_file_have_it_parsed_again() -> None:
    source = MemorySource()
    source.put("a.py", b"# generated")
    known = commit(source, {}, look(source, {}))
    assert known["a.py"].skip is SkipReason.GENERATED
    source.kept["a.py"] = ".gitattributes:1 *.py -linguist-generated"
    changes = look(source, known)
    assert paths(changes.added) == ["a.py"]
    known = commit(source, known, changes)
    assert known["a.py"].skip is None
    assert look(source, known).is_empty
    source.kept.clear()
    assert paths(look(source, known).modified) == ["a.py"]


EDITS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from("abcd"), st.sampled_from([b"", b"1", b"2", b"#1", b"22"])),
    st.tuples(st.just("delete"), st.sampled_from("abcd"), st.none()),
    st.tuples(st.just("touch"), st.sampled_from("abcd"), st.none()),
    st.tuples(st.just("forge"), st.sampled_from("abcd"), st.sampled_from([b"1", b"2", b"22", b"33"])),
    st.tuples(
        st.just("skip"), st.sampled_from("abcd"), st.sampled_from([None, SkipReason.SYMLINK, SkipReason.TOO_LARGE])
    ),
)


@given(st.lists(st.lists(EDITS, max_size=4), min_size=1, max_size=5), st.sampled_from([0, 1, GRANULARITY_NS]))
def test_any_sequence_of_edits_gives_the_right_sets(rounds: list[list[tuple[str, str, object]]], tick: int) -> None:
    """Each look, with a clock that stands still, creeps or runs, finds exactly what differs from the look before."""
    source, known, now = MemorySource(), dict[str, FileRecord](), 10 * SECOND
    before: dict[str, bytes] = {}
    for edits in rounds:
        for action, path, value in edits:
            now += tick
            if action == "write" and isinstance(value, bytes):
                source.put(path, value, now)
            elif action == "touch" and path in source.contents:
                source.times[path] = now
            elif action == "forge" and isinstance(value, bytes) and source.contents.get(path):
                source.contents[path], source.change_times[path] = value, now
            elif action == "delete":
                source.contents.pop(path, None)
                source.skips.pop(path, None)
            elif action == "skip" and path in source.contents:
                source.skips.pop(path, None)
                if isinstance(value, SkipReason):
                    source.skips[path] = value
        changes = look(source, known, at=now)
        readable = {path: text for path, text in source.contents.items() if text and path not in source.skips}
        indexed = {path: text for path, text in readable.items() if not text.startswith(b"#")}
        skipped_by_parser = {path for path, record in known.items() if record.skip and record.hash}
        assert set(changes.removed) == known.keys() - source.contents.keys()
        assert set(paths(changes.modified)) == {
            path for path in readable.keys() & before.keys() if readable[path] != before[path]
        }
        assert set(paths(changes.added)) == {
            path
            for path in readable.keys() - before.keys()
            if path not in skipped_by_parser or content_hash(readable[path]) != known[path].hash
        }
        assert changes.unchanged == sum(before.get(path) == text for path, text in readable.items())
        assert set(paths(changes.skipped)) == source.contents.keys() - readable.keys() | {
            path for path in readable.keys() & skipped_by_parser if content_hash(readable[path]) == known[path].hash
        }
        known = commit(source, known, changes)
        before = indexed
        assert {path for path, record in known.items() if record.skip is None} == indexed.keys()
        assert all(record.hash == content_hash(source.contents[path]) for path, record in known.items() if record.hash)


BLOB, OTHER = b"b" * 20, b"o" * 20


@pytest.mark.parametrize(
    ("has", "knows", "content", "read", "modified"),
    [
        (BLOB, BLOB, b"x = 1\n", False, False),
        (BLOB, OTHER, b"x = 1\n", False, True),
        (BLOB, b"", b"x = 1\n", True, False),
        (b"", BLOB, b"x = 2\n", True, True),
        (BLOB, BLOB, b"longer, as behind a filter\n", True, True),
    ],
)
def test_gits_id_of_a_content_decides_where_both_sides_have_it(
    has: bytes, knows: bytes, content: bytes, read: bool, modified: bool
) -> None:
    source = MemorySource(blobs={"a.py": has})
    source.put("a.py", content, 90 * SECOND)
    known = FileRecord("a.py", 6, SECOND, content_hash(b"x = 1\n"), blob=knows)
    changes = detect(source, {"a.py": known}, clock=lambda: 1000 * SECOND)
    assert (source.reads == ["a.py"], len(changes.modified) == 1) == (read, modified)
    by_content = detect(source, {"a.py": known}, by_content=True, clock=lambda: 1000 * SECOND)
    assert "a.py" in source.reads and len(by_content.modified) == (content != b"x = 1\n")


def test_an_id_that_is_not_the_contents_is_not_recorded() -> None:
    for name, size in (("sha1", 20), ("sha256", 32)):
        right = hashlib.new(name, b"blob 6\0x = 1\n").digest()
        assert len(right) == size
        assert verified_blob(right, b"x = 1\n") == right
        assert verified_blob(right, b"x = 1\r\n") == verified_blob(b"", b"x = 1\n") == b""
