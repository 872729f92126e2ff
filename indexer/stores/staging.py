"""The next generation, made beside the current one and published by one rename."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.config import VectorOptions
from indexer.errors import NoIndexError
from indexer.stores import digest, durable, layout, lock
from indexer.stores.catalog import Catalog, ChunkRow
from indexer.stores.catalog_writer import CatalogWriter
from indexer.stores.commit import collect, prepare, publish, storing, sweep
from indexer.stores.generation import Generation, open_generation
from indexer.stores.manifest import FORMAT_VERSION, Counts, Encoder, FileSum, Manifest, Projection, Segment
from indexer.stores.segment_merge import segments_to_merge
from indexer.stores.text_writer import MUTABLE_FILES, TextWriter
from indexer.stores.vectors import SegmentWriter, segment_file
from indexer.types import Chunk, EncoderIdentity, FileRecord, QuantizedBatch

MAX_SEGMENT_VECTORS = 262_144
"""A segment is built in memory, so this bounds it: 72 MB at 128 dims; segments of this size are not merged further."""
_MERGE_BATCH = 8192


@dataclass(frozen=True, slots=True)
class KnownVectors:
    """Vectors that the index holds already: `rows` int64[m] of what was asked, int8[m, k], float32[m] scales."""

    rows: NDArray[np.int64]
    vectors: NDArray[np.int8]
    scales: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit published."""

    generation: int
    digest: str
    chunks: int
    files: int


