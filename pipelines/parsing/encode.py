"""Vectors where the chunks are made: an encoder that is faster than its texts travel, run by the parse workers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from indexer.encoders.registry import Variant
from indexer.types import Chunk, Encoder, FileRecord, Quantized, Tier

if TYPE_CHECKING:
    from indexer.stages.reduce import Projection

WORTH_BYTES = 1 << 18
"""Of source; for less it is not worth loading the encoder in the workers."""


class ChunkEncoder:
    """An encoder and the projection of its vectors; sent to each worker, and loaded there."""

    def __init__(self, variant: Variant, projection: Projection) -> None:
        """Load nothing yet."""
        self._variant = variant
        self._projection = projection
        self._encoder: Encoder | None = None

    def load(self) -> None:
        """Load the encoder, before this process's memory is limited. Raises ModelError."""
        # One thread, or numpy's BLAS reserves memory for one a core.
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        self._encoder = self._variant.load(threads=1, light=True)

    def encode(self, chunks: Sequence[Chunk]) -> Quantized:
        """Return the reduced vectors of chunks; a text's vector does not depend on the others."""
        from indexer.stages.reduce import reduce

        assert self._encoder is not None
        vectors = self._encoder.encode([chunk.embedded_text for chunk in chunks])
        return Quantized(*reduce(vectors, self._projection))


def chunk_encoder(variant: Variant, projection: Projection, records: Sequence[FileRecord]) -> ChunkEncoder | None:
    """Return what the workers encode the chunks of these files with; None where it is not worth it."""
    is_worth_it = sum(record.size for record in records) >= WORTH_BYTES
    return ChunkEncoder(variant, projection) if is_worth_it and variant.identity.tier is Tier.STATIC else None
