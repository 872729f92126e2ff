"""Vectors by tier, with real stores: better ones replace others, and nothing else changes."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.config import VectorOptions
from indexer.errors import StorageError
from indexer.search.candidates import Asked
from indexer.search.filters import Selection
from indexer.search.meaning import by_meaning
from indexer.search.query import read_query
from indexer.search.scoring import score_files
from indexer.stores.generation import layout
from indexer.stores.generation.manifest import Manifest
from indexer.stores.generation.reader import open_generation
from indexer.stores.generation.staging import Staging, begin
from indexer.stores.text.queries import Filters
from indexer.stores.text.statistics import Statistics
from indexer.types import Chunk, QuantizedBatch, Tier
from pipelines.check.repair import Repair, repair
from pipelines.check.verify import verify
from tests.integration.conftest import ram_folder
from tests.integration.test_faults import CONTEXT, at_step, die, hook, step_numbers
from tests.synthetic import Tree, chunks_of, commit, commit_tree, small_tree, stage, vector_hits, vector_of

TREE = small_tree()
FEW = VectorOptions(max_segments=2)


def all_chunks(tree: Tree) -> list[Chunk]:
    return [chunk for path, texts in tree.items() for chunk in chunks_of(path, texts)]


def put_better(staging: Staging, chunks: Collection[Chunk]) -> None:
    if chunks:
        vectors = np.stack([vector_of(chunk.text) for chunk in chunks])
        scales = np.full(len(chunks), 0.5, np.float32)
        staging.put_vectors(QuantizedBatch(tuple(chunks), vectors, scales, (Tier.CONTEXTUAL,) * len(chunks)))


def upgrade(index_dir: Path, chunks: Collection[Chunk], *, options: VectorOptions | None = None) -> Manifest:
    """Commit contextual vectors for chunks."""
    with begin(index_dir, options=options) as staging:
        put_better(staging, chunks)
        return commit(staging)


def tiers_of(index_dir: Path, tree: Tree) -> dict[int, Tier]:
    """Return the tier of each chunk's vector, after a check that the vector is the one of its text and tier."""
    texts = {chunk.id: chunk.text for chunk in all_chunks(tree)}
    with open_generation(index_dir) as generation:
        tier_of = {segment.number: segment.tier for segment in generation.manifest.segments}
        rows = generation.catalog.chunks(sorted(texts))
        assert rows.keys() == texts.keys() == set(generation.catalog.chunk_ids())
        for row in rows.values():
            (vector,) = generation.vectors.get(row.segment, [row.id])
            assert vector.tolist() == vector_of(texts[row.id], tier_of[row.segment]).tolist()
        found = {row.id: tier_of[row.segment] for row in rows.values()}
        counts = {tier: list(found.values()).count(tier) for tier in Tier}
        assert generation.manifest.tiers == {tier: count for tier, count in counts.items() if count}
    return found


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """What a build gives whose vectors are contextual at once."""
    return commit_tree(tmp_path_factory.mktemp("complete") / "index", TREE)


def test_better_vectors_change_neither_text_nor_ids_nor_files(ram_path: Path, complete: Manifest) -> None:
    before = commit_tree(ram_path, TREE, tier=Tier.STATIC)
    assert before.tiers == {Tier.STATIC: 24}
    assert before.digest == complete.digest
    assert before.vector_digest != complete.vector_digest
    with open_generation(ram_path) as generation:
        records, documents = generation.catalog.records(), generation.text.documents(list(tiers_of(ram_path, TREE)))
    after = upgrade(ram_path, all_chunks(TREE))
    assert after.tiers == {Tier.CONTEXTUAL: 24}
    assert (after.digest, after.vector_digest, after.counts) == (
        complete.digest,
        complete.vector_digest,
        complete.counts,
    )
    with open_generation(ram_path) as generation:
        assert generation.catalog.records() == records
        assert generation.text.documents(list(tiers_of(ram_path, TREE))) == documents
    assert verify(ram_path).ok


