"""The recall report of real builds: measured on what is about to be served, kept, carried on, refused where strict."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from indexer.config import Config, EncoderOptions, ParseOptions, ProjectionOptions, RecallOptions
from indexer.errors import RecallError
from indexer.stores.generation import layout
from indexer.stores.generation.layout import default_index_dir
from indexer.stores.generation.reader import open_generation
from indexer.stores.generation.staging import begin
from pipelines.build import build
from pipelines.check.repair import Repair, repair
from pipelines.check.verify import verify
from pipelines.quality.figures import Basis
from pipelines.status import read_status
from tests.synthetic import commit, commit_tree, small_tree, stage, vector_of

REDUCED = Config(
    encoder=EncoderOptions(name="hashing"),
    projection=ProjectionOptions(mode="fit", dims=24),
    parse=ParseOptions(workers=1),
    recall=RecallOptions(floor=0.0),
)
WHOLE = msgspec.structs.replace(REDUCED, projection=ProjectionOptions(mode="none"), recall=RecallOptions(strict=True))
STRICT = msgspec.structs.replace(
    REDUCED, projection=ProjectionOptions(mode="fit", dims=8), recall=RecallOptions(strict=True)
)
TEA = (
    "tea leaf steep brew cup kettle water pour black green oolong assam saucer sugar lemon milk hot pot strainer spoon"
)
SEA = (
    "ship sail mast anchor harbour tide wave captain deck rudder crew storm island reef lagoon cargo keel hull rope oar"
)


def write_module(path: Path, words: str, *, functions: int, seed: int) -> None:
    """Write functions that are random walks over a vocabulary, each long enough to be a chunk of its own."""
    chosen = random.Random(seed)
    vocabulary = words.split()
    text = ""
    for number in range(functions):
        body = "".join(
            f"    {chosen.choice(vocabulary)} = {chosen.choice(vocabulary)}({chosen.choice(vocabulary)})\n"
            for _ in range(9)
        )
        text += f"def {chosen.choice(vocabulary)}_{chosen.choice(vocabulary)}_{number}(cup):\n{body}\n\n"
    path.write_text(text)


@pytest.fixture
def root(ram_path: Path) -> Path:
    """A folder with 160 functions about tea."""
    folder = ram_path / "repository"
    folder.mkdir()
    for number in range(8):
        write_module(folder / f"tea_{number}.py", TEA, functions=20, seed=number)
    return folder


def kept(root: Path) -> Basis:
    with open_generation(default_index_dir(root)) as generation:
        return Basis.from_extra(generation.manifest.extra)


def test_unreduced_vectors_find_nearly_all_that_float_vectors_find(root: Path) -> None:
    report = build(root, config=WHOLE)
    assert report.recall is not None
    assert report.recall.texts == 160
    assert report.recall.queries == 100
    assert report.recall.recall > 0.99
    assert report.recall.overlap > 0.95
    assert report.warnings == []
    assert kept(root) == Basis(report.recall, report.drift)
    status = read_status(root, default_index_dir(root), config=WHOLE)
    assert (status.recall, status.drift, status.warnings) == (report.recall, report.drift, [])


def test_a_basis_that_loses_too_much_is_told_by_build_and_status(root: Path) -> None:
    config = msgspec.structs.replace(STRICT, recall=RecallOptions())
    report = build(root, config=config)
    assert report.committed
    assert report.recall is not None
    assert report.recall.recall < 0.85
    (warning,) = report.warnings
    assert "below recall.floor = 0.85" in warning
    assert read_status(root, default_index_dir(root), config=config).warnings == [warning]


def test_a_strict_build_fails_before_anything_is_committed(root: Path) -> None:
    index_dir = default_index_dir(root)
    with pytest.raises(RecallError, match=r"raise projection\.dims \(8 now\)"):
        build(root, config=STRICT)
    assert not (index_dir / "CURRENT").exists()

    before = build(root, config=WHOLE)
    write_module(root / "tea_8.py", TEA, functions=3, seed=8)
    with pytest.raises(RecallError):
        build(root, config=STRICT)
    assert layout.read_current(index_dir).number == 1
    assert verify(index_dir).ok
    after = build(root, config=WHOLE)
    assert (after.generation, after.files.added) == ("00000002", 1)
    assert after.recall == before.recall


def test_what_is_measured_changes_no_content(root: Path) -> None:
    measured = build(root, config=REDUCED)
    unmeasured = build(root, config=msgspec.structs.replace(REDUCED, recall=RecallOptions(queries=0)), full=True)
    again = build(root, config=REDUCED, full=True)
    assert measured.recall is not None
    assert unmeasured.recall is None
    assert measured.digest == unmeasured.digest == again.digest
    assert measured.vector_digest == unmeasured.vector_digest == again.vector_digest
    assert again.recall == measured.recall


def test_increments_follow_the_drift_until_a_full_build_fits_the_basis_anew(root: Path) -> None:
    first = build(root, config=REDUCED)
    assert first.drift is not None
    assert (first.drift.texts, first.drift.added) == (160, 0)
    write_module(root / "tea_8.py", TEA, functions=110, seed=8)
    calm = build(root, config=REDUCED)
    assert calm.drift is not None
    assert calm.drift.added == 110
    assert calm.drift.energy - calm.drift.added_energy < 0.05
    assert calm.warnings == []
    assert calm.recall == first.recall

    for number in range(4):
        write_module(root / f"sea_{number}.py", SEA, functions=60, seed=number)
    drifted = build(root, config=REDUCED)
    assert drifted.drift is not None
    assert drifted.drift.added == 350
    assert drifted.drift.energy - drifted.drift.added_energy > 0.1
    (advice,) = drifted.warnings
    assert "`indexer build --full` fits it anew" in advice
    assert read_status(root, default_index_dir(root), config=REDUCED).warnings == [advice]
    assert build(root, config=REDUCED).drift == drifted.drift

    refitted = build(root, config=REDUCED, full=True)
    assert refitted.drift is not None
    assert (refitted.drift.texts, refitted.drift.added) == (510, 0)
    assert refitted.warnings == []


def test_an_index_without_figures_is_served_and_carried_on(ram_path: Path) -> None:
    index_dir = ram_path / "index"
    commit_tree(index_dir, small_tree())
    with open_generation(index_dir) as generation:
        assert generation.manifest.extra == {}
        assert Basis.from_extra(generation.manifest.extra) == Basis()
    status = read_status(ram_path / "elsewhere", index_dir, config=Config())
    assert (status.recall, status.drift, status.warnings) == (None, None, [])


def test_a_repair_of_the_vectors_keeps_the_figures(root: Path) -> None:
    report = build(root, config=REDUCED)
    with open_generation(default_index_dir(root)) as generation:
        segment = next((generation.path / layout.VECTORS).iterdir())
    segment.write_bytes(b"")
    repaired = repair(default_index_dir(root), rebuild=lambda: pytest.fail("the text index is sound"))
    assert repaired.repair is Repair.VECTORS
    assert verify(default_index_dir(root)).ok
    assert kept(root) == Basis(report.recall, report.drift)


def test_what_is_staged_is_searched_as_it_is_once_committed(ram_path: Path) -> None:
    index_dir = ram_path / "index"
    commit_tree(index_dir, small_tree())
    texts = ("original value_1_2 = parse(line)", "edited value_3_1 = parse(line)", "anything")
    with begin(index_dir) as staging:
        stage(staging, small_tree(files=5) | {"new.py": ("edited value_3_1 = parse(line)", "another")})
        vectors = [vector_of(text) for text in texts]
        staged = [staging.nearest(vector[None], limit=7)[0] for vector in vectors]
        commit(staging)
    with open_generation(index_dir) as generation:
        assert staged == [generation.nearest(vector, limit=7).ids.tolist() for vector in vectors]
    assert verify(index_dir).ok