class Staging:
    """A generation being made. Everything is discarded unless `commit` is called.

    Order of calls: `remove_file`, `touch_file` and `put_file` at any time; `put_chunks` after the `put_file` of each
    chunk's file. All raise StorageError when the system refuses a write.
    """

    def __init__(self, index_dir: Path, base: Generation | None, options: VectorOptions) -> None:
        """Use `begin`."""
        self._index_dir = index_dir
        self._base = base
        self._options = options
        self._folder = layout.staging_dir(index_dir) / "next"
        self._carried: dict[str, tuple[int, int, int]] = {}
        self._text: TextWriter | None = None
        self._segment: SegmentWriter | None = None
        self._dims = base.manifest.projection.dims if base else 0
        self._totals: dict[int, int] = {}
        live: Counter[int] = Counter()
        content = 0
        if base is not None:
            content = int(base.manifest.digest, 16)
            for segment in base.manifest.segments:
                self._totals[segment.number] = segment.vectors
                live[segment.number] = segment.live
        self._next_segment = max(self._totals, default=0) + 1
        self._stage_files()
        self._catalog = CatalogWriter(self._folder / layout.CATALOG, content_digest=content, live=live)
        self.committed: Committed | None = None

    @property
    def catalog(self) -> Catalog:
        """What is staged so far."""
        return self._catalog.reader

    @property
    def base(self) -> Generation | None:
        """The generation that this one starts from; None when it starts from nothing."""
        return self._base

    def touch_file(self, record: FileRecord) -> None:
        """Heal the stat of a file whose content is what the index holds."""
        self._catalog.touch(record)

    def remove_file(self, path: str) -> None:
        """Remove a file and its chunks; a file that is not there is no error."""
        if self._catalog.remove(path) and self._base is not None:
            self._writer().delete(path)

    def put_file(self, record: FileRecord) -> None:
        """Insert a file, or replace it with all of its chunks."""
        self.remove_file(record.path)
        self._catalog.put(record)

    def put_projection(self, matrix: NDArray[np.float32], mean: NDArray[np.float32]) -> None:
        """Keep the basis float32[d, k] and mean float32[d], replacing what the base had."""
        from indexer.stores.projection import projection_bytes

        path = self._folder / layout.PROJECTION
        self._carried.pop(layout.PROJECTION, None)
        with storing(path):
            path.unlink(missing_ok=True)
            durable.write_file(path, projection_bytes(matrix, mean))

    def known_vectors(self, text_hashes: Sequence[bytes]) -> KnownVectors:
        """Return the vectors of those texts that the base generation, or what is staged, has a vector for."""
        found: dict[bytes, tuple[NDArray[np.int8], float]] = {}
        wanted = dict.fromkeys(text_hashes)
        if self._base is not None:
            rows = self._base.catalog.chunks_by_text(wanted)
            for number, group in _by_segment(rows.values()):
                vectors = self._base.vectors.get(number, [row.id for row in group])
                found.update((row.text_hash, (vector, row.scale)) for row, vector in zip(group, vectors, strict=True))
        if self._segment is not None:
            rows = self._catalog.reader.chunks_by_text(text for text in wanted if text not in found)
            fresh = [row for row in rows.values() if row.segment == self._next_segment]
            if fresh:
                vectors = self._segment.get([row.id for row in fresh])
                found.update((row.text_hash, (vector, row.scale)) for row, vector in zip(fresh, vectors, strict=True))
        known = [(row, *found[text]) for row, text in enumerate(text_hashes) if text in found]
        matrix = np.stack([vector for _, vector, _ in known]) if known else np.empty((0, self._dims), np.int8)
        return KnownVectors(
            np.array([row for row, _, _ in known], np.int64),
            matrix,
            np.array([scale for _, _, scale in known], np.float32),
        )

    def put_chunks(self, batch: QuantizedBatch) -> None:
        """Add chunks whose files were put. A chunk that the base has with the same text keeps its vector's segment."""
        if not batch.chunks:
            return
        count, dims = batch.vectors.shape
        if count != len(batch.chunks) or len(batch.scales) != count or (self._dims and dims != self._dims):
            raise ValueError(
                f"{count} vectors of {dims} dims for {len(batch.chunks)} chunks; {self._dims} dims expected"
            )
        self._dims = dims
        segments = self._segments_kept(batch.chunks)
        added = [row for row, chunk in enumerate(batch.chunks) if chunk.id not in segments]
        text = self._writer()
        raw = [vector.tobytes() for vector in batch.vectors]
        scales = batch.scales.tolist()
        for chunk, vector, scale in zip(batch.chunks, raw, scales, strict=True):
            text.add(chunk, vector, scale)
        if added:
            self._add_vectors([batch.chunks[row].id for row in added], batch.vectors[added])
        numbered = sorted(enumerate(batch.chunks), key=lambda pair: pair[1].path)
        for path, group in groupby(numbered, key=lambda pair: pair[1].path):
            members = list(group)
            rows = [
                ChunkRow(chunk.id, chunk.text_hash, segments.get(chunk.id, self._next_segment), scales[row])
                for row, chunk in members
            ]
            parts = [digest.of_chunk(chunk.id, chunk.text_hash, raw[row]) for row, chunk in members]
            self._catalog.put_chunks(path, rows, parts)
        if self._segment is not None and len(self._segment) >= MAX_SEGMENT_VECTORS:
            self._save_segment()

    def commit(
        self,
        *,
        encoder: EncoderIdentity,
        projection: Projection,
        fingerprint: str,
        extra: Mapping[str, str | int | float | bool] | None = None,
    ) -> Committed:
        """Publish what is staged as the next generation; a failure before that leaves the current one served.

        `projection.dims` are the dims of the stored vectors. `extra` is kept in the manifest.
        """
        self._dims = self._dims or projection.dims
        self._merge_segments()
        if self._segment is not None:
            self._save_segment()
        self._writer().commit()
        self._text = None
        catalog = self._catalog.reader
        counts = Counts(files=catalog.file_count(), skipped=catalog.skipped_count(), chunks=catalog.chunk_count())
        durable.before_step("close", self._folder / layout.CATALOG)
        self._catalog.finish()
        live = self._catalog.live
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            generation=1 + max(layout.generation_numbers(self._index_dir), default=0),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            encoder=Encoder(name=encoder.name, digest=encoder.digest, dims=encoder.dims, max_tokens=encoder.max_tokens),
            projection=projection,
            fingerprint=fingerprint,
            counts=counts,
            segments=tuple(Segment(number=n, vectors=total, live=live[n]) for n, total in sorted(self._totals.items())),
            digest=digest.to_hex(self._catalog.digest),
            files={},
            extra=dict(extra or {}),
        )
        with storing(self._folder):
            publish(self._index_dir, self._folder, manifest, self._unchanged())
        self.committed = Committed(manifest.generation, manifest.digest, counts.chunks, counts.files)
        return self.committed

    def discard(self) -> None:
        """Close and remove what is staged; does nothing after a commit."""
        if self._text is not None:
            self._text.discard()
            self._text = None
        self._catalog.close()
        if self.committed is None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _stage_files(self) -> None:
        """Make the folder, with the base's files in it: hard links of what is immutable, copies of what changes."""
        with storing(self._folder):
            for name in ("", layout.TEXT, layout.VECTORS):
                (self._folder / name).mkdir()
            if self._base is None:
                return
            self._base.check(layout.CATALOG)
            for name in self._base.manifest.files:
                source, target = self._base.path / name, self._folder / name
                if name == layout.CATALOG or target.name in MUTABLE_FILES:
                    durable.copy(source, target)
                else:
                    durable.link_or_copy(source, target)
                    self._carried[name] = _signature(target)

    def _unchanged(self) -> dict[str, FileSum]:
        """Return the checksums of those of the base's files that are still what was staged."""
        if self._base is None:
            return {}
        files = self._base.manifest.files
        return {
            name: files[name]
            for name, signature in self._carried.items()
            if (path := self._folder / name).exists() and _signature(path) == signature
        }

    def _writer(self) -> TextWriter:
        if self._text is None:
            self._text = TextWriter(self._folder / layout.TEXT)
        return self._text

    def _segments_kept(self, chunks: Sequence[Chunk]) -> dict[int, int]:
        """Return in which of the base's segments those chunks live whose text is the same there."""
        if self._base is None:
            return {}
        rows = self._base.catalog.chunks([chunk.id for chunk in chunks])
        return {
            chunk.id: row.segment
            for chunk in chunks
            if (row := rows.get(chunk.id)) is not None and row.text_hash == chunk.text_hash
        }

    def _add_vectors(self, ids: Sequence[int], vectors: NDArray[np.int8]) -> None:
        if self._segment is None:
            self._segment = SegmentWriter(dims=self._dims, options=self._options)
        self._segment.add(ids, vectors)

    def _save_segment(self) -> None:
        assert self._segment is not None
        path = self._folder / layout.VECTORS / segment_file(self._next_segment)
        durable.before_step("save", path)
        self._segment.save(path)
        self._totals[self._next_segment] = len(self._segment)
        self._next_segment += 1
        self._segment = None

    def _merge_segments(self) -> None:
        """Move the live vectors of segments that are too many, too small or too dead into the one being made."""
        if self._base is None:
            return
        numbers = segments_to_merge(
            {
                segment.number: (segment.vectors, self._catalog.live[segment.number])
                for segment in self._base_segments()
            },
            staged=0 if self._segment is None else len(self._segment),
            options=self._options,
            largest=MAX_SEGMENT_VECTORS,
        )
        for number in numbers:
            ids = list(self._catalog.reader.chunk_ids(segment=number))
            for start in range(0, len(ids), _MERGE_BATCH):
                part = ids[start : start + _MERGE_BATCH]
                self._add_vectors(part, self._base.vectors.get(number, part))
            self._catalog.move_segment(number, self._next_segment)
            with storing(self._folder):
                (self._folder / layout.VECTORS / segment_file(number)).unlink()
            del self._totals[number]

    def _base_segments(self) -> tuple[Segment, ...]:
        return () if self._base is None else self._base.manifest.segments


