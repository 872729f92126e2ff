"""Vectors of texts embedded before, by any index of this user, so that killed builds resume and branches share work.

A cache can only save time: whatever is wrong with it becomes a warning and a miss. A file that does not say that it is
a cache of ours is left as it is. One SQLite file in write-ahead mode
that several processes may use at once; the least recently used vectors go when it is full.
"""

from __future__ import annotations

import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.closing import Closing

FILE = "embeddings-2.sqlite"
"""The digit is the format's version: another one lives beside it."""

_APPLICATION_ID = 0x43494345
"""What SQLite keeps of a file of ours at offset 68 (sqlite.org/fileformat2.html): "CICE"."""
_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_SCHEMA = """CREATE TABLE vectors (
  key BLOB NOT NULL UNIQUE,
  checksum INTEGER NOT NULL,
  used INTEGER NOT NULL,
  vector BLOB NOT NULL
)"""
_BATCH = 500
_BUSY_SECONDS = 10.0
_USED_SECONDS = 86_400
"""A hit renews `used` when it is older than this, so that reading rarely writes."""
_KEEP_SHARE = 0.8
"""What is left after eviction, so that it happens rarely."""
_DAMAGE = ("malformed", "not a database", "checksum", "no such table", "no such column", "disk image")


class EmbeddingCache(Closing):
    """The cache of one encoder; a context manager. `warnings` says what went wrong, for a person.

    Vectors are float32[dims]; those with other dims count as misses.
    """

    def __init__(self, folder: Path, *, encoder_digest: str, dims: int, max_bytes: int) -> None:
        """Open the cache in `folder`, made if missing. Never raises."""
        self.warnings: list[str] = []
        self.path = folder / FILE
        self._encoder = encoder_digest.encode()
        self._dims = dims
        self._max_bytes = max_bytes
        self._connection: sqlite3.Connection | None = None
        self._attempt(self._open)

    def get_many(self, text_hashes: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """Return the cached vectors by text hash; the rest is left out."""
        found: dict[bytes, NDArray[np.float32]] = {}
        self._attempt(lambda connection: self._get(connection, text_hashes, found))
        return found

    def put_many(self, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Keep vectors by text hash; durable against the end of this process when the call returns."""
        self._attempt(lambda connection: self._put(connection, vectors))

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _open(self, _: object) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _check_ours(self.path)
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._connection = connection
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        if not _tables(connection):
            connection.execute("BEGIN IMMEDIATE")
            if not _tables(connection):  # another process may have been first
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(_SCHEMA)
            connection.execute("COMMIT")
        if _tables(connection) != [_SCHEMA]:
            raise ValueError("it has another schema; remove it")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")

    def _get(self, connection: Any, text_hashes: Sequence[bytes], found: dict[bytes, NDArray[np.float32]]) -> None:
        keys = {self._key(text_hash): text_hash for text_hash in text_hashes}
        ordered = list(keys)
        stale = []
        renew_before = int(time.time()) - _USED_SECONDS
        for part in _parts(ordered):
            marks = ",".join("?" * len(part))
            rows = connection.execute(
                f"SELECT rowid, key, checksum, used, vector FROM vectors WHERE key IN ({marks})", part
            )
            for rowid, key, checksum, used, vector in rows.fetchall():
                if checksum != _checksum(key, vector):
                    raise sqlite3.DatabaseError("a checksum differs")
                if len(vector) == 4 * self._dims:
                    found[keys[key]] = np.frombuffer(vector, "<f4").astype(np.float32, copy=False)
                if used < renew_before:
                    stale.append(rowid)
        for rows_part in _parts(stale):
            marks = ",".join("?" * len(rows_part))
            connection.execute(f"UPDATE vectors SET used = ? WHERE rowid IN ({marks})", (int(time.time()), *rows_part))

    def _put(self, connection: Any, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        used = int(time.time())
        rows = []
        for text_hash, vector in vectors.items():
            key, content = self._key(text_hash), np.asarray(vector, "<f4").tobytes()
            rows.append((key, _checksum(key, content), used, content))
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(
                "INSERT OR REPLACE INTO vectors (key, checksum, used, vector) VALUES (?, ?, ?, ?)", rows
            )
            self._evict(connection)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    def _evict(self, connection: Any) -> None:
        """Make room when the pages in use exceed the cap; freed pages are used again."""

        def number(pragma: str) -> int:
            return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])

        in_use = (number("page_count") - number("freelist_count")) * number("page_size")
        if in_use <= self._max_bytes:
            return
        rows = int(connection.execute("SELECT count(*) FROM vectors").fetchone()[0])
        surplus = rows - int(rows * _KEEP_SHARE * self._max_bytes / in_use)
        connection.execute(
            "DELETE FROM vectors WHERE rowid IN (SELECT rowid FROM vectors ORDER BY used, rowid LIMIT ?)", (surplus,)
        )

    def _attempt(self, work: Callable[[Any], None]) -> None:
        """Do some work; when it fails, warn once and go on without the cache, or with an empty one if it is damaged."""
        if self._connection is None and work != self._open:
            return
        try:
            work(self._connection)
        except (sqlite3.Error, OSError, ValueError) as error:
            self.close()
            damaged = isinstance(error, sqlite3.DatabaseError) and any(text in str(error) for text in _DAMAGE)
            if not damaged:
                self.warnings.append(f"{self.path}: the embedding cache is not used ({error})")
                return
            self.warnings.append(f"{self.path}: the embedding cache was damaged ({error}) and is discarded")
            with suppress(OSError):
                for suffix in ("", "-wal", "-shm"):
                    self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            try:
                self._open(None)
            except (sqlite3.Error, OSError):
                self.close()

    def _key(self, text_hash: bytes) -> bytes:
        return xxhash.xxh3_128_digest(self._encoder + b"\0" + text_hash)


def _check_ours(path: Path) -> None:
    """Raise ValueError for anything but a cache of ours, an empty file or none: SQLite would change it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            if not stat.S_ISREG(path.with_name(path.name + suffix).lstat().st_mode):
                raise ValueError(f"{path.name}{suffix} is not a regular file; remove it")
    with suppress(FileNotFoundError), path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        ours = header.startswith(_MAGIC) and header[68:72] == _APPLICATION_ID.to_bytes(4, "big")
        if header and not ours:
            raise ValueError("it is not an embedding cache; remove it, or give the cache another folder")


def _tables(connection: sqlite3.Connection) -> list[str]:
    return [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")]


def _checksum(key: bytes, vector: bytes) -> int:
    return xxhash.xxh3_64_intdigest(key + vector) >> 1


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]
