"""Commits and readers, without faults."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from indexer.config import VectorOptions
from indexer.errors import DamagedIndexError, IndexerError, LockedError, NoIndexError, StorageError
from indexer.stores import durable
from indexer.stores.generation import layout, staged_vectors
from indexer.stores.generation.commit import gc
from indexer.stores.generation.reader import open_generation
from indexer.stores.generation.residency import Growth
from indexer.stores.generation.staging import begin
from indexer.stores.text import files as text_files
from indexer.stores.text.files import TEXT_LOCKS
from indexer.stores.text.writer import INDEXING_THREAD
from indexer.types import FileRecord, SkipReason, Tier
from pipelines.check.verify import verify
from tests.integration.conftest import remove_tree
from tests.synthetic import (
    chunks_of,
    commit,
    commit_tree,
    digest_of,
    hash_of,
    quantized,
    small_tree,
    stage,
    text_hits,
    vector_hits,
    vector_of,
)


def test_what_is_committed_is_found(tmp_path: Path) -> None:
    tree = small_tree() | {"a.bin": ()}
    done = commit_tree(tmp_path / "index", tree)
    wanted = chunks_of("package/module_3.py", tree["package/module_3.py"])[2]
    with open_generation(tmp_path / "index") as generation:
        assert (generation.number, generation.manifest.digest) == (done.generation, done.digest) == (1, done.digest)
        assert generation.manifest.counts.files == 7
        assert generation.manifest.counts.skipped == 1
        assert text_hits(generation, "value32", "3")[0][0] == wanted.id
        assert vector_hits(generation, wanted.text)[0][0] == wanted.id
        assert generation.text.documents([wanted.id])[wanted.id].to_chunk() == wanted
        assert generation.text.find("name", "function_2") and generation.text.find("path", "package/module_3.py")
    assert verify(tmp_path / "index").ok
    assert (tmp_path / "index" / ".gitignore").read_text() == "*\n"


def test_an_index_that_is_moved_away_under_its_writer_is_not_made_again_where_it_was(tmp_path: Path) -> None:
    index_dir = tmp_path / "tree" / ".indexer"
    commit_tree(index_dir, small_tree())
    with open_generation(index_dir) as generation:
        (tmp_path / "tree").rename(tmp_path / "moved")
        with pytest.raises(StorageError), begin(index_dir, opened=generation):
            pass
    assert not (tmp_path / "tree").exists()
    assert verify(tmp_path / "moved" / ".indexer").ok


def test_all_files_have_the_permissions_of_a_new_file(tmp_path: Path) -> None:
    commit_tree(tmp_path / "index", small_tree())
    (tmp_path / "new").touch()
    with open_generation(tmp_path / "index") as generation:
        modes = {(generation.path / name).stat().st_mode for name in generation.manifest.files}
    assert modes == {(tmp_path / "new").stat().st_mode}


def test_leaving_without_a_commit_discards(tmp_path: Path) -> None:
    done = commit_tree(tmp_path, small_tree())
    with begin(tmp_path) as staging:
        stage(staging, small_tree(word="changed"))
    with pytest.raises(ZeroDivisionError), begin(tmp_path) as staging:
        stage(staging, {})
        1 / 0  # noqa: B018
    assert digest_of(tmp_path) == done.digest
    assert list(layout.staging_dir(tmp_path).iterdir()) == []


def test_increments_equal_a_fresh_build_in_digest_and_results(tmp_path: Path) -> None:
    first = small_tree(files=20)
    last = {path: texts for path, texts in first.items() if not path.endswith("_7.py")}
    last["package/module_3.py"] = (*first["package/module_3.py"], "a new one")
    last["moved.py"] = first["package/module_7.py"]
    for tree in (first, small_tree(files=20, word="other"), {}, last):
        commit_tree(tmp_path / "a", tree)
    commit_tree(tmp_path / "b", dict(reversed(last.items())), window=7)
    with open_generation(tmp_path / "a") as a, open_generation(tmp_path / "b") as b:
        assert a.manifest.digest == b.manifest.digest
        for words in (("origin",), ("new", "pars"), ("value31",)):
            assert text_hits(a, *words) == text_hits(b, *words)
        assert vector_hits(a, "a new one") == vector_hits(b, "a new one")
    assert verify(tmp_path / "a").ok


def test_digest_depends_on_content_and_not_on_stats(tmp_path: Path) -> None:
    tree = small_tree()
    first = commit_tree(tmp_path, tree)
    with begin(tmp_path) as staging:
        staging.touch_file(FileRecord("package/module_1.py", 1, 99, b""))
        assert commit(staging).digest == first.digest
    with open_generation(tmp_path) as generation:
        record = generation.catalog.record("package/module_1.py")
        assert record is not None and (record.mtime_ns, len(record.hash)) == (99, 16)
    for changed in (tree | {"empty": ()}, tree | {"package/module_1.py": ("x",)}):
        assert commit_tree(tmp_path, changed).digest != first.digest
    assert commit_tree(tmp_path, tree).digest == first.digest


def test_known_texts_keep_their_vectors_across_renames(tmp_path: Path) -> None:
    tree = small_tree()
    commit_tree(tmp_path, tree)
    texts = tree["package/module_2.py"]
    with begin(tmp_path) as staging:
        staging.remove_file("package/module_2.py")
        known = staging.known_vectors([hash_of("unknown"), *map(hash_of, texts), hash_of(texts[0])], Tier.CONTEXTUAL)
        assert known.keys() == set(map(hash_of, texts))
        assert {held.scale for held in known.values()} == {0.5}
        staging.put_file(FileRecord("new.py", 1, 1, b"n" * 16, "python"))
        staging.put_chunks(quantized(list(chunks_of("new.py", ("never seen", *texts))), staging))
        assert hash_of("never seen") in staging.known_vectors([hash_of("never seen")], Tier.CONTEXTUAL)
        commit(staging)
    assert verify(tmp_path).ok


def test_texts_are_known_though_their_segment_is_full_and_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged_vectors, "MAX_SEGMENT_VECTORS", 8)
    tree = small_tree()
    texts = [text for texts in tree.values() for text in texts]
    with begin(tmp_path) as staging:
        stage(staging, tree, window=4)
        known = staging.known_vectors([hash_of(text) for text in texts], Tier.CONTEXTUAL)
        assert {text: known[hash_of(text)].vector.tolist() for text in texts} == {
            text: vector_of(text).tolist() for text in texts
        }
        assert [segment.vectors for segment in commit(staging).segments] == [8, 8, 8]
    assert verify(tmp_path).ok


def test_an_unchanged_chunk_stays_in_its_segment(tmp_path: Path) -> None:
    tree = small_tree()
    commit_tree(tmp_path, tree)
    changed = tree | {"package/module_2.py": (*tree["package/module_2.py"][:-1], "changed")}
    commit_tree(tmp_path, changed)
    with open_generation(tmp_path) as generation:
        assert [(s.vectors, s.live) for s in generation.manifest.segments] == [(24, 23), (1, 1)]


@pytest.mark.parametrize("options", [VectorOptions(), VectorOptions(max_segments=2)])
def test_segments_and_generations_stay_few(tmp_path: Path, options: VectorOptions) -> None:
    tree = dict(small_tree(files=30))
    for number in range(12):
        tree[f"package/module_{number % 5}.py"] = (f"edit {number}", f"other {number}")
        commit_tree(tmp_path, tree, options=options)
        with open_generation(tmp_path, options=options) as generation:
            segments = generation.manifest.segments
            assert len(segments) <= options.max_segments
            assert all((s.vectors - s.live) / s.vectors < options.max_dead_ratio for s in segments)
            assert sum(s.live for s in segments) == generation.manifest.counts.chunks == generation.text.count
            assert vector_hits(generation, f"edit {number}")[0][1] == pytest.approx(1, abs=1e-5)
    assert layout.generation_numbers(tmp_path) == [11, 12]
    assert verify(tmp_path).ok


def test_paths_that_are_not_utf8_survive(tmp_path: Path) -> None:
    path = "d\udcff/caf\udce9 é.py"
    tree = {path: ("unusual name",), "é": ("usual name",)}
    commit_tree(tmp_path, tree)
    with open_generation(tmp_path) as generation:
        assert generation.catalog.records().keys() == tree.keys()
        (chunk,) = chunks_of(path, tree[path])
        assert generation.text.documents([chunk.id])[chunk.id].to_chunk() == chunk
    commit_tree(tmp_path, {"é": ("usual name",)})
    with open_generation(tmp_path) as generation:
        assert generation.text.count == 1
    assert verify(tmp_path).ok


def test_a_reader_keeps_its_generation_until_it_closes(tmp_path: Path) -> None:
    before = commit_tree(tmp_path, small_tree())
    early, late = open_generation(tmp_path), open_generation(tmp_path)
    hits = text_hits(early, "origin")
    for word in ("second", "third", "fourth"):
        commit_tree(tmp_path, small_tree(word=word))
    assert layout.generation_numbers(tmp_path) == [1, 3, 4]
    # `late` opens text and vectors only here, three generations later.
    assert text_hits(early, "origin") == text_hits(late, "origin") == hits
    assert late.manifest.digest == before.digest
    assert len(vector_hits(late, "x", limit=100)) == 24
    early.close()
    late.close()
    assert gc(tmp_path) == [1]
    assert gc(tmp_path, keep=1) == [3]
    assert gc(tmp_path, keep=1) == []
    assert verify(tmp_path).ok


def test_a_second_writer_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    commit_tree(tmp_path, small_tree())
    with begin(tmp_path) as staging:
        stage(staging, small_tree(word="first"))
        with pytest.raises(LockedError, match=r"process \d+ on .* since 20\d\d-.*--wait"), begin(tmp_path):
            pytest.fail("two writers")
        with pytest.raises(LockedError), begin(tmp_path, wait_seconds=0.1):
            pytest.fail("two writers")
        with pytest.raises(LockedError):
            gc(tmp_path)
        commit(staging)
    assert verify(tmp_path).ok


def test_a_lock_made_while_a_folder_is_removed_stops_no_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_tree(tmp_path, small_tree())
    left = layout.staging_dir(tmp_path) / "00000002" / layout.TEXT
    left.mkdir(parents=True)
    remove, late = os.rmdir, [left / TEXT_LOCKS[1]]

    def rmdir(path: str, **options: int) -> None:
        if Path(path).name == layout.TEXT and late:
            late.pop().touch()
        remove(path, **options)

    monkeypatch.setattr(os, "rmdir", rmdir)
    commit_tree(tmp_path, small_tree(word="changed"))
    assert not late
    assert list(layout.staging_dir(tmp_path).iterdir()) == []


def test_no_lock_is_part_of_a_generation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def relock(operation: str, path: Path) -> None:
        if operation == "close":
            for name in TEXT_LOCKS:
                (path.parent / layout.TEXT / name).touch()

    monkeypatch.setattr(durable, "before_step", relock)
    commit_tree(tmp_path, small_tree())
    with open_generation(tmp_path) as generation:
        assert not [name for name in generation.manifest.files if name.endswith(".lock")]
    assert verify(tmp_path).ok


def test_an_index_moves_and_serves_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit_tree(tmp_path / "a", small_tree())
    shutil.copytree(tmp_path / "a", tmp_path / "b", ignore=shutil.ignore_patterns(*TEXT_LOCKS))
    remove_tree(tmp_path / "a")
    before = sorted((tmp_path / "b").rglob("*"))
    monkeypatch.setattr(text_files.os, "access", lambda *_: False)  # type: ignore[attr-defined]
    with open_generation(tmp_path / "b") as generation:
        assert len(text_hits(generation, "origin")) == 10
        assert len(vector_hits(generation, "x")) == 10
    assert sorted((tmp_path / "b").rglob("*")) == before


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "staging").mkdir()
    (tmp_path / "staging" / "mine").write_text("mine")
    with pytest.raises(StorageError, match="not empty"), begin(tmp_path):
        pytest.fail("a foreign folder")
    assert (tmp_path / "staging" / "mine").read_text() == "mine"


def test_drafts_of_stopped_programs_are_swept_and_are_no_foreign_files(tmp_path: Path) -> None:
    drafts = [tmp_path / f"{name}.{pid}" for name in (".gitignore", "writer.json", "stat_cache") for pid in (7, 31999)]
    for _ in range(2):
        for draft in drafts:
            draft.write_text("{")
        commit_tree(tmp_path, small_tree(), fresh=True)
        assert not any(draft.exists() for draft in drafts)


def test_an_index_whose_generations_were_removed_is_built_again(tmp_path: Path) -> None:
    commit_tree(tmp_path, small_tree())
    remove_tree(tmp_path / "generations")
    with pytest.raises(DamagedIndexError, match=r"names .*generations.00000001, which is missing"):
        open_generation(tmp_path)
    commit_tree(tmp_path, small_tree(), fresh=True)
    assert verify(tmp_path).ok


def test_no_index(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        for function in (open_generation, verify, gc):
            with pytest.raises(NoIndexError, match="indexer build"):
                function(folder)


def test_memory_is_looked_at_with_every_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[None] = []
    monkeypatch.setattr(Growth, "look", lambda _: looks.append(None))
    commit_tree(tmp_path, {"a.py": ("one", "two", "three", "four", "five")}, window=2)
    assert len(looks) == 3


def thread_names() -> set[str]:
    return {(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()}


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone names threads")
def test_the_thread_that_a_build_waits_for_is_there(tmp_path: Path) -> None:
    with begin(tmp_path) as staging:
        stage(staging, {"a.py": ("one",)})
        deadline = time.monotonic() + 60
        while INDEXING_THREAD not in (names := thread_names()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert INDEXING_THREAD in names


def test_misuse_is_an_error(tmp_path: Path) -> None:
    chunks = list(chunks_of("a.py", ("one",)))
    with pytest.raises(IndexerError, match="put the file first"), begin(tmp_path) as staging:
        staging.put_chunks(quantized(chunks, staging))
    with begin(tmp_path) as staging:
        staging.put_file(FileRecord("a.py", 1, 1, b"a" * 16, "python"))
        with pytest.raises(IndexerError):
            staging.put_chunks(quantized(chunks * 2, staging))
    with begin(tmp_path) as staging:
        staging.put_file(FileRecord("s", 1, 1, b"", "", SkipReason.SYMLINK, "detail"))
        assert commit(staging).counts.chunks == 0
    with open_generation(tmp_path) as generation:
        assert text_hits(generation, "one") == [] and vector_hits(generation, "one") == []
