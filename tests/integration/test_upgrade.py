"""A build is searchable with static vectors first, and ends at the same index however it got there."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

import indexer
from indexer.config import Config, EncoderOptions
from indexer.errors import ModelError, NoIndexError
from indexer.stores.generation.reader import open_generation
from indexer.stores.generation.staging import begin
from indexer.types import Tier
from pipelines.build import build
from pipelines.check.repair import Repair, repair
from pipelines.check.verify import verify
from pipelines.progress import Silence
from pipelines.report import BuildReport
from tests.integration.upgraded import FAST, Stopped, write_tree


def digests(report: BuildReport) -> tuple[str, str]:
    return report.digest, report.vector_digest


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("upgrade") / "tree")


@pytest.fixture(scope="module")
def complete(root: Path, tmp_path_factory: pytest.TempPathFactory) -> BuildReport:
    return build(root, index_dir=tmp_path_factory.mktemp("complete") / "index")


def test_a_build_upgrades_every_vector_and_says_when_it_was_searchable(complete: BuildReport) -> None:
    assert complete.tiers == {Tier.CONTEXTUAL: complete.chunks.total}
    assert complete.upgraded == 1
    assert complete.chunks.upgraded == complete.chunks.total
    assert 0 < complete.searchable_seconds < sum(complete.seconds.values())
    assert complete.recall is not None
    assert complete.drift is not None


def test_who_asks_during_the_first_build_is_told_that_it_runs(tmp_path: Path) -> None:
    with (
        begin(tmp_path / "index"),
        pytest.raises(NoIndexError, match=r"process \d+ on .* and has committed nothing yet"),
    ):
        indexer.open(tmp_path / "index")
    with pytest.raises(NoIndexError, match="there is no index here"):
        open_generation(tmp_path / "index")


def test_a_fast_build_has_static_vectors_and_the_next_build_makes_it_complete(
    root: Path, tmp_path: Path, complete: BuildReport
) -> None:
    fast = build(root, config=FAST, index_dir=tmp_path / "index")
    assert fast.tiers == {Tier.STATIC: fast.chunks.total}
    assert (fast.upgraded, fast.chunks.upgraded) == (0, 0)
    assert fast.recall is None
    assert fast.digest == complete.digest
    assert fast.vector_digest != complete.vector_digest
    again = build(root, config=FAST, index_dir=tmp_path / "index")
    assert not again.committed
    upgraded = build(root, index_dir=tmp_path / "index")
    assert upgraded.committed
    assert upgraded.chunks.embedded == 0
    assert digests(upgraded) == digests(complete)
    assert verify(tmp_path / "index").ok


def test_a_cache_that_has_some_vectors_does_not_keep_the_recall_from_being_measured(
    tmp_path: Path, root: Path, complete: BuildReport
) -> None:
    part = tmp_path / "part"
    part.mkdir()
    (part / "module_0.py").write_bytes((root / "module_0.py").read_bytes())
    cached = build(part, cache_dir=tmp_path / "cache")
    whole = build(root, index_dir=tmp_path / "index", cache_dir=tmp_path / "cache")
    assert whole.chunks.upgraded == whole.chunks.total - cached.chunks.total
    assert whole.recall is not None
    assert whole.recall.texts == whole.recall.queries == complete.chunks.total
    assert whole.drift == complete.drift
    again = build(root, index_dir=tmp_path / "again", cache_dir=tmp_path / "cache")
    assert again.chunks.upgraded == 0
    assert again.recall == complete.recall


def test_a_search_says_how_much_is_upgraded_and_finds_what_was_asked_in_either(root: Path, tmp_path: Path) -> None:
    for config, upgraded in ((FAST, 0.0), (Config(), 1.0)):
        build(root, config=config, index_dir=tmp_path / "index")
        with indexer.open(tmp_path / "index") as index:
            result = index.search("original_2_1")
            assert result.upgraded == upgraded
            assert result.hits[0].path == "module_2.py"
            assert index.search("what does the word make of a value", mode="vector").hits


def test_an_increment_gives_new_chunks_static_vectors_and_then_upgrades_them(root: Path, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree")
    build(tree, index_dir=tmp_path / "index")
    (tree / "module_1.py").write_text((tree / "module_1.py").read_text().replace("original_1_2", "edited_1_2"))
    fast = build(tree, config=FAST, index_dir=tmp_path / "index")
    assert fast.tiers[Tier.STATIC] == fast.chunks.embedded == 1
    upgraded = build(tree, index_dir=tmp_path / "index")
    assert upgraded.chunks.upgraded == 1
    fresh = build(tree, index_dir=tmp_path / "fresh")
    assert digests(upgraded) == digests(fresh)
    (tree / "module_1.py").write_text((tree / "module_1.py").read_text().replace("edited_1_2", "again_1_2"))
    both = build(tree, index_dir=tmp_path / "index")
    assert (both.chunks.embedded, both.chunks.upgraded) == (1, 1)
    assert int(both.generation) == int(upgraded.generation) + 2


def test_what_a_stopped_upgrade_computed_is_not_computed_again(
    tmp_path: Path, complete: BuildReport, root: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(root, index_dir=tmp_path / "index", cache_dir=tmp_path / "cache", progress=Stopped(5))
    with open_generation(tmp_path / "index") as generation:
        assert generation.manifest.upgraded == 0
    assert digests(build(root, index_dir=tmp_path / "index", cache_dir=tmp_path / "cache")) == digests(complete)


def test_windows_that_were_committed_stay_when_an_upgrade_is_stopped(root: Path, tmp_path: Path) -> None:
    config = msgspec.convert({"build": {"commit_seconds": 0}, "encoder": {"window_chunks": 8}}, Config)
    with pytest.raises(KeyboardInterrupt):
        build(root, config=config, index_dir=tmp_path / "index", progress=Stopped(8))
    with open_generation(tmp_path / "index") as generation:
        tiers = {segment.number: segment.tier for segment in generation.manifest.segments}
        assert generation.manifest.tiers[Tier.CONTEXTUAL] == 8
        rows = generation.catalog.chunks(list(generation.catalog.chunk_ids()))
        upgraded = [chunk_id for chunk_id, row in rows.items() if tiers[row.segment] is Tier.CONTEXTUAL]
        # Sources come before their tests.
        assert not any("test" in path for path in generation.catalog.paths_of(upgraded).values())
    assert verify(tmp_path / "index").ok
    stopped = build(root, index_dir=tmp_path / "index", max_seconds=0)
    assert (stopped.committed, stopped.chunks.upgraded) == (False, 0)
    assert 0 < stopped.upgraded < 1


def test_what_changed_lately_is_upgraded_first(tmp_path: Path) -> None:
    tree, index_dir = write_tree(tmp_path / "tree"), tmp_path / "index"
    time.sleep(2.1)  # what is older than two seconds has a time of its own
    (tree / "module_2.py").touch()
    config = msgspec.convert({"build": {"commit_seconds": 0}, "encoder": {"window_chunks": 2}}, Config)
    with pytest.raises(KeyboardInterrupt):
        build(tree, config=config, index_dir=index_dir, progress=Stopped(2))
    with open_generation(index_dir) as generation:
        static = [segment.number for segment in generation.manifest.segments if segment.tier is Tier.STATIC]
        rows = generation.catalog.chunks(list(generation.catalog.chunk_ids()))
        upgraded = [chunk_id for chunk_id, row in rows.items() if row.segment not in static]
        assert set(generation.catalog.paths_of(upgraded).values()) == {"module_2.py"}


def test_another_build_may_commit_while_vectors_are_computed(tmp_path: Path) -> None:
    tree, index_dir = write_tree(tmp_path / "tree"), tmp_path / "index"

    class Editing(Silence):
        """Removes a file, edits another and builds, while the first vectors of the upgrade are there."""

        edited = False

        def vectors(self, chunks: int) -> None:
            with open_generation(index_dir) as generation:
                is_upgrading = generation.manifest.upgraded < 1
            if is_upgrading and not self.edited:
                self.edited = True
                (tree / "module_0.py").unlink()
                (tree / "module_3.py").write_text("def fourth():\n    return 'written meanwhile'\n")
                build(tree, config=FAST, index_dir=index_dir)

    build(tree, config=FAST, index_dir=index_dir)
    report = build(tree, index_dir=index_dir, progress=Editing())
    assert report.upgraded == 1
    assert digests(report) == digests(build(tree, index_dir=tmp_path / "fresh"))
    assert verify(index_dir).ok


def test_an_upgrade_leaves_an_index_alone_that_another_build_made_with_other_options(tmp_path: Path) -> None:
    tree, index_dir = write_tree(tmp_path / "tree"), tmp_path / "index"

    class Rebuilding(Silence):
        """Builds with the hashing encoder while the upgrade computes."""

        done = False

        def vectors(self, chunks: int) -> None:
            if not self.done:
                self.done = True
                build(tree, config=msgspec.convert({"encoder": {"name": "hashing"}}, Config), index_dir=index_dir)

    build(tree, config=FAST, index_dir=index_dir)
    build(tree, index_dir=index_dir, progress=Rebuilding())
    with open_generation(index_dir) as generation:
        assert generation.manifest.encoder.name == "hashing"


def test_a_repair_falls_back_to_static_vectors_and_the_next_build_upgrades_them(
    root: Path, tmp_path: Path, complete: BuildReport
) -> None:
    index_dir = tmp_path / "index"
    build(root, index_dir=index_dir)
    with open_generation(index_dir) as generation:
        segment = next(iter((generation.path / "vectors").iterdir()))
    content = bytearray(segment.read_bytes())
    content[-1] ^= 1
    segment.unlink()
    segment.write_bytes(content)
    mended = repair(index_dir, rebuild=lambda: None)
    assert mended.repair is Repair.VECTORS
    assert f"{complete.chunks.total} of them of a lower tier" in mended.message
    assert digests(build(root, index_dir=index_dir)) == digests(complete)


def test_a_deadline_counts_from_the_begin_of_the_build(root: Path, tmp_path: Path) -> None:
    start = time.perf_counter()
    report = build(root, index_dir=tmp_path / "index", max_seconds=0)
    assert report.upgraded == 0
    assert report.committed
    assert time.perf_counter() - start >= report.searchable_seconds


def test_text_is_neither_rewritten_nor_added_to_by_an_upgrade(root: Path, tmp_path: Path) -> None:
    index_dir = tmp_path / "index"
    build(root, config=FAST, index_dir=index_dir)
    with open_generation(index_dir) as generation:
        before = {name: entry for name, entry in generation.manifest.files.items() if name.startswith("text/")}
    build(root, index_dir=index_dir)
    with open_generation(index_dir) as generation:
        after = {name: entry for name, entry in generation.manifest.files.items() if name.startswith("text/")}
        assert after == before


def test_a_query_by_the_static_encoder_finds_what_is_asked_for(root: Path, tmp_path: Path) -> None:
    build(root, config=FAST, index_dir=tmp_path / "index")
    options = EncoderOptions(queries="static")
    with indexer.open(tmp_path / "index", options=options) as index:
        assert index.search("original_2_1").hits[0].path == "module_2.py"
        assert index.search("what a word makes of the value", mode="vector").hits
    hashing = msgspec.convert({"encoder": {"name": "hashing"}}, Config)
    build(root, config=hashing, index_dir=tmp_path / "hashing")
    with (
        indexer.open(tmp_path / "hashing", options=options) as index,
        pytest.raises(ModelError, match="has no static one in its space"),
    ):
        index.search("original 2 1")
