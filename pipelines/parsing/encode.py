"""Vectors where the chunks are made: an encoder that is faster than its texts travel, run by the parse workers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from indexer.types import Encoder, Quantized, Tier

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.encoders.registry import Variant
    from indexer.stages.reduce import Projection

WORTH_BYTES = 1 << 18
"""Of source; for less it is not worth loading the encoder in the workers."""

AT_ONCE = 256
"""So many texts are encoded together: all those of a large file take tens of megabytes for a moment."""


class ChunkEncoder:
    """An encoder and the projection of its vectors; sent to each worker, and loaded there."""

    def __init__(self, variant: Variant, projection: Projection) -> None:
        """Load nothing yet."""
        self._variant = variant
        self._projection = projection
        self._encoder: Encoder | None = None

    def load(self) -> None:
        """Load the encoder, before this process's memory is limited. Raises ModelError."""
        self._encoder = load_encoder(self._variant)

    def encode(self, texts: Sequence[str]) -> Quantized:
        """Return the reduced vectors of texts; a text's does not depend on the others."""
        import numpy as np

        from indexer.stages.reduce import reduce

        assert self._encoder is not None
        parts = [texts[start : start + AT_ONCE] for start in range(0, max(1, len(texts)), AT_ONCE)]
        made = [reduce(self._encoder.encode(part), self._projection) for part in parts]
        vectors, scales = zip(*made, strict=True)
        return Quantized(np.concatenate(vectors), np.concatenate(scales))


def file_centroids(vectors: NDArray[np.int8], sizes: Sequence[int]) -> list[bytes]:
    """Return the centroids, int8[k], of files that have so many of int8[n, k] each, in order; empty for one of none."""
    from indexer.stages.reduce import centroids

    starts = [start for start, size in zip(accumulate(sizes, initial=0), sizes, strict=False) if size]
    made = iter(centroids(vectors, starts))
    return [next(made).tobytes() if size else b"" for size in sizes]


def load_encoder(variant: Variant) -> Encoder:
    """Load an encoder for one thread; a static one is loaded once a process. Raises ModelError."""
    # Or numpy's BLAS reserves memory for one thread a core.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    return variant.load(threads=1, light=True)


def workers_encode(variant: Variant, size: int) -> bool:
    """Whether it is worth it that the workers encode the chunks of so many bytes of source."""
    return variant.identity.tier is Tier.STATIC and size >= WORTH_BYTES