@contextmanager
def begin(
    index_dir: Path,
    *,
    wait_seconds: float = 0.0,
    fresh: bool = False,
    keep: int = 2,
    options: VectorOptions | None = None,
) -> Iterator[Staging]:
    """Start the next generation from the current one, or from nothing when `fresh` or when there is none.

    Holds the writer's lock. After a commit all but the `keep` newest generations are collected, readers permitting.
    Raises LockedError, DamagedIndexError or FormatVersionError (never when fresh), and StorageError.
    """
    options = options or VectorOptions()
    prepare(index_dir)
    with lock.writer_lock(index_dir, wait_seconds=wait_seconds), ExitStack() as stack:
        base: Generation | None = None
        if not fresh:
            with suppress(NoIndexError):
                base = stack.enter_context(open_generation(index_dir, options=options))
        sweep(index_dir)
        staging = Staging(index_dir, base, options)
        try:
            yield staging
        finally:
            staging.discard()
        if staging.committed is not None:
            stack.close()
            collect(index_dir, keep=keep)


def _signature(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _by_segment(rows: Iterable[ChunkRow]) -> Iterator[tuple[int, list[ChunkRow]]]:
    ordered = sorted(rows, key=lambda row: (row.segment, row.id))
    for number, group in groupby(ordered, key=lambda row: row.segment):
        yield number, list(group)