def test_an_index_of_both_tiers_verifies_and_finds_all(ram_path: Path, complete: Manifest) -> None:
    commit_tree(ram_path, TREE, tier=Tier.STATIC)
    chunks = all_chunks(TREE)
    for start in range(0, len(chunks), 5):
        mixed = upgrade(ram_path, chunks[start : start + 5], options=FEW)
        done = {chunk.id for chunk in chunks[: start + 5]}
        assert {i for i, tier in tiers_of(ram_path, TREE).items() if tier is Tier.CONTEXTUAL} == done
        assert (mixed.digest == complete.digest, mixed.vector_digest == complete.vector_digest) == (
            True,
            len(done) == len(chunks),
        )
        report = verify(ram_path)
        assert report.ok, report.findings
        with open_generation(ram_path) as generation:
            assert set(generation.nearest(vector_of("x"), limit=99).ids.tolist()) == {chunk.id for chunk in chunks}


@pytest.mark.parametrize("offset", [0.25, -0.25])
def test_what_static_vectors_lack_is_added_wherever_cosines_meet(ram_path: Path, offset: float) -> None:
    commit_tree(ram_path, TREE, tier=Tier.STATIC)
    upgrade(ram_path, all_chunks(TREE)[::2])
    tiers = tiers_of(ram_path, TREE)
    vector = vector_of("x")
    asked = Asked(read_query("x"), lambda: vector, False, Statistics(0, {}), offset)
    with open_generation(ram_path) as generation:
        plain = dict(vector_hits(generation, "x", limit=99))
        raised = {i: cosine + offset * (tiers[i] is Tier.STATIC) for i, cosine in plain.items()}
        best = sorted(raised, key=lambda i: -raised[i])[:7]
        for selection in (Selection(None), Selection(Filters(languages=("python",)))):
            found = by_meaning(generation, vector, selection, limit=7, static_offset=offset)
            assert list(found) == best
            assert list(found.values()) == pytest.approx([raised[i] for i in best], abs=1e-4)
        scores = score_files(generation, asked, sorted(TREE), Selection(None))
        without = score_files(generation, replace(asked, static_offset=0.0), sorted(TREE), Selection(None))
    assert scores.cosines.tolist() == pytest.approx([max(0.0, raised[i]) for i in scores.ids.tolist()], abs=1e-3)
    # Centroids are of static vectors, whatever the chunks have.
    assert scores.centroids.tolist() == without.centroids.tolist()
    assert (scores.centroids > 0).any()


def test_a_known_vector_is_of_the_tier_that_is_asked_for_or_a_better_one(ram_path: Path) -> None:
    commit_tree(ram_path, TREE, tier=Tier.STATIC)
    better, other = all_chunks(TREE)[:2]
    upgrade(ram_path, [better])
    with begin(ram_path) as staging:
        hashes = [better.text_hash, other.text_hash]
        assert staging.known_vectors(hashes, Tier.CONTEXTUAL).keys() == {better.text_hash}
        known = staging.known_vectors(hashes, Tier.STATIC)
        assert [known[text_hash].tier for text_hash in hashes] == [Tier.CONTEXTUAL, Tier.STATIC]


def test_a_removed_file_leaves_nothing_of_its_vectors_in_the_digests(ram_path: Path) -> None:
    commit_tree(ram_path / "a", TREE, tier=Tier.STATIC)
    upgrade(ram_path / "a", all_chunks(TREE)[:6])
    gone = {path: texts for path, texts in TREE.items() if path not in list(TREE)[:2]}
    after = commit_tree(ram_path / "a", gone, tier=Tier.STATIC)
    fresh = commit_tree(ram_path / "b", gone, tier=Tier.STATIC)
    assert (after.digest, after.vector_digest) == (fresh.digest, fresh.vector_digest)


def test_a_repair_says_which_vectors_fell_back_to_the_tier_of_their_documents(ram_path: Path) -> None:
    static = commit_tree(ram_path, TREE, tier=Tier.STATIC)
    upgrade(ram_path, all_chunks(TREE)[:5])
    with open_generation(ram_path) as generation:
        for file in (generation.path / layout.VECTORS).iterdir():
            file.unlink()
    repaired = repair(ram_path, rebuild=lambda: pytest.fail("the text index is sound"))
    assert repaired.repair is Repair.VECTORS
    assert "5 of them of a lower tier" in repaired.message
    with open_generation(ram_path) as generation:
        assert generation.manifest.tiers == {Tier.STATIC: 24}
        assert generation.manifest.vector_digest == static.vector_digest
    assert verify(ram_path).ok


WORDS = ("parse", "socket", "index")
PATHS = ("a.py", "lib/a.py", "lib/c.py")
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(tuple)
STEP = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(PATHS), TEXTS),
    st.tuples(st.just("remove"), st.sampled_from(PATHS)),
    st.tuples(st.just("upgrade"), st.sampled_from(PATHS)),
)


