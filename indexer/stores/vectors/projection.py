"""projection.npz: the basis that vectors were reduced with, kept for increments."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import DamagedIndexError

_OVERHEAD_BYTES = 4096
"""What names and headers take."""


def projection_bytes(matrix: NDArray[np.float32], mean: NDArray[np.float32]) -> bytes:
    """Return the content of projection.npz for float32[d, k] and float32[d]."""
    buffer = io.BytesIO()
    np.savez(buffer, matrix=np.asarray(matrix, "<f4"), mean=np.asarray(mean, "<f4"))
    return buffer.getvalue()


def read_projection(path: Path, *, dims: int, kept: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return float32[d, k] and float32[d], d = `dims` and k = `kept`; raises DamagedIndexError.

    Nothing is unpickled, and no more memory is taken than these need: what the file says of itself is not believed.
    """
    try:
        if path.stat().st_size > 4 * dims * (kept + 1) + _OVERHEAD_BYTES:
            raise ValueError("is larger than a basis of its dims")
        with zipfile.ZipFile(path) as archive:
            matrix = _array(archive, "matrix.npy", (dims, kept))
            mean = _array(archive, "mean.npy", (dims,))
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise DamagedIndexError(f"{path}: {error}") from error
    return matrix, mean


def _array(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ValueError("is compressed, as no basis is")
    file = io.BytesIO(archive.read(name))
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("is in another format than this program writes")
    found, by_column, dtype = np.lib.format.read_array_header_1_0(file)
    content = file.read()
    if (found, dtype.str, len(content)) != (shape, "<f4", 4 * math.prod(shape)):
        raise ValueError(f"does not hold float32{list(shape)}")
    array = np.frombuffer(content, "<f4").reshape(shape, order="F" if by_column else "C")
    if not np.isfinite(array).all():
        raise ValueError("holds what is no number")
    return np.ascontiguousarray(array, np.float32)
