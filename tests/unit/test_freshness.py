"""How far an index is behind its files, and what a look at touched files leaves for the next."""

from __future__ import annotations

from pathlib import Path

from indexer.config import Config
from indexer.stages.detect import content_hash
from indexer.types import FileRecord
from pipelines.freshness import count_stale, detect_changes
from tests.fakes import SECOND, MemorySource, generation_of


def record(path: str, content: bytes, mtime_ns: int = SECOND) -> FileRecord:
    return FileRecord(path, len(content), mtime_ns, content_hash(content), "python", ctime_ns=mtime_ns, inode=1)


def test_what_was_added_modified_and_removed_is_told(tmp_path: Path) -> None:
    known = {path: record(path, b"same") for path in ("gone.py", "edited.py", "kept.py")}
    source = MemorySource({"edited.py": b"other", "kept.py": b"same", "new.py": b"new"})
    changes = detect_changes(source, generation_of(tmp_path, known))
    assert [file.path for file in changes.added] == ["new.py"]
    assert [file.path for file in changes.modified] == ["edited.py"]
    assert changes.removed == ("gone.py",)
    assert changes.unchanged == 1


def test_a_touched_file_is_read_at_one_look_and_not_at_the_next(tmp_path: Path) -> None:
    generation = generation_of(tmp_path, {"a.py": record("a.py", b"same")})
    source = MemorySource({"a.py": b"same"}, times={"a.py": 5 * SECOND})
    for expected in (["a.py"], []):
        source.reads.clear()
        changes = detect_changes(source, generation)
        assert source.reads == expected
        assert changes.is_empty
        assert [file.path for file in changes.touched] == ["a.py"]


def test_what_is_remembered_of_a_touched_file_goes_when_it_has_its_old_time_again(tmp_path: Path) -> None:
    generation = generation_of(tmp_path, {"a.py": record("a.py", b"same")})
    source = MemorySource({"a.py": b"same"}, times={"a.py": 5 * SECOND})
    detect_changes(source, generation)
    assert list(tmp_path.iterdir())
    source.put("a.py", b"same")
    detect_changes(source, generation)
    assert list(tmp_path.iterdir()) == []


def test_by_content_every_file_is_read(tmp_path: Path) -> None:
    source = MemorySource({"a.py": b"diff"})
    generation = generation_of(tmp_path, {"a.py": record("a.py", b"same")})
    assert detect_changes(source, generation).is_empty
    assert [file.path for file in detect_changes(source, generation, by_content=True).modified] == ["a.py"]


def test_stale_files_are_counted_whatever_became_of_them(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "new.py").write_text("x = 1\n")
    (root / "edited.py").write_text("x = 2\n")
    known = {path: record(path, b"x = 1\n") for path in ("edited.py", "gone.py")}
    generation = generation_of(tmp_path / "index", known)
    assert count_stale(root, generation, Config()) == 3


def test_an_index_of_another_kind_of_source_is_not_compared_with_the_work_tree(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    known = {"a.py": record("a.py", b"x = 1\n")}
    assert count_stale(tmp_path, generation_of(tmp_path / ".indexer", known), Config()) == 0
    assert count_stale(tmp_path, generation_of(tmp_path / ".indexer", known, kind="revision"), Config()) is None


def test_a_folder_that_is_not_there_can_t_be_compared(tmp_path: Path) -> None:
    generation = generation_of(tmp_path, {"a.py": record("a.py", b"same")})
    assert count_stale(tmp_path / "nowhere", generation, Config()) is None
