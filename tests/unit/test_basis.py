"""The recall report and the drift: measured on fakes, kept in a manifest's extra, told when they are bad."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import xxhash
from numpy.typing import NDArray

from indexer.config import Config, RecallOptions
from indexer.errors import RecallError
from indexer.identity import wanted_identity
from indexer.stages.reduce import Projection, identity_projection, reduce
from indexer.types import FileRecord, Tier
from pipelines.parsing.waiting import fair_order
from pipelines.quality.figures import DRIFT_TEXTS, Basis, Drift, Recall
from pipelines.quality.measure import BasisMeasure
from pipelines.report_text import drift_text, recall_text
from tests.fakes import Staged

GOOD = Recall(queries=200, texts=5000, depth=25, recall=0.99, overlap=0.87)
BAD = Recall(queries=200, texts=5000, depth=25, recall=0.61, overlap=0.4)
CALM = Drift(texts=5000, energy=0.94, added=1000, added_energy=0.92)
DRIFTED = Drift(texts=5000, energy=0.94, added=1000, added_energy=0.71)
DIMS = 48


def unit_rows(count: int, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((count, DIMS))
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def hashes_of(count: int) -> list[bytes]:
    return [xxhash.xxh3_128_digest(str(number).encode()) for number in range(count)]


def random_projection(dims: int) -> Projection:
    matrix = np.linalg.qr(np.random.default_rng(1).standard_normal((DIMS, dims)))[0].astype(np.float32)
    return Projection("bundled", matrix, np.zeros(DIMS, np.float32))


def measured(projection: Projection, options: RecallOptions, *, base: Basis | None = None) -> Basis:
    """Return what a build over 600 random texts measures, the texts coming in three windows."""
    vectors, hashes = unit_rows(600), hashes_of(600)
    reduced, scales = reduce(vectors, projection)
    measure = BasisMeasure(projection, options, base, tier=Tier.CONTEXTUAL)
    for start in range(0, 600, 200):
        rows = slice(start, start + 200)
        measure.observe(Tier.CONTEXTUAL, hashes[rows], vectors[rows], reduced[rows], scales[rows])
    return measure.finish(Staged(hashes, reduced))


def test_vectors_that_keep_all_dimensions_find_what_float_vectors_find() -> None:
    basis = measured(identity_projection(DIMS), RecallOptions(queries=50, strict=True))
    assert basis.recall is not None
    assert (basis.recall.queries, basis.recall.texts) == (50, 600)
    assert basis.recall.recall == 1.0
    assert basis.recall.overlap > 0.95
    assert basis.drift is not None
    assert (basis.drift.texts, basis.drift.added) == (600, 0)
    assert basis.drift.energy == pytest.approx(1.0, abs=0.01)


def test_a_random_projection_to_few_dims_is_told_with_a_remedy_and_refused_where_that_is_strict() -> None:
    projection = random_projection(4)
    basis = measured(projection, RecallOptions())
    assert basis.recall is not None
    assert basis.recall.overlap < basis.recall.recall < 0.5
    (warning,) = BasisMeasure(projection, RecallOptions(), None, tier=Tier.CONTEXTUAL).warnings(basis)
    assert f"recall is {basis.recall.recall:.2f}, below recall.floor = 0.85" in warning
    assert "raise projection.dims (4 now)" in warning
    with pytest.raises(RecallError, match=r"raise projection\.dims .* These vectors were not committed") as caught:
        measured(projection, RecallOptions(strict=True))
    assert caught.value.exit_code == 2
    measured(projection, RecallOptions(strict=True, floor=0.0))


def test_nothing_is_asked_with_zero_queries() -> None:
    basis = measured(random_projection(4), RecallOptions(queries=0, strict=True))
    assert basis.recall is None
    assert basis.drift is not None


def test_texts_without_a_direction_ask_for_nothing() -> None:
    projection = identity_projection(DIMS)
    measure = BasisMeasure(projection, RecallOptions(strict=True), None, tier=Tier.CONTEXTUAL)
    vectors = np.zeros((3, DIMS), np.float32)
    measure.observe(Tier.CONTEXTUAL, hashes_of(3), vectors, *reduce(vectors, projection))
    measure.observe(Tier.CONTEXTUAL, hashes_of(3), vectors, *reduce(vectors, projection))
    assert measure.finish(Staged(hashes_of(3), np.zeros((3, DIMS), np.int8))) == Basis()


def test_an_increment_carries_the_recall_and_adds_to_the_drift() -> None:
    base = Basis(BAD, msgspec.structs.replace(CALM, added=200, added_energy=0.5))
    basis = measured(identity_projection(DIMS), RecallOptions(strict=True), base=base)
    assert basis.recall == BAD
    assert basis.drift is not None
    assert basis.drift.added == 800
    assert basis.drift.added_energy == pytest.approx((200 * 0.5 + 600 * 1.0) / 800, abs=0.01)


def test_an_increment_on_an_index_that_was_never_measured_measures_nothing() -> None:
    assert measured(identity_projection(DIMS), RecallOptions(), base=Basis()) == Basis()


def test_vectors_that_stand_in_for_the_encoders_own_are_not_measured() -> None:
    projection = identity_projection(DIMS)
    vectors, hashes = unit_rows(30), hashes_of(30)
    reduced, scales = reduce(vectors, projection)
    measure = BasisMeasure(projection, RecallOptions(), None, tier=Tier.CONTEXTUAL)
    for tier, rows in ((Tier.STATIC, slice(0, 20)), (Tier.CONTEXTUAL, slice(20, 30))):
        measure.observe(tier, hashes[rows], vectors[rows], reduced[rows], scales[rows])
    assert measure.so_far() == Basis()
    basis = measure.finish(Staged(hashes[20:], reduced[20:]))
    assert basis.recall is not None
    assert basis.drift is not None
    assert basis.recall.texts == basis.drift.texts == 10


@pytest.mark.parametrize("basis", [Basis(), Basis(GOOD), Basis(None, CALM), Basis(GOOD, DRIFTED)])
def test_a_manifest_gives_back_what_it_was_given(basis: Basis) -> None:
    assert Basis.from_extra({**basis.to_extra(), "other": 1}) == basis


def test_figures_that_a_manifest_lacks_are_not_measured() -> None:
    extra = Basis(GOOD, CALM).to_extra()
    del extra["recall.depth"]
    assert Basis.from_extra(extra) == Basis(None, CALM)
    assert recall_text(None) == drift_text(None) == "not measured"


@pytest.mark.parametrize(
    ("basis", "mode", "expected"),
    [
        (Basis(GOOD, CALM), "fit", []),
        (Basis(), "fit", []),
        (Basis(BAD), "bundled", ['set projection.mode = "fit"']),
        (Basis(BAD), "fit", ["raise projection.dims (128 now), or lower"]),
        (Basis(BAD), "none", ["raise vectors.expansion_search"]),
        (Basis(GOOD, DRIFTED), "fit", ["keeps 71% of the 1000 texts added since the last full build, 94% of those"]),
        (Basis(GOOD, DRIFTED), "fit", ["`indexer build --full` fits it anew"]),
        (Basis(GOOD, DRIFTED), "bundled", ['raise projection.dims (128 now), or set projection.mode = "fit"']),
        (Basis(BAD, DRIFTED), "bundled", ["recall is 0.61", "fits newer content less well"]),
    ],
)
def test_a_low_recall_and_a_drift_are_told_with_what_to_do(basis: Basis, mode: str, expected: list[str]) -> None:
    warnings = basis.warnings(RecallOptions(), mode=mode, dims=128)
    assert len(warnings) == len(expected)
    for warning, part in zip(warnings, expected, strict=True):
        assert part in warning


@pytest.mark.parametrize(("texts", "added", "told"), [(100, 99, False), (100, 100, True), (5000, 499, False)])
def test_a_drift_is_told_when_enough_texts_came(texts: int, added: int, told: bool) -> None:
    assert DRIFT_TEXTS == 100
    drift = msgspec.structs.replace(DRIFTED, texts=texts, added=added)
    assert bool(Basis(None, drift).warnings(RecallOptions(), mode="fit", dims=128)) == told


def test_the_first_files_are_a_fair_sample_whatever_order_they_are_listed_in() -> None:
    records = [FileRecord(f"a/{number:04}.py", 3000, 0, b"") for number in range(2000)]
    ordered = fair_order(records)
    assert sorted(record.path for record in ordered) == [record.path for record in records]
    numbers = [records.index(record) for record in ordered[:100]]
    assert max(numbers) > 1500
    assert min(numbers) < 500
    assert ordered == fair_order(reversed(records))


def test_the_options_are_no_part_of_the_identity() -> None:
    assert wanted_identity(Config(recall=RecallOptions(queries=0, floor=0.1))) == wanted_identity(Config())
