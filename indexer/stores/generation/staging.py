"""The next generation, made beside the current one and published by one rename."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.config import VectorOptions
from indexer.errors import IndexerError, NoIndexError, StorageError
from indexer.stores import durable
from indexer.stores.catalog import digest
from indexer.stores.catalog.reader import Catalog, ChunkRow
from indexer.stores.catalog.writer import CatalogWriter
from indexer.stores.generation import layout, lock
from indexer.stores.generation.commit import collect, prepare, publish, storing, sweep
from indexer.stores.generation.manifest import (
    FORMAT_VERSION,
    Counts,
    Encoder,
    Manifest,
    Projection,
    Segment,
)
from indexer.stores.generation.reader import Generation, open_generation
from indexer.stores.generation.residency import MADV_PAGEOUT, MERGED_BYTES, Growth, Residency, mapped_bytes
from indexer.stores.generation.staged_files import StagedFiles
from indexer.stores.generation.staged_text import StagedText, held_vectors
from indexer.stores.generation.staged_tiers import put_vectors, raise_tier
from indexer.stores.generation.staged_vectors import StagedVectors
from indexer.stores.text.document import Embedding, make_documents
from indexer.stores.text.writer import INDEXING_THREAD
from indexer.stores.vectors.projection import projection_bytes
from indexer.types import Document, EncoderIdentity, FileRecord, IndexedSource, QuantizedBatch, StoredVector, Tier

_LOOK_SECONDS = 0.05
"""Tantivy reads some 10 MB between two looks at what is mapped, before it copies documents."""
_KEPT_BYTES = 6 << 20
"""By so much a build's memory may grow before what was freed is given back."""
_GROWTH_BYTES = 54 << 20
"""What Tantivy, SQLite and a segment's vectors take. Some 10,000 chunks, 30 MB, may wait for Tantivy's thread while it
writes a segment; a build that has grown by so much waits until these are fewer."""


class Staging:
    """A generation being made. Everything is discarded unless `commit` is called.

    Order of calls: `remove_file`, `touch_file` and `put_file` at any time; `put_chunks` after the `put_file` of each
    chunk's file. All raise StorageError when the system refuses a write.
    """

    def __init__(self, index_dir: Path, base: Generation | None, options: VectorOptions) -> None:
        """Use `begin`."""
        self._index_dir = index_dir
        self._base = base
        self._folder = layout.staging_dir(index_dir) / "next"
        self._text = StagedText(self._folder / layout.TEXT, base)
        self._vectors = StagedVectors(self._folder / layout.VECTORS, base, options)
        self._files = StagedFiles(self._folder, base)
        self._files.stage(with_text=not self._text.rewrites)
        self._made: tuple[Segment, ...] | None = None
        self._replaced: dict[int, ChunkRow] = {}
        self._catalog = CatalogWriter(
            self._folder / layout.CATALOG,
            content_digest=0 if base is None else int(base.manifest.digest, 16),
            vector_digest=0 if base is None else int(base.manifest.vector_digest, 16),
            live=Counter() if base is None else Counter({s.number: s.live for s in base.manifest.segments}),
        )
        self.committed: Manifest | None = None
        self._growth = Growth(kept=_KEPT_BYTES, most=_GROWTH_BYTES, thread=INDEXING_THREAD)

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

    def remove_file(self, path: str) -> list[int]:
        """Remove a file and its chunks, and return their ids; a file that is not there is no error."""
        return [row.id for row in self._remove(path)]

    def put_file(self, record: FileRecord, *, centroid: bytes = b"") -> list[int]:
        """Insert a file, or replace it with all of its chunks; return the ids of those that it had.

        `centroid` is that of the chunks, int8[k] as bytes, and empty for a file without any.
        """
        rows = self._remove(record.path)
        self._catalog.put(record, centroid)
        # A chunk's id is made of its file's path, so that whatever has an id again was in the same file.
        self._replaced.update((row.id, row) for row in rows)
        return [row.id for row in rows]

    def put_projection(self, matrix: NDArray[np.float32], mean: NDArray[np.float32]) -> None:
        """Keep the basis float32[d, k] and mean float32[d], replacing what the base had."""
        self._files.replace(layout.PROJECTION, projection_bytes(matrix, mean))

    def rebuild_vectors(self) -> None:
        """Replace all vectors by those in the text index's documents; nothing of the base's segments is read.

        A document keeps the vector that it was added with, which may be of a lower tier than the one that is lost.
        """
        assert self._base is not None
        documents = held_vectors(self._base)
        self._vectors.forget_base()
        self._catalog.forget_vectors()
        for tier, ids, vectors, scales in documents:
            put_vectors(tier, ids, vectors, scales, {}, into=self._vectors, catalog=self._catalog)

    def known_vectors(self, text_hashes: Sequence[bytes], tier: Tier) -> dict[bytes, StoredVector]:
        """Return the vectors, of that tier or a better one, that the base or what is staged has for those texts."""
        return self._vectors.known(text_hashes, tier, self._catalog.reader)

    def put_chunks(self, batch: QuantizedBatch) -> None:
        """Add chunks whose files were put. A chunk that its file had before with the same text keeps its vector."""
        if not batch.chunks:
            return
        self._growth.look()
        replaced = {chunk.id: row for chunk in batch.chunks if (row := self._replaced.pop(chunk.id, None))}
        segments = self._vectors.put(batch, replaced)
        scales = batch.scales.tolist()
        embeddings = [
            Embedding(vector.tobytes(), scale, tier)
            for vector, scale, tier in zip(batch.vectors, scales, batch.tiers, strict=True)
        ]
        documents = [chunk if isinstance(chunk, Document) else make_documents([chunk])[0] for chunk in batch.chunks]
        self._text.add(zip(documents, embeddings, strict=True))
        numbered = sorted(enumerate(batch.chunks), key=lambda pair: pair[1].path)
        for path, group in groupby(numbered, key=lambda pair: pair[1].path):
            members = list(group)
            rows = [ChunkRow(chunk.id, chunk.text_hash, segments[row], scales[row]) for row, chunk in members]
            parts = [digest.of_vector(c.id, embeddings[row].tier, embeddings[row].vector) for row, c in members]
            self._catalog.put_chunks(path, rows, parts)

    def put_vectors(self, batch: QuantizedBatch) -> int:
        """Give chunks vectors of a better tier, and return how many: those that still have the text and a lower tier.

        Text, ids and files stay as they are.
        """
        return raise_tier(batch, self._vectors, self._catalog)

    def nearest(self, vectors: NDArray[np.int8], *, limit: int) -> list[list[int]]:
        """Return for each of int8[n, k] the chunks that a search of what is staged finds, nearest first.

        The answers are those of the generation once committed. No chunk may be put afterwards.
        """
        return self._vectors.nearest(vectors, self._segments(), self.catalog.segments_of, limit=limit)

    def commit(
        self,
        *,
        encoder: EncoderIdentity,
        projection: Projection,
        made_with: dict[str, str],
        source: IndexedSource,
        extra: Mapping[str, str | int | float | bool] | None = None,
    ) -> Manifest:
        """Publish what is staged as the next generation and return its manifest.

        A failure before that leaves the current one served.

        `projection.dims` are the dims of the stored vectors. `made_with` is that of indexer.identity. `extra` is
        kept in the manifest.
        """
        with storing(self._folder):
            segments = self._segments()
            if self._text.is_changed:
                self._text.commit()
            elif self._text.rewrites:
                self._files.stage_text()
            catalog = self._catalog.reader
            counts = Counts(files=catalog.file_count(), skipped=catalog.skipped_count(), chunks=catalog.chunk_count())
            durable.before_step("close", self._folder / layout.CATALOG)
            self._catalog.finish()
            manifest = Manifest(
                format_version=FORMAT_VERSION,
                generation=layout.next_number(self._index_dir),
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                encoder=Encoder(
                    name=encoder.name, digest=encoder.digest, dims=encoder.dims, max_tokens=encoder.max_tokens
                ),
                projection=projection,
                made_with=made_with,
                source=source,
                counts=counts,
                segments=segments,
                digest=digest.to_hex(self._catalog.digest),
                vector_digest=digest.to_hex(self._catalog.vector_digest),
                files={},
                extra=dict(extra or {}),
            )
            self.committed = publish(self._index_dir, self._folder, manifest, self._files.unchanged())
            return self.committed

    def close(self) -> None:
        """Close what is open; what was not committed is removed by `begin`."""
        # What led here is what the caller must hear of.
        with suppress(StorageError):
            self._text.discard()
        self._catalog.close()

    def _remove(self, path: str) -> list[ChunkRow]:
        rows = self._catalog.remove(path)
        if rows is not None:
            self._text.delete(path)
        return rows or []

    def _segments(self) -> tuple[Segment, ...]:
        """Save what was added, once, and return all segments."""
        if self._made is None:
            self._made = self._vectors.finish(self._catalog)
        return self._made


