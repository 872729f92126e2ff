"""Files' centroids: the mean of what the faster encoder makes of a file's chunks, whatever vectors these have.

So a centroid stays as it is while an index is upgraded, and says something of a file that the better encoder's vectors
don't (benchmarks/ranking.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from indexer.stages.reduce import centroids
from indexer.types import FileRecord, ParsedFile, QuantizedBatch

from .parsing.encode import ChunkEncoder

if TYPE_CHECKING:
    from indexer.encoders.registry import Variant
    from indexer.stages.reduce import Projection


def file_centroids(
    files: Sequence[ParsedFile | FileRecord], batch: QuantizedBatch, encoder: Variant, projection: Projection
) -> list[bytes]:
    """Return each file's centroid, int8[k], empty for a file without chunks.

    The batch holds all chunks of the files, in their order. Those whose vector is of another tier than the encoder's,
    none of which came from a worker, are encoded. Raises ModelError where the encoder is needed and can't be loaded.
    """
    sizes = [len(file.documents) if isinstance(file, ParsedFile) else 0 for file in files]
    bounds = np.cumsum([0, *sizes])
    vectors = batch.vectors.copy()
    is_own = np.array([tier is encoder.identity.tier for tier in batch.tiers], np.bool_)
    for file, start, stop in zip(files, bounds, bounds[1:], strict=False):
        if isinstance(file, ParsedFile) and file.quantized is not None:
            vectors[start:stop], is_own[start:stop] = file.quantized.vectors, True
    if not is_own.all():
        loaded = ChunkEncoder(encoder, projection)
        loaded.load()
        others = np.flatnonzero(~is_own)
        vectors[others] = loaded.encode([batch.chunks[row].embedded_text for row in others]).vectors
    starts = [start for start, size in zip(bounds.tolist(), sizes, strict=False) if size]
    made = iter(centroids(vectors, starts))
    return [next(made).tobytes() if size else b"" for size in sizes]
