"""The vector segments of the generation being made: the base's, linked, and at least one built from what is added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.config import VectorOptions
from indexer.errors import DamagedIndexError
from indexer.stores import durable
from indexer.stores.catalog.reader import Catalog, ChunkRow
from indexer.stores.catalog.writer import CatalogWriter
from indexer.stores.generation import layout
from indexer.stores.generation.commit import storing
from indexer.stores.generation.reader import Generation
from indexer.stores.vectors.merge import segments_to_merge
from indexer.stores.vectors.segments import SegmentWriter, segment_file
from indexer.types import Chunk, QuantizedBatch

MAX_SEGMENT_VECTORS = 262_144
"""A segment is built in memory, so this bounds it: twice its vectors and its graph, 90 MB at 128 dims; segments of this
size are not merged further."""
_MERGE_BATCH = 8192


@dataclass(frozen=True, slots=True)
class KnownVectors:
    """Vectors that the index holds already: `rows` int64[m] of what was asked, int8[m, k], float32[m] scales."""

    rows: NDArray[np.int64]
    vectors: NDArray[np.int8]
    scales: NDArray[np.float32]


class StagedVectors:
    """Adds vectors to one segment after the other; raises StorageError when the system refuses a write."""

    def __init__(self, folder: Path, base: Generation | None, options: VectorOptions) -> None:
        """Start from the base's segments, whose files are linked into `folder` by the caller."""
        self._folder = folder
        self._base = base
        self._options = options
        self._dims = 0 if base is None else base.manifest.projection.dims
        self._totals = {} if base is None else {segment.number: segment.vectors for segment in base.manifest.segments}
        self._number = max(self._totals, default=0) + 1
        self._segment: SegmentWriter | None = None

    def known(self, text_hashes: Sequence[bytes], staged: Catalog) -> KnownVectors:
        """Return the vectors of those texts that the base has, or the segment being made."""
        found: dict[bytes, tuple[NDArray[np.int8], float]] = {}
        if self._base is not None:
            rows = self._base.catalog.chunks_by_text(text_hashes)
            for number, group in _by_segment(rows.values()):
                found.update(_pair(group, self._base.vectors.get(number, [row.id for row in group])))
        if self._segment is not None:
            rows = staged.chunks_by_text(text_hash for text_hash in text_hashes if text_hash not in found)
            group = [row for row in rows.values() if row.segment == self._number]
            if group:
                found.update(_pair(group, self._segment.get([row.id for row in group])))
        known = [(row, *found[text_hash]) for row, text_hash in enumerate(text_hashes) if text_hash in found]
        return KnownVectors(
            np.array([row for row, _, _ in known], np.int64),
            # One column where dims are not known yet: it broadcasts to any.
            np.stack([vector for _, vector, _ in known]) if known else np.empty((0, self._dims or 1), np.int8),
            np.array([scale for _, _, scale in known], np.float32),
        )

    def put(self, batch: QuantizedBatch) -> list[int]:
        """Add the vectors that the base does not have, and return in which segment each chunk lives."""
        count, dims = batch.vectors.shape
        self._dims = self._dims or dims
        if (count, len(batch.scales), dims) != (len(batch.chunks), len(batch.chunks), self._dims):
            raise ValueError(f"{len(batch.chunks)} chunks, {count} vectors of {dims} dims; {self._dims} dims expected")
        if self._segment is not None and len(self._segment) >= MAX_SEGMENT_VECTORS:
            self._save()
        kept = self._kept(batch.chunks)
        added = [row for row, chunk in enumerate(batch.chunks) if chunk.id not in kept]
        self._add([batch.chunks[row].id for row in added], batch.vectors[added])
        return [kept.get(chunk.id, self._number) for chunk in batch.chunks]

    def rebuild(self, vectors: Iterable[tuple[int, bytes]], catalog: CatalogWriter) -> None:
        """Put these vectors, int8[k] bytes by chunk id, into new segments and forget the base's, whatever they hold."""
        with storing(self._folder):
            for number in self._totals:
                (self._folder / segment_file(number)).unlink(missing_ok=True)
        self._totals, self._base = {}, None
        catalog.live.clear()
        pairs = iter(vectors)
        while batch := list(islice(pairs, _MERGE_BATCH)):
            ids = [chunk_id for chunk_id, _ in batch]
            if any(len(vector) != self._dims for _, vector in batch):
                raise DamagedIndexError(
                    f"{layout.TEXT}: a document has a vector of other dims; run `indexer build --full`"
                )
            self._add(ids, np.frombuffer(b"".join(vector for _, vector in batch), np.int8).reshape(len(ids), -1))
            catalog.assign(ids, self._number)
            catalog.live[self._number] += len(ids)
            if self._segment is not None and len(self._segment) >= MAX_SEGMENT_VECTORS:
                self._save()

    def finish(self, catalog: CatalogWriter) -> dict[int, int]:
        """Merge what is too many, too small or too dead, save, and return the number of vectors of each segment."""
        lives = {number: (total, catalog.live[number]) for number, total in self._base_totals().items()}
        staged = 0 if self._segment is None else len(self._segment)
        merges = segments_to_merge(lives, staged=staged, options=self._options, largest=MAX_SEGMENT_VECTORS)
        for number in merges:
            assert self._base is not None
            ids = list(catalog.reader.chunk_ids(segment=number))
            for start in range(0, len(ids), _MERGE_BATCH):
                part = ids[start : start + _MERGE_BATCH]
                self._add(part, self._base.vectors.get(number, part))
            catalog.move_segment(number, self._number)
            with storing(self._folder):
                (self._folder / segment_file(number)).unlink()
            del self._totals[number]
        if self._segment is not None:
            self._save()
        return self._totals

    def _base_totals(self) -> dict[int, int]:
        return {} if self._base is None else {s.number: s.vectors for s in self._base.manifest.segments}

    def _kept(self, chunks: Sequence[Chunk]) -> dict[int, int]:
        """Return the base's segments of those chunks whose text is the same there."""
        if self._base is None:
            return {}
        rows = self._base.catalog.chunks([chunk.id for chunk in chunks])
        return {
            chunk.id: row.segment
            for chunk in chunks
            if (row := rows.get(chunk.id)) is not None and row.text_hash == chunk.text_hash
        }

    def _add(self, ids: Sequence[int], vectors: NDArray[np.int8]) -> None:
        if not len(ids):
            return
        if self._segment is None:
            self._segment = SegmentWriter(dims=self._dims, options=self._options)
        self._segment.add(ids, vectors)

    def _save(self) -> None:
        assert self._segment is not None
        path = self._folder / segment_file(self._number)
        with storing(path):
            durable.before_step("save", path)
            self._segment.save(path)
        self._totals[self._number] = len(self._segment)
        self._number += 1
        self._segment = None


def _pair(
    rows: Sequence[ChunkRow], vectors: NDArray[np.int8]
) -> Iterator[tuple[bytes, tuple[NDArray[np.int8], float]]]:
    for row, vector in zip(rows, vectors, strict=True):
        yield row.text_hash, (vector, row.scale)


def _by_segment(rows: Iterable[ChunkRow]) -> Iterator[tuple[int, list[ChunkRow]]]:
    ordered = sorted(rows, key=lambda row: (row.segment, row.id))
    for number, group in groupby(ordered, key=lambda row: row.segment):
        yield number, list(group)
