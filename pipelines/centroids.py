"""Files' centroids: the mean of what the faster encoder makes of a file's chunks, whatever vectors these have.

So a centroid stays as it is while an index is upgraded, and says something of a file that the better encoder's vectors
don't (benchmarks/ranking.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from indexer.types import FileRecord, ParsedFile, QuantizedBatch

from .parsing.encode import ChunkEncoder, file_centroids

if TYPE_CHECKING:
    from indexer.encoders.registry import Variant
    from indexer.stages.reduce import Projection


def centroids_of(
    files: Sequence[ParsedFile | FileRecord], batch: QuantizedBatch, encoder: Variant, projection: Projection
) -> list[bytes]:
    """Return each file's centroid, int8[k], empty for a file without chunks.

    The batch holds all chunks of the files, in their order. Those whose vector is of another tier than the encoder's
    are encoded. Raises ModelError where the encoder is needed and can't be loaded.
    """
    sizes = [len(file.documents) if isinstance(file, ParsedFile) else 0 for file in files]
    vectors, tier = batch.vectors, encoder.identity.tier
    others = [row for row, own in enumerate(batch.tiers) if own is not tier]
    if others:
        loaded = ChunkEncoder(encoder, projection)
        loaded.load()
        vectors = vectors.copy()
        vectors[others] = loaded.encode([batch.chunks[row].embedded_text for row in others]).vectors
    return file_centroids(vectors, sizes)
