"""Writes the static encoder's folder as indexer.encoders.static reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indexer.encoders.bundle import BASIS, SCALES, STATIC_LOADED, SUMS, TABLE, VOCABULARY, WORDS
from indexer.encoders.spec import DESCRIPTION, EncoderSpec, encode_spec

from ..folder import write_basis
from ..packages import sha256_of
from ..weights import Float

MAX_SCALE = 127


def write_static(
    folder: Path, *, rows: Float, basis: Float, vocabulary: Sequence[str], whole: Sequence[str], spec: EncoderSpec
) -> None:
    """Write rows, float32[tokens, components], as int8 with a scale a row, what they are of, the basis, and checksums.

    The rows are those of the vocabulary, then those of whole words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # A scale of seven bits, rounded up, so that no value is clipped; the unit cancels in a vector of unit length.
    largest = np.abs(rows.astype(np.float64)).max(axis=1)
    unit = largest.max() / (127 * MAX_SCALE)
    scales = np.ceil(largest / (127 * unit) - 1e-9)
    table = np.rint(rows / (np.maximum(scales, 1)[:, None] * unit))
    np.save(folder / TABLE, table.astype(np.int8), allow_pickle=False)
    np.save(folder / SCALES, scales.astype(np.uint8), allow_pickle=False)
    for name, tokens in ((VOCABULARY, vocabulary), (WORDS, whole)):
        (folder / name).write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8", newline="\n")
    (folder / DESCRIPTION).write_bytes(encode_spec(spec))
    write_basis(folder / BASIS, basis)
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in sorted(STATIC_LOADED)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")
