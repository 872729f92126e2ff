"""Quantised vectors keep directions, do not depend on their neighbours, and fits are reproducible."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.stages.reduce import Projection, centroids, fit, identity_projection, reduce, retained_energy


def _unit_rows(n: int, d: int, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def test_int8_times_scale_is_the_projection_within_half_a_step() -> None:
    vectors = _unit_rows(50, 32)
    projection = Projection("bundled", _unit_rows(32, 16, 1), np.full(32, 0.01, dtype=np.float32))
    quantized, scales = reduce(vectors, projection)
    exact = (vectors - projection.mean) @ projection.matrix
    assert quantized.dtype == np.int8
    assert np.abs(quantized).max(axis=1).tolist() == [127] * 50
    assert np.all(np.abs(quantized * scales[:, None] - exact) <= scales[:, None] * 0.5 + 1e-6)


def test_a_row_reduces_to_the_same_bytes_alone_and_among_others() -> None:
    vectors = _unit_rows(64, 384)
    projection = Projection("bundled", _unit_rows(384, 128, 1), np.zeros(384, dtype=np.float32))
    together, scales = reduce(vectors, projection)
    for row in range(64):
        alone, scale = reduce(vectors[row : row + 1], projection)
        assert np.array_equal(alone[0], together[row])
        assert scale[0] == scales[row]


def test_a_zero_vector_stays_zero_and_an_empty_matrix_stays_empty() -> None:
    zeros, scales = reduce(np.zeros((1, 8), dtype=np.float32), identity_projection(8))
    assert not zeros.any()
    assert scales[0] == 0
    nothing, no_scales = reduce(np.zeros((0, 8), dtype=np.float32), identity_projection(8))
    assert nothing.shape == (0, 8)
    assert no_scales.shape == (0,)


@pytest.mark.parametrize("centered", [False, True])
def test_a_fit_finds_the_subspace_and_gives_the_same_basis_twice(centered: bool) -> None:
    basis = np.linalg.qr(np.random.default_rng(2).standard_normal((24, 4)))[0]
    samples = (np.random.default_rng(3).standard_normal((200, 4)) @ basis.T).astype(np.float32)
    first, second = (fit(samples, dims=4, centered=centered) for _ in range(2))
    assert first.digest == second.digest
    assert first.dims == 4
    rebuilt = (samples - first.mean) @ first.matrix @ first.matrix.T + first.mean
    assert np.allclose(rebuilt, samples, atol=1e-4)


def test_too_few_samples_keep_all_dimensions() -> None:
    assert fit(_unit_rows(15, 24), dims=4, centered=False).dims == 24
    assert fit(_unit_rows(15, 24), dims=4, centered=False).mode == "none"
    assert fit(_unit_rows(16, 24), dims=4, centered=False).dims == 4


@pytest.mark.parametrize("shortest", [1.0, 0.4])
@pytest.mark.parametrize("mean", [0.0, 0.05])
def test_retained_energy_is_the_share_of_squared_length_in_the_directions_of_the_columns(
    mean: float, shortest: float
) -> None:
    vectors, directions = _unit_rows(40, 32), _orthonormal(32, 16)
    matrix = directions * np.linspace(1, shortest, 16, dtype=np.float32)
    projection = Projection("fit", matrix, np.full(32, mean, dtype=np.float32))
    shares = retained_energy(vectors, *reduce(vectors, projection), projection)
    centered = vectors - mean
    expected = np.square(centered @ directions).sum(axis=1) / np.square(centered).sum(axis=1)
    assert shares == pytest.approx(expected, abs=0.01)


def test_retained_energy_is_one_without_a_projection_and_leaves_zero_vectors_out() -> None:
    vectors = np.vstack([_unit_rows(5, 32), np.zeros((1, 32), np.float32)])
    projection = identity_projection(32)
    shares = retained_energy(vectors, *reduce(vectors, projection), projection)
    assert shares == pytest.approx(np.ones(5), abs=0.01)


def _orthonormal(rows: int, columns: int) -> NDArray[np.float32]:
    return np.linalg.qr(np.random.default_rng(4).standard_normal((rows, columns)))[0].astype(np.float32)


def test_a_centroid_is_the_direction_of_the_mean_whatever_lengths_rows_have_and_whoever_stands_beside() -> None:
    rows = np.random.default_rng(3).integers(-127, 128, (40, 24)).astype(np.int8)
    rows[7] = 0
    starts = [0, 1, 7, 8, 30]
    found = centroids(rows, starts)
    assert not found[2].any()
    for place, (start, stop) in enumerate(pairwise([*starts, 40])):
        own = rows[start:stop].astype(np.float64)
        mean = (own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9)).sum(axis=0)
        assert np.array_equal(centroids(rows[start:stop], [0])[0], found[place])
        if mean.any():
            assert np.abs(found[place]).max() == 127
            assert found[place] @ mean / np.linalg.norm(found[place]) / np.linalg.norm(mean) > 0.999
    assert centroids(np.empty((0, 24), np.int8), []).shape == (0, 24)
