"""Stand-ins at the seams for unit tests: a source in memory, an encoder without a model, an index without files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.encoders.hashing import SPEC as HASHING
from indexer.stages.reduce import FITTED, Projection
from indexer.stores.catalog.reader import Catalog, ChunkRow
from indexer.stores.generation.reader import Generation
from indexer.types import (
    EncoderIdentity,
    FileRecord,
    IndexedSource,
    LeftOut,
    PreparedTexts,
    Role,
    SkippedFile,
    SkipReason,
    SourceFile,
    Stat,
    StoredVector,
    Tier,
    content_stat,
)

SECOND = 1_000_000_000


@dataclass(frozen=True)
class MemoryReader:
    """Reads contents, or raises what `failures` has for a path; notes each path in `reads`, and as a line of `log`."""

    contents: dict[str, bytes]
    stats: dict[str, Stat]
    failures: dict[str, OSError]
    reads: list[str]
    log: Path | None

    def read(self, path: str) -> tuple[bytes, Stat]:
        """Return a file's content and the stat that the source lists."""
        self.reads.append(path)
        if self.log:
            with self.log.open("a") as log:
                log.write(path + "\n")
        if path in self.failures:
            raise self.failures[path]
        return self.contents[path], self.stats[path]


@dataclass
class MemorySource:
    """A source in memory: content, times, inode, id of the content, git's id or a reason to skip by path.

    A file whose modification time is not set has second 1; one whose change time is not set has that of its
    modification. `reads` lists what this process reads, the file `log` what any does.
    """

    left_out = LeftOut()
    description = IndexedSource(kind="memory", root="")

    contents: dict[str, bytes] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    change_times: dict[str, int] = field(default_factory=dict)
    inodes: dict[str, int] = field(default_factory=dict)
    skips: dict[str, SkipReason] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    failures: dict[str, OSError] = field(default_factory=dict)
    content_ids: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    log: Path | None = None

    def put(self, path: str, content: bytes, mtime_ns: int = SECOND) -> None:
        """Write a file at a time."""
        self.contents[path], self.times[path] = content, mtime_ns
        self.change_times.pop(path, None)

    def copy(self) -> MemorySource:
        """Return a copy that kept the modification times, made 50 seconds after the epoch."""
        paths = dict.fromkeys(self.contents, 50 * SECOND)
        return replace(self, change_times=paths, inodes=dict.fromkeys(paths, 7), reads=[])

    def files(self, known: Mapping[str, FileRecord] | None = None) -> Iterator[SourceFile | SkippedFile]:
        """Yield every file, sorted by path."""
        for path in sorted(self.contents):
            size, mtime_ns, ctime_ns, inode = self._stat(path)
            if path in self.skips:
                yield SkippedFile(path, self.skips[path], "", size, mtime_ns)
            else:
                yield SourceFile(path, size, mtime_ns, self.kept.get(path, ""), ctime_ns, inode)

    def content_id(self, file: SourceFile) -> bytes:
        """Return the blob id that was given to a path."""
        return self.blobs.get(file.path, b"")

    def reader(self) -> MemoryReader:
        """Return what reads the contents as they are now."""
        stats = {path: self._stat(path) for path in self.contents}
        return MemoryReader(self.contents, stats, self.failures, self.reads, self.log)

    def _stat(self, path: str) -> Stat:
        size, mtime_ns = len(self.contents[path]), self.times.get(path, SECOND)
        if path in self.content_ids:
            return content_stat(size, self.content_ids[path])
        return size, mtime_ns, self.change_times.get(path, mtime_ns), self.inodes.get(path, 1)


@dataclass(frozen=True)
class PreparedWords:
    """Texts whose length in tokens is their length in characters."""

    texts: tuple[str, ...]

    @property
    def lengths(self) -> NDArray[np.int32]:
        """int32[n]."""
        return np.array([len(text) for text in self.texts], dtype=np.int32)


class FakeEncoder:
    """Encodes a text as a unit vector that depends on the text and its role alone; `encoded` lists the texts so far."""

    def __init__(self, dims: int = 16) -> None:
        self.identity = EncoderIdentity("fake", "0" * 32, dims, 256)
        self.encoded: list[str] = []

    def prepare(self, texts: Sequence[str], *, role: Role = "passage") -> PreparedWords:
        """Put the role before each text."""
        return PreparedWords(tuple(f"{role}: {text}" for text in texts))

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return float32[m, dims], unit rows."""
        assert isinstance(prepared, PreparedWords)
        texts = [prepared.texts[row] for row in rows]
        self.encoded += [text.partition(": ")[2] for text in texts]
        return np.stack([self._vector(text) for text in texts])

    def encode(self, texts: Sequence[str], *, role: Role = "passage") -> NDArray[np.float32]:
        """Return float32[n, dims], unit rows."""
        return self.encode_prepared(self.prepare(texts, role=role), np.arange(len(texts)))

    def _vector(self, text: str) -> NDArray[np.float32]:
        seed = xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))
        vector = np.random.default_rng(seed).standard_normal(self.identity.dims)
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


@dataclass(frozen=True)
class IndexedVectors:
    """An index that holds a vector for some text hashes."""

    held: Mapping[bytes, StoredVector] = field(default_factory=dict)

    def known_vectors(self, text_hashes: Sequence[bytes], tier: Tier) -> dict[bytes, StoredVector]:
        """Return those that are held of that tier or a better one."""
        found = {text_hash: self.held[text_hash] for text_hash in text_hashes if text_hash in self.held}
        return {text_hash: held for text_hash, held in found.items() if held.tier.rank >= tier.rank}


@dataclass
class Staged:
    """A staged generation whose search compares every vector; chunk ids are row numbers."""

    hashes: Sequence[bytes]
    reduced: NDArray[np.int8]

    @property
    def catalog(self) -> Catalog:
        """Itself, as far as it is asked for chunks."""
        return cast(Catalog, self)

    def chunks(self, ids: Sequence[int]) -> dict[int, ChunkRow]:
        """Return the rows of chunks by id."""
        return {number: ChunkRow(number, self.hashes[number], 1, 1.0) for number in ids}

    def nearest(self, vectors: NDArray[np.int8], *, limit: int) -> list[list[int]]:
        """Return for each vector the ids of the nearest chunks by cosine."""
        units = self.reduced / np.maximum(np.linalg.norm(self.reduced.astype(np.float64), axis=1, keepdims=True), 1)
        order = np.argsort(-(vectors.astype(np.float64) @ units.T), axis=1)[:, :limit]
        return cast("list[list[int]]", order.tolist())


def generation_of(
    index_dir: Path,
    records: Mapping[str, FileRecord],
    *,
    projection: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
    kind: str = "worktree",
    checksum: str = "",
) -> Generation:
    """Return what a look at an index needs of its generation: its manifest in part, and its records."""
    catalog = SimpleNamespace(records=lambda: dict(records))
    counts = SimpleNamespace(files=len(records), skipped=sum(record.skip is not None for record in records.values()))
    source = IndexedSource(kind=kind, root="..")
    dims = HASHING.dims if projection is None else Projection(FITTED, *projection).dims
    manifest = SimpleNamespace(
        digest="0" * 32, source=source, counts=counts, checksum=checksum, projection=SimpleNamespace(dims=dims)
    )
    fake = SimpleNamespace(catalog=catalog, manifest=manifest, index_dir=index_dir, projection=lambda: projection)
    return cast(Generation, fake)
