"""Vectors of chunks that are there, in place of those of a lower tier or of those that are lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from indexer.stores.catalog import digest
from indexer.stores.catalog.reader import ChunkRow
from indexer.stores.catalog.writer import CatalogWriter
from indexer.stores.generation.staged_vectors import StagedVectors
from indexer.types import QuantizedBatch, Tier


def raise_tier(batch: QuantizedBatch, into: StagedVectors, catalog: CatalogWriter) -> int:
    """Put the vectors of chunks that still have the text and a lower tier, and return how many; see Staging."""
    rows = catalog.reader.chunks([chunk.id for chunk in batch.chunks])
    held = {number: into.tier(number) for number in {row.segment for row in rows.values()}}
    lower: dict[Tier, list[int]] = {}
    for place, (chunk, tier) in enumerate(zip(batch.chunks, batch.tiers, strict=True)):
        row = rows.get(chunk.id)
        if row is not None and row.text_hash == chunk.text_hash and held[row.segment].rank < tier.rank:
            lower.setdefault(tier, []).append(place)
    by_segment: dict[int, list[int]] = {}
    for chunk_id in (batch.chunks[place].id for places in lower.values() for place in places):
        by_segment.setdefault(rows[chunk_id].segment, []).append(chunk_id)
    old: dict[int, int] = {}
    for number, own in by_segment.items():
        for chunk_id, vector in zip(own, into.get(number, own), strict=True):
            old[chunk_id] = digest.of_vector(chunk_id, held[number], vector.tobytes())
    for tier, places in lower.items():
        ids = [batch.chunks[place].id for place in places]
        put_vectors(tier, ids, batch.vectors[places], batch.scales[places], old, into=into, catalog=catalog)
    return len(old)


def put_vectors(
    tier: Tier,
    ids: Sequence[int],
    vectors: NDArray[np.int8],
    scales: NDArray[np.float32],
    old: Mapping[int, int],
    *,
    into: StagedVectors,
    catalog: CatalogWriter,
) -> None:
    """Put int8[n, k] with scales float32[n] in place of the vectors whose parts of the vector digest are `old`."""
    segment = into.add(tier, ids, vectors)
    place = {chunk_id: row for row, chunk_id in enumerate(ids)}
    paths = sorted(catalog.reader.paths_of(ids).items(), key=lambda item: item[1])
    for path, group in groupby(paths, key=lambda item: item[1]):
        members = [chunk_id for chunk_id, _ in group]
        rows = [ChunkRow(i, b"", segment, float(scales[place[i]])) for i in members]
        parts = [digest.of_vector(i, tier, vectors[place[i]].tobytes()) - old.get(i, 0) for i in members]
        catalog.put_vectors(path, rows, digest.add(*parts))
