"""An encoder without a model: signed feature hashing of words and their character trigrams.

Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (2009). It knows no meaning, but texts that
share words or parts of words are near each other; it needs numpy alone, so tests and machines without onnxruntime can
use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.encoders.spec import EncoderSpec
from indexer.types import EncoderIdentity, PreparedTexts, Role

DIMS = 256
MAX_WORDS = 512
SPEC = EncoderSpec(name="hashing", dims=DIMS, max_tokens=MAX_WORDS, pooling="mean", chunk_chars=700)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")


def identity() -> EncoderIdentity:
    """Return name, digest and shape; the digest is over the parameters."""
    parameters = f"hashing-1 {DIMS} {MAX_WORDS} {_WORD.pattern}"
    return EncoderIdentity("hashing", xxhash.xxh3_128_hexdigest(parameters.encode()), DIMS, MAX_WORDS)


@dataclass(frozen=True, slots=True)
class _Words:
    texts: tuple[tuple[str, ...], ...]

    @property
    def lengths(self) -> NDArray[np.int32]:
        return np.array([len(words) for words in self.texts], dtype=np.int32)


class HashingEncoder:
    """Feature hashing into 256 dimensions. Counts are whole numbers, so sums don't depend on their order."""

    identity = identity()

    def prepare(self, texts: Sequence[str], *, role: Role = "passage") -> _Words:
        """Split texts into lower-cased words, cut at 512; both roles are the same to it."""
        return _Words(tuple(tuple(word.lower() for word in _WORD.findall(text)[:MAX_WORDS]) for text in texts))

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Encode the given rows: float32[m, 256], unit rows; a text without words is a zero vector."""
        assert isinstance(prepared, _Words)
        vectors = np.zeros((len(rows), DIMS), dtype=np.float32)
        for place, row in enumerate(rows):
            for word in prepared.texts[row]:
                for bucket, weight in _features(word):
                    vectors[place, bucket] += weight
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        return (vectors / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)

    def encode(self, texts: Sequence[str], *, role: Role = "passage") -> NDArray[np.float32]:
        """Encode texts: float32[n, 256]."""
        return self.encode_prepared(self.prepare(texts, role=role), np.arange(len(texts)))


@lru_cache(maxsize=1 << 16)
def _features(word: str) -> tuple[tuple[int, int], ...]:
    """Return (bucket, signed weight) of a word, weight 2, and of its trigrams, weight 1."""
    return tuple(_hashed(word))


def _hashed(word: str) -> Iterator[tuple[int, int]]:
    padded = f"^{word}$"
    for feature, weight in [(word, 2), *((padded[i : i + 3], 1) for i in range(len(padded) - 2))]:
        value = xxhash.xxh3_64_intdigest(feature.encode("utf-8", "surrogatepass"))
        yield value % DIMS, weight if value >> 63 else -weight
