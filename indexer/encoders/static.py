"""A static encoder in a transformer's space: a text's vector is a weighted sum of rows, one for each of its tokens.

The rows were fitted to the transformer's vectors (pipelines/export/static), so the vectors of either are neighbours of
the other's. Needs numpy alone. All sums are of whole numbers below 2^53, so that they are exact: a text's vector is
bit-identical whatever it is encoded with, and on every machine.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.bundle import SCALES, TABLE, VOCABULARY, WORDS, Bundle
from indexer.encoders.wordpiece import WordPieces
from indexer.errors import ModelError
from indexer.types import EncoderIdentity, PreparedTexts, Role

MAX_TOKENS = 1024
"""With so many tokens, scales and rows of seven bits a sum stays below 2^24 and is exact in float32."""

_BASIS_UNIT = 2.0**20
"""Sums of 256 products of coordinates below 2^24 and of the basis in this unit stay below 2^53, exact in float64."""

_lock = threading.Lock()
_loaded: dict[tuple[Path, EncoderIdentity], StaticEncoder] = {}


@dataclass(frozen=True, slots=True)
class Weighted:
    """Tokenised texts: text i has the distinct tokens ids[starts[i] : starts[i + 1]], each with a weight.

    int32[total], float32[total] of whole numbers, int64[n + 1], and the tokens a text, int32[n], repeated ones counted.
    """

    ids: NDArray[np.int32]
    weights: NDArray[np.float32]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int32]


class StaticEncoder:
    """A table and a tokenizer. A token that occurs n times counts as much as sqrt(n) of its rows."""

    def __init__(self, bundle: Bundle) -> None:
        """Read the folder's files; raises ModelError when one is missing or damaged, or they are of different models.

        The table is int8[tokens, components], rows in the basis's coordinates, each divided by its scale, which is
        uint8[tokens] and at most 127; the vocabulary has a token a line, as have the whole words, whose rows follow.
        """
        self._table, scales = (_array(bundle, name) for name in (TABLE, SCALES))
        vocabulary, whole = (bundle.read(name).decode().splitlines() for name in (VOCABULARY, WORDS))
        basis = bundle.basis()
        shape = (len(vocabulary) + len(whole), 0 if basis is None else basis.shape[1])
        if basis is None or self._table.shape != shape or scales.shape != shape[:1]:
            raise ModelError(f"{bundle.folder}: the table, its scales, the words and the basis don't fit together")
        self._identity = bundle.identity
        self._spec = bundle.spec
        self._scales = scales.astype(np.float64)
        self._pieces = WordPieces(vocabulary, whole)
        self._basis = np.rint(from_coordinates(basis) * _BASIS_UNIT)

    @property
    def identity(self) -> EncoderIdentity:
        """Name, digest and shape."""
        return self._identity

    def prepare(self, texts: Sequence[str], *, role: Role = "passage") -> Weighted:
        """Tokenise with the role's prefix, cut at max_tokens, and weigh each text's distinct tokens."""
        prefix = self._spec.prefix(role)
        whole = [prefix + text for text in texts] if prefix else texts
        ids, places = self._pieces.unordered(whole)
        lengths = np.bincount(places, minlength=len(texts))
        for row in np.flatnonzero(lengths > self._identity.max_tokens).tolist():
            kept = self._pieces.tokens(whole[row])[: self._identity.max_tokens]
            ids = np.append(ids[places != row], kept)
            places = np.append(places[places != row], np.full(len(kept), row))
            lengths[row] = len(kept)
        size = len(self._table)
        # Half as wide, they are sorted in half the time.
        keys = (places * size + ids).astype(np.int32 if len(texts) * size < 1 << 31 else np.int64)
        keys.sort()
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        rows, distinct = np.divmod(keys[first], size)
        weights = np.rint(np.sqrt(np.diff(first, append=len(keys))) * self._scales[distinct])
        starts = np.searchsorted(rows, np.arange(len(texts) + 1))
        return Weighted(distinct.astype(np.int32), weights.astype(np.float32), starts, lengths.astype(np.int32))

    def coordinates(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the given rows in the basis's coordinates: float32[len(rows), components], whole numbers, any length.

        The first k are the projection of `encode_prepared` onto the basis's first k components, times a factor.
        """
        assert isinstance(prepared, Weighted)
        sums = np.empty((len(rows), self._table.shape[1]), dtype=np.float32)
        starts, stops = prepared.starts[rows].tolist(), prepared.starts[rows + 1].tolist()
        for start, stop, own in zip(starts, stops, sums, strict=True):
            table = self._table.take(prepared.ids[start:stop], axis=0).astype(np.float32)
            np.dot(prepared.weights[start:stop], table, out=own)
        return sums

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Encode the given rows: float32[len(rows), dims], unit rows; a text without tokens is a zero vector."""
        vectors = self.coordinates(prepared, rows).astype(np.float64) @ self._basis
        lengths = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
        return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)

    def encode(self, texts: Sequence[str], *, role: Role = "passage") -> NDArray[np.float32]:
        """Encode texts: float32[n, dims], unit rows."""
        return self.encode_prepared(self.prepare(texts, role=role), np.arange(len(texts)))


def from_coordinates(basis: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what turns coordinates in a basis of orthogonal columns, float32[dims, m], into a vector, times a factor:
    float64[m, dims], no entry above 1.
    """
    columns = basis.T.astype(np.float64)
    squares = np.square(columns).sum(axis=1, keepdims=True)
    whole: NDArray[np.float64] = columns * (squares.min() / squares)
    return whole


def load(bundle: Bundle) -> StaticEncoder:
    """Return the encoder of a folder, its files verified, loaded once a process.

    Raises ModelError when a file is missing or damaged, or when they don't fit together.
    """
    key = (bundle.folder.resolve(), bundle.identity)
    with _lock:
        if key not in _loaded:
            _loaded[key] = StaticEncoder(bundle)
        return _loaded[key]


def _array(bundle: Bundle, name: str) -> NDArray[Any]:
    """Return an array over the pages of a .npy file; np.load would copy them, which takes a third of the load."""
    content = bundle.map(name)
    np.lib.format.read_magic(content)
    shape, _, dtype = np.lib.format.read_array_header_1_0(content)
    return np.frombuffer(content, dtype=dtype, offset=content.tell()).reshape(shape)
