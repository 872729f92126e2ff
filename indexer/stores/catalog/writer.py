"""Changes a staged catalog; nothing is durable until the commit, because a staged catalog that is left is discarded."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from indexer.errors import REFUSED, DamagedIndexError, IndexerError, StorageError
from indexer.stores.catalog import digest
from indexer.stores.catalog.reader import Catalog, ChunkRow
from indexer.stores.catalog.schema import SCHEMA, encode_path, harden, text_key
from indexer.types import FileRecord

_JOURNALS = ("-journal", "-wal", "-shm")
_CACHE_KILOBYTES = 8192
"""What a build keeps of the catalog in memory."""
_ROLLBACK = b"\1\1"
"""In a file that SQLite does not expect a write-ahead log of (sqlite.org/fileformat2.html, offset 18)."""
_TOUCH = "UPDATE files SET size = ?, mtime_ns = ?, ctime_ns = ?, inode = ?, detail = ?, blob = ? WHERE path = ?"
_PUT = """INSERT INTO files (
  path, size, mtime_ns, hash, language, skip, detail, errors, lines, failure, ctime_ns, inode, blob, digest,
  vector_digest, centroid
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_CHUNKS_OF = "SELECT id, text_hash, segment, scale FROM chunks WHERE file = ?"
_PUT_CHUNK = "INSERT INTO chunks (id, file, segment, scale, text_hash, text_key) VALUES (?, ?, ?, ?, ?, ?)"


class _File(NamedTuple):
    """A file's row."""

    id: int
    digest: int
    vector_digest: int


class CatalogWriter:
    """A staged catalog. `digest` and `vector_digest` are the index's, and `live` the chunks a segment, kept up to date.

    Raises StorageError when the system refuses a write.
    """

    def __init__(self, path: Path, *, content_digest: int, vector_digest: int, live: Counter[int]) -> None:
        """Open the copy at `path`, or make an empty catalog there; raises DamagedIndexError for what is no catalog."""
        self._path = path
        with self._refusals():
            _refuse_journals(path)
            exists = path.exists()
        self.digest = content_digest
        self.vector_digest = vector_digest
        self.live = live
        with self._refusals():
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = OFF")
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("BEGIN")
            if not exists:
                for statement in SCHEMA:
                    self._connection.execute(statement)
            try:
                harden(self._connection)
            except ValueError as error:
                self.close()
                raise DamagedIndexError(f"{path}: {error}") from error
        self.reader = Catalog(path, connection=self._connection)
        self.reader.keep_in_memory(_CACHE_KILOBYTES)

    def touch(self, record: FileRecord) -> None:
        """Heal a file's stat; its content is what the catalog knows."""
        values = (*record.stat, record.detail, record.blob, encode_path(record.path))
        with self._refusals():
            self._connection.execute(_TOUCH, values)

    def put(self, record: FileRecord, centroid: bytes = b"") -> None:
        """Insert a file that is not in the catalog, with the centroid of its chunks, int8[k], or none."""
        part, vector_part = digest.of_record(record), digest.of_centroid(record.path, centroid)
        values = (
            encode_path(record.path), record.size, record.mtime_ns, record.hash, record.language, record.skip,
            record.detail, record.errors, record.lines, record.failure, record.ctime_ns, record.inode, record.blob,
            digest.to_bytes(part), digest.to_bytes(vector_part), centroid,
        )  # fmt: skip
        with self._refusals():
            self._connection.execute(_PUT, values)
        self.digest = digest.add(self.digest, part)
        self.vector_digest = digest.add(self.vector_digest, vector_part)

    def remove(self, path: str) -> list[ChunkRow] | None:
        """Remove a file and its chunks; return what was known of these, or None when there is no such file."""
        with self._refusals():
            found = self._file(path)
            if found is None:
                return None
            rows = [ChunkRow(*row) for row in self._connection.execute(_CHUNKS_OF, (found.id,))]
            self._connection.execute("DELETE FROM chunks WHERE file = ?", (found.id,))
            self._connection.execute("DELETE FROM files WHERE id = ?", (found.id,))
        self.digest = digest.add(self.digest, -found.digest)
        self.vector_digest = digest.add(self.vector_digest, -found.vector_digest)
        self.live.subtract(row.segment for row in rows)
        return rows

    def put_chunks(self, path: str, rows: Sequence[ChunkRow], vector_parts: Sequence[int]) -> None:
        """Insert chunks of one file; `vector_parts` are those of their vectors in the digest.

        Raises IndexerError for a file that was not put first, and for an id that another chunk has.
        """
        with self._refusals():
            found = self._file(path)
            if found is None:
                raise IndexerError(f"{path!a}: chunks were put before their file; put the file first")
            try:
                self._connection.executemany(
                    _PUT_CHUNK,
                    [(r.id, found.id, r.segment, r.scale, r.text_hash, text_key(r.text_hash)) for r in rows],
                )
            except sqlite3.IntegrityError as error:
                raise IndexerError(f"{path!a}: two chunks have the same id ({error}); report this as a bug") from error
        self.live.update(row.segment for row in rows)
        content = digest.add(*(digest.of_chunk(row.id, row.text_hash) for row in rows))
        self._add_digests(found, content, digest.add(*vector_parts))

    def put_vectors(self, path: str, rows: Sequence[ChunkRow], change: int) -> None:
        """Say where other vectors of chunks of one file live; `change` is what that adds to the vectors' digest.

        The rows' text hashes are not looked at. Raises IndexerError for a file that is not there.
        """
        with self._refusals():
            found = self._file(path)
            if found is None:
                raise IndexerError(f"{path!a}: vectors of a file that is not in the catalog; report this as a bug")
            old = self.reader.segments_of([row.id for row in rows])
            self._connection.executemany(
                "UPDATE chunks SET segment = ?, scale = ? WHERE id = ?", [(r.segment, r.scale, r.id) for r in rows]
            )
        self.live.subtract(old.values())
        self.live.update(row.segment for row in rows)
        self._add_digests(found, 0, change)

    def move(self, ids: Sequence[int], segment: int) -> None:
        """Say that the vectors of chunks, which stay the same, live in another segment."""
        with self._refusals():
            old = self.reader.segments_of(ids)
            self._connection.executemany("UPDATE chunks SET segment = ? WHERE id = ?", [(segment, i) for i in ids])
        self.live.subtract(old.values())
        self.live[segment] += len(ids)

    def forget_vectors(self) -> None:
        """Say that no chunk has a vector: each is to be put anew. Centroids of files stay."""
        parts = {path: digest.of_centroid(path, own) for path, own in self.reader.centroids().items()}
        with self._refusals():
            self._connection.execute("UPDATE chunks SET segment = 0")
            self._connection.executemany(
                "UPDATE files SET vector_digest = ? WHERE path = ?",
                [(digest.to_bytes(part), encode_path(path)) for path, part in parts.items()],
            )
        self.live.clear()
        self.vector_digest = digest.add(*parts.values())

    def finish(self) -> None:
        """Write everything to the file and close it."""
        with self._refusals():
            self._connection.execute("COMMIT")
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _file(self, path: str) -> _File | None:
        sql = "SELECT id, digest, vector_digest FROM files WHERE path = ?"
        row = self._connection.execute(sql, (encode_path(path),)).fetchone()
        return None if row is None else _File(row[0], digest.from_bytes(row[1]), digest.from_bytes(row[2]))

    def _add_digests(self, file: _File, content: int, vectors: int) -> None:
        """Add to the digests of a file and of the index."""
        totals = [digest.add(file.digest, content), digest.add(file.vector_digest, vectors)]
        with self._refusals():
            self._connection.execute(
                "UPDATE files SET digest = ?, vector_digest = ? WHERE id = ?", (*map(digest.to_bytes, totals), file.id)
            )
        self.digest = digest.add(self.digest, content)
        self.vector_digest = digest.add(self.vector_digest, vectors)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, OSError) as error:
            raise StorageError(f"{self._path}: {error}; {REFUSED}") from error


def _refuse_journals(path: Path) -> None:
    """Refuse a catalog with a journal beside it: SQLite would apply it, and delete a file that it names."""
    for suffix in _JOURNALS:
        journal = path.with_name(path.name + suffix)
        if journal.is_symlink() or journal.exists():
            raise DamagedIndexError(f"{journal}: no catalog is committed with a journal")
    with suppress(FileNotFoundError), path.open("rb") as file:
        if file.read(20)[18:] != _ROLLBACK:
            raise DamagedIndexError(f"{path}: is no catalog, or one with a journal")
