"""The vector segments of the generation being made: the base's, linked, and new ones built from what is added.

A segment holds vectors of one tier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from indexer.config import VectorOptions
from indexer.stores import durable
from indexer.stores.catalog.reader import Catalog, ChunkRow
from indexer.stores.catalog.writer import CatalogWriter
from indexer.stores.generation.commit import storing
from indexer.stores.generation.manifest import Segment
from indexer.stores.generation.reader import Generation
from indexer.stores.vectors.merge import segments_to_merge
from indexer.stores.vectors.segment_file import GRAPH_VECTORS
from indexer.stores.vectors.segments import Segments, SegmentWriter, VectorSegments, segment_file
from indexer.types import TIERS, QuantizedBatch, StoredVector, Tier

MAX_SEGMENT_VECTORS = 262_144
"""A segment is built in memory, so this bounds it: twice its vectors and its graph, 90 MB at 128 dims; segments of this
size are not merged further."""
_MERGE_BATCH = 8192


class StagedVectors:
    """Adds vectors to one segment a tier after the other; raises StorageError when the system refuses a write."""

    def __init__(self, folder: Path, base: Generation | None, options: VectorOptions) -> None:
        """Start from the base's segments, whose files are linked into `folder` by the caller."""
        self._folder = folder
        self._base = base
        self._options = options
        self._dims = 0 if base is None else base.manifest.projection.dims
        self._of_base = {} if base is None else {segment.number: segment for segment in base.manifest.segments}
        self._saved: dict[int, Segment] = {}
        self._next = max(self._of_base, default=0) + 1
        self._open: dict[Tier, tuple[int, SegmentWriter]] = {}

    def known(self, text_hashes: Sequence[bytes], tier: Tier, staged: Catalog) -> dict[bytes, StoredVector]:
        """Return the vectors of that tier or a better one that the base has for those texts, or what is staged."""
        made = [
            *self._saved.values(),
            *(Segment(number=n, tier=t, vectors=0, live=0) for t, (n, _) in self._open.items()),
        ]
        places = (
            [(staged, made)] if self._base is None else [(self._base.catalog, self._of_base.values()), (staged, made)]
        )
        found: dict[bytes, StoredVector] = {}
        for catalog, segments in places:
            tiers = {segment.number: segment.tier for segment in segments if segment.tier.rank >= tier.rank}
            missing = [text_hash for text_hash in text_hashes if text_hash not in found] if tiers else []
            rows = catalog.chunks_by_text(missing, {number: held.rank for number, held in tiers.items()})
            for number, group in _by_segment(rows.values()):
                vectors = self.get(number, [row.id for row in group])
                for row, vector in zip(group, vectors, strict=True):
                    found[row.text_hash] = StoredVector(vector, row.scale, tiers[number])
        return found

    def get(self, number: int, ids: Sequence[int]) -> NDArray[np.int8]:
        """Return vectors of one segment, of the base or staged, int8[n, k]; raises DamagedIndexError."""
        if number in self._of_base:
            assert self._base is not None
            return self._base.vectors.get(number, ids)
        if number in self._saved:
            with closing(self._opened(self._saved.values())) as segments:
                return segments.get(number, ids)
        writer = next(writer for at, writer in self._open.values() if at == number)
        return writer.get(ids)

    def tier(self, number: int) -> Tier:
        """Return the tier of a segment, of the base or staged."""
        segment = self._of_base.get(number) or self._saved.get(number)
        return segment.tier if segment else next(tier for tier, (at, _) in self._open.items() if at == number)

    def put(self, batch: QuantizedBatch, replaced: Mapping[int, ChunkRow]) -> list[int]:
        """Add vectors, and return in which segment each chunk's lives.

        `replaced` is what was known of the chunks: one with the same text and a vector of the same tier in the base
        keeps that one.
        """
        count, dims = batch.vectors.shape
        self._dims = self._dims or dims
        if {len(batch.scales), len(batch.tiers), count} != {len(batch.chunks)} or dims != self._dims:
            raise ValueError(f"{len(batch.chunks)} chunks, {count} vectors of {dims} dims; {self._dims} dims expected")
        segments = self._kept(batch, replaced)
        for tier in TIERS:
            rows = [row for row, own in enumerate(batch.tiers) if own is tier and row not in segments]
            if rows:
                number = self._add(tier, [batch.chunks[row].id for row in rows], batch.vectors[rows])
                segments.update(dict.fromkeys(rows, number))
        return [segments[row] for row in range(count)]

    def add(self, tier: Tier, ids: Sequence[int], vectors: NDArray[np.int8]) -> int:
        """Add vectors of one tier, int8[n, k], and return in which segment they live."""
        self._dims = self._dims or vectors.shape[1]
        return self._add(tier, ids, vectors)

    def forget_base(self) -> None:
        """Leave out all of the base's segments, whatever they hold."""
        with storing(self._folder):
            for number in self._of_base:
                (self._folder / segment_file(number)).unlink(missing_ok=True)
        self._of_base, self._base = {}, None

    def finish(self, catalog: CatalogWriter) -> tuple[Segment, ...]:
        """Merge what is too many, too small or too dead, save, and return all segments."""
        for tier in TIERS:
            own = {number: segment for number, segment in self._of_base.items() if segment.tier is tier}
            lives = {number: (segment.vectors, catalog.live[number]) for number, segment in own.items()}
            staged = len(self._open[tier][1]) if tier in self._open else 0
            largest, options = MAX_SEGMENT_VECTORS, self._options
            if tier is Tier.STATIC:  # which never come to need a graph, however many there are
                largest = GRAPH_VECTORS // 2
                full = sum(live >= largest for _, live in lives.values())
                options = replace(options, max_segments=options.max_segments + full)
            for number in segments_to_merge(lives, staged=staged, options=options, largest=largest):
                self._merge(number, tier, catalog)
        for tier in list(self._open):
            self._save(tier)
        live = catalog.live
        made = {**self._of_base, **self._saved}
        return tuple(
            Segment(number=number, tier=segment.tier, vectors=segment.vectors, live=live[number])
            for number, segment in sorted(made.items())
        )

    def nearest(
        self, vectors: NDArray[np.int8], made: Iterable[Segment], segments_of: Segments, *, limit: int
    ) -> list[list[int]]:
        """Return for each of int8[n, k] what a search of the segments that `finish` gave finds, nearest first."""
        with storing(self._folder), closing(self._opened(made)) as segments:
            found = (segments.search(vector, limit=limit, segments_of=segments_of) for vector in vectors)
            return [neighbours.ids.tolist() for neighbours in found]

    def _opened(self, segments: Iterable[Segment]) -> VectorSegments:
        """Open staged segments; they have no checksums yet."""
        return VectorSegments(self._folder, segments, dims=self._dims, options=self._options, check=lambda _: None)

    def _merge(self, number: int, tier: Tier, catalog: CatalogWriter) -> None:
        """Move the living of one of the base's segments into the one being made."""
        ids = list(catalog.reader.chunk_ids(segment=number))
        for start in range(0, len(ids), _MERGE_BATCH):
            part = ids[start : start + _MERGE_BATCH]
            vectors = self.get(number, part)
            catalog.move(part, self._add(tier, part, vectors, saves=tier is Tier.STATIC))
        with storing(self._folder):
            (self._folder / segment_file(number)).unlink()
        del self._of_base[number]

    def _kept(self, batch: QuantizedBatch, replaced: Mapping[int, ChunkRow]) -> dict[int, int]:
        """Return the base's segments of the rows whose chunk keeps its vector."""
        return {
            place: row.segment
            for place, (chunk, tier) in enumerate(zip(batch.chunks, batch.tiers, strict=True))
            if (row := replaced.get(chunk.id)) is not None
            and row.text_hash == chunk.text_hash
            and row.segment in self._of_base
            and self._of_base[row.segment].tier is tier
        }

    def _add(self, tier: Tier, ids: Sequence[int], vectors: NDArray[np.int8], *, saves: bool = True) -> int:
        if saves and tier in self._open and self._is_full(tier, len(ids)):
            self._save(tier)
        if tier not in self._open:
            self._open[tier] = (self._next, SegmentWriter(dims=self._dims, options=self._options))
            self._next += 1
        number, writer = self._open[tier]
        writer.add(ids, vectors)
        return number

    def _is_full(self, tier: Tier, added: int) -> bool:
        """Whether more vectors go into another segment: static ones, soon to be replaced, before they need a graph."""
        held = len(self._open[tier][1])
        return held >= MAX_SEGMENT_VECTORS or (tier is Tier.STATIC and held + added > GRAPH_VECTORS)

    def _save(self, tier: Tier) -> None:
        number, writer = self._open.pop(tier)
        path = self._folder / segment_file(number)
        total = len(writer)
        with storing(path):
            durable.before_step("save", path)
            writer.save(path)
        self._saved[number] = Segment(number=number, tier=tier, vectors=total, live=0)


def _by_segment(rows: Iterable[ChunkRow]) -> Iterator[tuple[int, list[ChunkRow]]]:
    ordered = sorted(rows, key=lambda row: (row.segment, row.id))
    for number, group in groupby(ordered, key=lambda row: row.segment):
        yield number, list(group)
