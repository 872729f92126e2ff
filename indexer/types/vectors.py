"""What makes vectors of texts, and how well each stands for its text; a matrix is aligned with its chunks.

numpy is imported for types alone, so that a run that finds nothing changed never loads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from indexer.types.chunks import Chunk, Document

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Tier(StrEnum):
    """How well a vector stands for its text, the better last: summed from a table of tokens, or read in context."""

    STATIC = "static"
    CONTEXTUAL = "contextual"

    @property
    def rank(self) -> int:
        """The place in the order, from 0."""
        return TIERS.index(self)


TIERS = tuple(Tier)


Role = Literal["query", "passage"]
"""What a text is to an encoder: a question, or what is searched; some models encode the two differently."""


class EncoderIdentity(msgspec.Struct, frozen=True):
    """Which function from texts and roles to vectors this is: equal digests mean equal vectors."""

    name: str
    digest: str
    dims: int
    max_tokens: int
    tier: Tier = Tier.CONTEXTUAL


class PreparedTexts(Protocol):
    """Texts after tokenisation."""

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Tokens a text, int32[n], special tokens included, after truncation."""


class Feed(msgspec.Struct, frozen=True):
    """How an encoder is fed best: with so many batches at once, each of no more than so many tokens, 0 for any."""

    batches: int = 1
    tokens: int = 0


class Encoder(Protocol):
    """Text to unit vectors; a text's vector never depends on what it is encoded with.

    One that may be called from several threads, or has a size of batch that it likes best, has a `feed` as well.
    """

    @property
    def identity(self) -> EncoderIdentity:
        """Name, digest and shape."""

    def prepare(self, texts: Sequence[str], *, role: Role = "passage") -> PreparedTexts:
        """Tokenise once, each text with what the role puts before it."""

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Encode the given rows of prepared texts as one batch: float32[len(rows), dims], unit rows."""

    def encode(self, texts: Sequence[str], *, role: Role = "passage") -> NDArray[np.float32]:
        """Encode texts as one batch: float32[n, dims], unit rows."""


class QuantizedBatch(msgspec.Struct, frozen=True):
    """Chunks and their reduced vectors: int8[n, k], float32[n] scales such that vector = int8 * scale, and tiers."""

    chunks: tuple[Chunk | Document, ...]
    vectors: NDArray[np.int8]
    scales: NDArray[np.float32]
    tiers: tuple[Tier, ...]


class StoredVector(msgspec.Struct, frozen=True):
    """A text's vector as an index holds it: int8[k], and the scale such that the reduced vector is int8 * scale."""

    vector: NDArray[np.int8]
    scale: float
    tier: Tier
