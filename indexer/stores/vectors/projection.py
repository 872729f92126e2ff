"""projection.npz: the basis that vectors were reduced with, kept for increments."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import REMEDY, DamagedIndexError


def projection_bytes(matrix: NDArray[np.float32], mean: NDArray[np.float32]) -> bytes:
    """Return the content of projection.npz for float32[d, k] and float32[d]."""
    buffer = io.BytesIO()
    np.savez(buffer, matrix=np.asarray(matrix, "<f4"), mean=np.asarray(mean, "<f4"))
    return buffer.getvalue()


def read_projection(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return float32[d, k] and float32[d]; raises DamagedIndexError. Nothing is unpickled."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            matrix, mean = arrays["matrix"], arrays["mean"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DamagedIndexError(f"{path}: {error}; {REMEDY}") from error
    if matrix.dtype != np.float32 or mean.dtype != np.float32 or mean.shape != matrix.shape[:1] or matrix.ndim != 2:
        raise DamagedIndexError(f"{path}: does not hold float32[d, k] and float32[d]; {REMEDY}")
    return matrix, mean
