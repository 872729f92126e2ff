"""The next generation, made beside the current one and published by one rename."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from itertools import groupby, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.config import VectorOptions
from indexer.errors import REMEDY, DamagedIndexError, IndexerError, NoIndexError, StorageError
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
    FileSum,
    IndexedSource,
    Manifest,
    Projection,
    Segment,
)
from indexer.stores.generation.reader import Generation, open_generation
from indexer.stores.generation.staged_text import StagedText
from indexer.stores.generation.staged_vectors import StagedVectors, StoredVector
from indexer.stores.text.document import Embedding, decode_embedding
from indexer.stores.text.files import damage
from indexer.stores.text.writer import MUTABLE_FILES
from indexer.stores.vectors.projection import projection_bytes
from indexer.stores.vectors.segments import VectorSegments
from indexer.types import TIERS, EncoderIdentity, FileRecord, QuantizedBatch, Tier

_REBUILT = 8192
"""How many vectors are rebuilt at a time."""


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
        self._options = options
        self._carried: dict[str, tuple[int, int, int]] = {}
        self._text = StagedText(self._folder / layout.TEXT, base)
        self._vectors = StagedVectors(self._folder / layout.VECTORS, base, options)
        self._stage_files()
        self._made: tuple[Segment, ...] | None = None
        self._replaced: dict[int, ChunkRow] = {}
        self._catalog = CatalogWriter(
            self._folder / layout.CATALOG,
            content_digest=0 if base is None else int(base.manifest.digest, 16),
            vector_digest=0 if base is None else int(base.manifest.vector_digest, 16),
            live=Counter() if base is None else Counter({s.number: s.live for s in base.manifest.segments}),
        )
        self.committed: Manifest | None = None

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

    def put_file(self, record: FileRecord) -> list[int]:
        """Insert a file, or replace it with all of its chunks; return the ids of those that it had."""
        rows = self._remove(record.path)
        self._catalog.put(record)
        # A chunk's id is made of its file's path, so that whatever has an id again was in the same file.
        self._replaced.update((row.id, row) for row in rows)
        return [row.id for row in rows]

    def put_projection(self, matrix: NDArray[np.float32], mean: NDArray[np.float32]) -> None:
        """Keep the basis float32[d, k] and mean float32[d], replacing what the base had."""
        path = self._folder / layout.PROJECTION
        self._carried.pop(layout.PROJECTION, None)
        with storing(path):
            path.unlink(missing_ok=True)
            durable.write_file(path, projection_bytes(matrix, mean))

    def rebuild_vectors(self) -> None:
        """Replace all vectors by those in the text index's documents; nothing of the base's segments is read.

        A document keeps the vector that it was added with, which may be of a lower tier than the one that is lost.
        """
        assert self._base is not None
        documents = self._base.text.scan()
        self._vectors.forget_base()
        self._catalog.forget_vectors()
        dims = self._base.manifest.projection.dims
        while batch := list(islice(documents, _REBUILT)):
            with damage(self._base.path / layout.TEXT):
                embeddings = {chunk_id: decode_embedding(embedding) for chunk_id, _, embedding in batch}
                if any(len(embedding.vector) != dims for embedding in embeddings.values()):
                    raise ValueError(f"a document has a vector of other than {dims} dims")
            for tier in TIERS:
                own = {chunk_id: embedding for chunk_id, embedding in embeddings.items() if embedding.tier is tier}
                if own:
                    joined = b"".join(embedding.vector for embedding in own.values())
                    vectors = np.frombuffer(joined, np.int8).reshape(len(own), -1)
                    scales = np.array([embedding.scale for embedding in own.values()], np.float32)
                    self._put_vectors(tier, list(own), vectors, scales, {})

    def known_vectors(self, text_hashes: Sequence[bytes], tier: Tier) -> dict[bytes, StoredVector]:
        """Return the vectors, of that tier or a better one, that the base or what is staged has for those texts."""
        return self._vectors.known(text_hashes, tier, self._catalog.reader)

    def put_chunks(self, batch: QuantizedBatch) -> None:
        """Add chunks whose files were put. A chunk that its file had before with the same text keeps its vector."""
        if not batch.chunks:
            return
        replaced = {chunk.id: row for chunk in batch.chunks if (row := self._replaced.pop(chunk.id, None))}
        segments = self._vectors.put(batch, replaced)
        scales = batch.scales.tolist()
        embeddings = [
            Embedding(vector.tobytes(), scale, tier)
            for vector, scale, tier in zip(batch.vectors, scales, batch.tiers, strict=True)
        ]
        for chunk, embedding in zip(batch.chunks, embeddings, strict=True):
            self._text.add(chunk, embedding)
        numbered = sorted(enumerate(batch.chunks), key=lambda pair: pair[1].path)
        for path, group in groupby(numbered, key=lambda pair: pair[1].path):
            members = list(group)
            rows = [ChunkRow(chunk.id, chunk.text_hash, segments[row], scales[row]) for row, chunk in members]
            parts = [digest.of_vector(c.id, embeddings[row].tier, embeddings[row].vector) for row, c in members]
            self._catalog.put_chunks(path, rows, parts)

    def put_vectors(
        self, tier: Tier, ids: Sequence[int], vectors: NDArray[np.int8], scales: NDArray[np.float32]
    ) -> None:
        """Replace the vectors of chunks, whatever their tier, by int8[n, k] with float32[n] scales of another tier.

        Text, ids and files stay as they are.
        """
        old: dict[int, int] = {}
        by_segment: dict[int, list[int]] = {}
        for chunk_id, number in self.catalog.segments_of(ids).items():
            by_segment.setdefault(number, []).append(chunk_id)
        for number, own in by_segment.items():
            held = self._vectors.tier(number)
            for chunk_id, vector in zip(own, self._vectors.get(number, own), strict=True):
                old[chunk_id] = digest.of_vector(chunk_id, held, vector.tobytes())
        self._put_vectors(tier, ids, vectors, scales, old)

    def _put_vectors(
        self,
        tier: Tier,
        ids: Sequence[int],
        vectors: NDArray[np.int8],
        scales: NDArray[np.float32],
        old: Mapping[int, int],
    ) -> None:
        """Put vectors in place of those whose parts of the digest are `old`."""
        segment = self._vectors.add(tier, ids, vectors)
        place = {chunk_id: row for row, chunk_id in enumerate(ids)}
        paths = sorted(self.catalog.paths_of(ids).items(), key=lambda item: item[1])
        for path, group in groupby(paths, key=lambda item: item[1]):
            members = [chunk_id for chunk_id, _ in group]
            rows = [ChunkRow(i, b"", segment, float(scales[place[i]])) for i in members]
            parts = [digest.of_vector(i, tier, vectors[place[i]].tobytes()) - old.get(i, 0) for i in members]
            self._catalog.put_vectors(path, rows, digest.add(*parts))

    def nearest(self, vectors: NDArray[np.int8], *, limit: int) -> list[list[int]]:
        """Return for each of int8[n, k] the chunks that a search of what is staged finds, nearest first.

        The answers are those of the generation once committed. No chunk may be put afterwards.
        """
        with storing(self._folder):
            segments = VectorSegments(
                self._folder / layout.VECTORS,
                self._segments(),
                dims=vectors.shape[1],
                options=self._options,
                check=lambda _: None,
            )
            with closing(segments):
                return [
                    segments.search(vector, limit=limit, segments_of=self.catalog.segments_of).ids.tolist()
                    for vector in vectors
                ]

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
            return self._commit(encoder, projection, made_with, source, extra or {})

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

    def _stage_files(self) -> None:
        """Make the folder, with the base's files in it: hard links of what is immutable, copies of what changes."""
        with storing(self._folder):
            for name in ("", layout.TEXT, layout.VECTORS):
                (self._folder / name).mkdir()
            if self._base is None:
                return
            self._base.check(layout.CATALOG)
            present = self._base.listing()
            for name in self._base.manifest.files:
                source, target = self._base.path / name, self._folder / name
                if target.parent.name == layout.TEXT and self._text.rewrites:
                    continue
                if name not in present or not stat.S_ISREG(present[name].st_mode):
                    if target.parent.name == layout.VECTORS:
                        continue  # only when the vectors are about to be rebuilt: else the base was not opened
                    raise DamagedIndexError(f"{source}: is missing or no file; {REMEDY}")
                if name == layout.CATALOG or target.name in MUTABLE_FILES:
                    durable.copy(source, target)
                else:
                    durable.link_or_copy(source, target)
                    self._carried[name] = _signature(target)

    def _commit(
        self,
        encoder: EncoderIdentity,
        projection: Projection,
        made_with: dict[str, str],
        source: IndexedSource,
        extra: Mapping[str, str | int | float | bool],
    ) -> Manifest:
        segments = self._segments()
        self._text.commit()
        catalog = self._catalog.reader
        counts = Counts(files=catalog.file_count(), skipped=catalog.skipped_count(), chunks=catalog.chunk_count())
        durable.before_step("close", self._folder / layout.CATALOG)
        self._catalog.finish()
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            generation=layout.next_number(self._index_dir),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            encoder=Encoder(name=encoder.name, digest=encoder.digest, dims=encoder.dims, max_tokens=encoder.max_tokens),
            projection=projection,
            made_with=made_with,
            source=source,
            counts=counts,
            segments=segments,
            digest=digest.to_hex(self._catalog.digest),
            vector_digest=digest.to_hex(self._catalog.vector_digest),
            files={},
            extra=dict(extra),
        )
        self.committed = publish(self._index_dir, self._folder, manifest, self._unchanged())
        return self.committed

    def _segments(self) -> tuple[Segment, ...]:
        """Save what was added, once, and return all segments."""
        if self._made is None:
            self._made = self._vectors.finish(self._catalog)
        return self._made

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


@contextmanager
def begin(
    index_dir: Path,
    *,
    wait_seconds: float = 0.0,
    fresh: bool = False,
    opened: Generation | None = None,
    keep: int = 2,
    options: VectorOptions | None = None,
    check_files: bool = True,
) -> Iterator[Staging]:
    """Start the next generation from the current one, or from nothing when `fresh` or when there is none.

    Holds the writer's lock. `opened` is a generation that the caller has open: it is the base if it is still served,
    so that what it has checked and read is not checked and read again. `check_files` as in `open_generation`. After a
    commit all but the `keep` newest generations are collected, readers permitting. Raises LockedError,
    DamagedIndexError or FormatVersionError (never when fresh), and StorageError.
    """
    options = options or VectorOptions()
    prepare(index_dir)
    with lock.writer_lock(index_dir, wait_seconds=wait_seconds), ExitStack() as stack:
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
            with closing(Staging(index_dir, base, options)) as staging:
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


def _signature(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