@settings(max_examples=40)
@given(st.lists(STEP, max_size=10))
def test_any_history_of_upgrades_ends_as_a_fresh_build(history: list[tuple[object, ...]]) -> None:
    with ram_folder() as folder:
        grown, tree = folder / "grown", dict[str, tuple[str, ...]]()
        commit_tree(grown, {})
        for step in history:
            with begin(grown, options=FEW) as staging:
                match step:
                    case ("put", str(path), tuple(texts)):
                        tree[path] = texts
                        stage(staging, tree, tier=Tier.STATIC)
                    case ("remove", str(path)):
                        tree.pop(path, None)
                        staging.remove_file(path)
                    case ("upgrade", str(path)) if path in tree:
                        held = {segment.number for segment in made(staging).segments if segment.tier is Tier.STATIC}
                        rows = staging.catalog.chunks([chunk.id for chunk in chunks_of(path, tree[path])])
                        put_better(staging, [c for c in chunks_of(path, tree[path]) if rows[c.id].segment in held])
                commit(staging)
            tiers_of(grown, tree)
            report = verify(grown)
            assert report.ok, report.findings
        behind = {chunk_id for chunk_id, tier in tiers_of(grown, tree).items() if tier is Tier.STATIC}
        last = upgrade(grown, [chunk for chunk in all_chunks(tree) if chunk.id in behind], options=FEW)
        fresh = commit_tree(folder / "fresh", tree)
        assert (last.digest, last.vector_digest, last.tiers) == (fresh.digest, fresh.vector_digest, fresh.tiers)
        assert len(last.segments) <= 2 * FEW.max_segments


def made(staging: Staging) -> Manifest:
    assert staging.base is not None
    return staging.base.manifest


def upgrade_and_die(index_dir: Path, step: int) -> None:
    """Upgrade all chunks in this process, killed before a step."""
    with hook(at_step(step, die)):
        upgrade(index_dir, all_chunks(TREE))


def served(index_dir: Path) -> Tier:
    """Return the tier of all that is served."""
    (tier,) = set(tiers_of(index_dir, TREE).values())
    report = verify(index_dir)
    assert report.ok, report.findings
    return tier


def assert_next_upgrade_is_whole(index_dir: Path, complete: Manifest) -> None:
    behind = [chunk for chunk in all_chunks(TREE) if tiers_of(index_dir, TREE)[chunk.id] is Tier.STATIC]
    done = upgrade(index_dir, behind)
    assert (done.digest, done.vector_digest) == (complete.digest, complete.vector_digest)
    assert list(layout.staging_dir(index_dir).iterdir()) == []


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index whose vectors are all static; copied, never changed."""
    index_dir = tmp_path_factory.mktemp("static") / "index"
    commit_tree(index_dir, TREE, tier=Tier.STATIC)
    return index_dir


@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
def test_an_upgrade_killed_before_any_step_leaves_one_whole_tier(
    static: Path, complete: Manifest, ram_path: Path
) -> None:
    outcomes = []
    for step in step_numbers():
        index_dir = ram_path / str(step)
        shutil.copytree(static, index_dir)
        process = CONTEXT.Process(target=upgrade_and_die, args=(index_dir, step))
        process.start()
        process.join(60)
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        outcomes.append(served(index_dir))
        assert_next_upgrade_is_whole(index_dir, complete)
    else:
        pytest.fail("a commit has more steps than were tried")
    assert outcomes == [Tier.STATIC] * (len(outcomes) - 1) + [Tier.CONTEXTUAL]


def test_an_upgrade_refused_at_any_step_leaves_one_whole_tier(static: Path, complete: Manifest, ram_path: Path) -> None:
    def refuse() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")

    outcomes = []
    for step in step_numbers():
        index_dir = ram_path / str(step)
        shutil.copytree(static, index_dir)
        with hook(at_step(step, refuse)):
            try:
                upgrade(index_dir, all_chunks(TREE))
                break
            except StorageError as error:
                assert os.strerror(errno.ENOSPC) in str(error)
        outcomes.append(served(index_dir))
        assert_next_upgrade_is_whole(index_dir, complete)
    assert outcomes == [Tier.STATIC] * (len(outcomes) - 1) + [Tier.CONTEXTUAL]