@contextmanager
def begin(
    index_dir: Path,
    *,
    wait_seconds: float = 0.0,
    waiting: Callable[[str], None] | None = None,
    fresh: bool = False,
    opened: Generation | None = None,
    keep: int = 2,
    options: VectorOptions | None = None,
    check_files: bool = True,
) -> Iterator[Staging]:
    """Start the next generation from the current one, or from nothing when `fresh` or when there is none.

    Holds the writer's lock; `waiting` is told who has it, when there is somebody to wait for. `opened` is a generation
    that the caller has open: it is the base if it is still served, so that what it has checked and read is not checked
    and read again. `check_files` as in `open_generation`. After a commit all but the `keep` newest generations are
    collected, readers permitting. Raises LockedError, DamagedIndexError or FormatVersionError (never when fresh), and
    StorageError.
    """
    options = options or VectorOptions()
    prepare(index_dir, new=opened is None)
    with lock.writer_lock(index_dir, wait_seconds=wait_seconds, waiting=waiting), ExitStack() as stack:
        base: Generation | None = None
        if not fresh:
            with suppress(NoIndexError):
                if opened is not None and _serves(index_dir, opened):
                    base = opened
                else:
                    base = stack.enter_context(open_generation(index_dir, options=options, check_files=check_files))
        sweep(index_dir)
        committed = False
        try:
            pages, limit = Residency(index_dir, advice=MADV_PAGEOUT), mapped_bytes() + MERGED_BYTES
            with pages.bounded(limit, every=_LOOK_SECONDS), closing(Staging(index_dir, base, options)) as staging:
                yield staging
                committed = staging.committed is not None
        finally:
            stack.close()
            # What led here is what the caller must hear of, and a commit stands whatever becomes of the old ones.
            with suppress(IndexerError):
                if committed:
                    collect(index_dir, keep=keep)
                else:
                    sweep(index_dir)


def _serves(index_dir: Path, generation: Generation) -> bool:
    """Return whether a generation is the one that is served; raises NoIndexError when none is."""
    return layout.read_current(index_dir) == layout.Current(generation.number, generation.manifest.checksum)
