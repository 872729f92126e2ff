"""Fewer dimensions, then eight bits: PCA (Pearson 1901; Hotelling 1933) and symmetric int8 with a scale per vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.errors import ConfigError

INT8_MAX = 127
BUNDLED, FITTED, UNREDUCED = "bundled", "fit", "none"
"""Where a projection comes from."""

FIT_SAMPLES_PER_DIM = 4
"""A basis is fitted on at least this many samples a kept dimension; fewer describe the sample, not the code."""


@dataclass(frozen=True)
class Projection:
    """A linear map to fewer dimensions: `(x - mean) @ matrix`, float32[d, k] and float32[d]; `mode` says whence."""

    mode: str
    matrix: NDArray[np.float32]
    mean: NDArray[np.float32]

    @property
    def dims(self) -> int:
        """Dimensions kept, k."""
        return int(self.matrix.shape[1])

    @cached_property
    def doubles(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The matrix and the mean as `reduce` computes with them."""
        return self.matrix.astype(np.float64), self.mean.astype(np.float64)

    @cached_property
    def digest(self) -> str:
        """32 hex digits over shape, basis and mean: equal digests mean equal maps."""
        hasher = xxhash.xxh3_128(repr(self.matrix.shape).encode())
        hasher.update(np.ascontiguousarray(self.matrix, dtype="<f4").tobytes())
        hasher.update(np.ascontiguousarray(self.mean, dtype="<f4").tobytes())
        return hasher.hexdigest()


def identity_projection(dims: int) -> Projection:
    """Return the map that keeps all dimensions, for encoders without a basis and repositories too small to fit one."""
    return Projection(UNREDUCED, np.eye(dims, dtype=np.float32), np.zeros(dims, dtype=np.float32))


def bundled_projection(basis: NDArray[np.float32], *, dims: int) -> Projection:
    """Return the uncentred projection onto the first `dims` columns of an encoder's basis, float32[d, m].

    Of an encoder that has no more dims than are asked for, all are kept. Raises ConfigError when the basis has fewer.
    """
    width, available = basis.shape
    if available == width:
        dims = min(dims, width)
    if dims > available:
        raise ConfigError(f"projection.dims: the encoder's basis has {available} dimensions, not {dims}; ask for fewer")
    return Projection(BUNDLED, np.ascontiguousarray(basis[:, :dims]), np.zeros(width, dtype=np.float32))


def fit(vectors: NDArray[np.float32], *, dims: int, centered: bool) -> Projection:
    """Fit a basis on float32[n, d]; keep all dimensions when n is too small or d is not larger than `dims`.

    Centred is PCA; uncentred keeps more of the cosine and is the first `dims` right singular vectors.
    """
    samples, width = vectors.shape
    if width <= dims or samples < FIT_SAMPLES_PER_DIM * dims:
        return identity_projection(width)
    mean = np.zeros(width, dtype=np.float32)
    if centered:
        from sklearn.decomposition import PCA

        pca = PCA(n_components=dims, svd_solver="covariance_eigh").fit(vectors.astype(np.float64))
        components, mean = pca.components_, pca.mean_.astype(np.float32)
    else:
        from sklearn.decomposition import TruncatedSVD

        svd = TruncatedSVD(n_components=dims, algorithm="arpack", random_state=0)
        components = svd.fit(vectors.astype(np.float64)).components_
    return Projection(FITTED, np.ascontiguousarray(components.T, dtype=np.float32), mean)


def reduce(vectors: NDArray[np.float32], projection: Projection) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Project float32[n, d] and quantise: int8[n, k], and float32[n] scales such that projected = int8 * scale.

    Each vector is scaled by its own largest component, since cosine ignores scale. Computed in float64, so that a
    row's bytes don't depend on how many rows a BLAS kernel was given. A zero vector stays zero, with scale 0.
    """
    if projection.mode == UNREDUCED:
        projected = vectors.astype(np.float64)
    else:
        matrix, mean = projection.doubles
        centered = vectors.astype(np.float64) - mean
        # One row is a question's: BLAS would start threads for it, which then wait busily on the cores of a search.
        projected = centered @ matrix if len(centered) > 1 else np.einsum("ij,jk->ik", centered, matrix)
    scales = np.abs(projected).max(axis=1, initial=0.0) / INT8_MAX
    safe = np.where(scales > 0, scales, 1.0)
    quantized = np.rint(projected / safe[:, None]).astype(np.int8)
    return quantized, scales.astype(np.float32)


def centroids(vectors: NDArray[np.int8], starts: Sequence[int]) -> NDArray[np.int8]:
    """Return the direction of the mean of each group of rows of int8[n, k], a row's length not counted: int8[m, k].

    Each of the m groups has a row at least, and begins at its place in `starts`, ascending.
    """
    if not len(starts):
        return np.empty((0, vectors.shape[1]), np.int8)
    rows = vectors.astype(np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    means = np.add.reduceat(rows / np.where(lengths > 0, lengths, 1.0)[:, None], starts)
    largest = np.abs(means).max(axis=1)
    return np.rint(means * (INT8_MAX / np.where(largest > 0, largest, 1.0))[:, None]).astype(np.int8)


def retained_energy(
    vectors: NDArray[np.float32], reduced: NDArray[np.int8], scales: NDArray[np.float32], projection: Projection
) -> NDArray[np.float64]:
    """Return the share of each vector's squared length that its reduced form keeps, float64[m], m <= n.

    Takes float32[n, d] and what `reduce` made of them by orthogonal columns, whose own lengths are not counted. Of a
    centred projection it is the share of the variance. Vectors without length are left out.
    """
    centered = vectors - projection.mean
    before = np.einsum("ij,ij->i", centered, centered, dtype=np.float64)
    weights = 1 / np.square(projection.matrix, dtype=np.float64).sum(axis=0)
    after = (np.square(reduced, dtype=np.float64) @ weights) * np.square(scales, dtype=np.float64)
    some = before > 0
    shares: NDArray[np.float64] = after[some] / before[some]
    return shares
