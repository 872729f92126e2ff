"""The catalog: what is known of each file, and in which vector segment each chunk lives, in one SQLite file.

A committed catalog is opened immutable, so an index serves from a read-only mount. It may come from somewhere else:
damage is a DamagedIndexError.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from indexer.errors import DamagedIndexError
from indexer.stores.catalog import digest
from indexer.stores.catalog.places import Everything
from indexer.stores.catalog.schema import decode_path, encode_path, harden, text_key
from indexer.types import FileRecord, SkipReason

_RECORD = "path, size, mtime_ns, hash, language, skip, detail, errors, lines, failure, ctime_ns, inode, blob"
_BATCH = 500
"""Values a statement; SQLite's lowest default limit is 999."""


class LanguageCounts(NamedTuple):
    """What is indexed of one language: files, chunks, bytes of the files, and error nodes of the parser.

    `failures` are files on which the grammar failed, so that they are indexed by their lines alone.
    """

    files: int
    chunks: int
    bytes: int
    errors: int
    failures: int


class ChunkRow(NamedTuple):
    """Where a chunk's vector lives: its segment, its scale, and the hash of the text it was made from."""

    id: int
    text_hash: bytes
    segment: int
    scale: float


class Catalog:
    """A catalog, read-only; safe to share between threads. Raises DamagedIndexError on malformed files."""

    def __init__(self, path: Path, *, connection: sqlite3.Connection | None = None) -> None:
        """Open a committed catalog; `connection` is for the writer's own view of what is staged."""
        self._path = path
        if connection is not None:
            self._connection = connection
            return
        uri = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro&immutable=1"
        with self._damage():
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None)
            try:
                harden(self._connection)
            except BaseException:
                self.close()
                raise
            self._connection.execute("PRAGMA query_only = ON")

    def keep_in_memory(self, kilobytes: int) -> None:
        """Keep so much of the file in memory, in place of what `schema.harden` allows."""
        self._rows(f"PRAGMA cache_size = -{kilobytes}")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def records(self) -> dict[str, FileRecord]:
        """Return every file's record by path, unordered; every build reads them all, so this is quick."""
        reasons: dict[str | None, SkipReason | None] = {None: None, **{str(reason): reason for reason in SkipReason}}
        with self._damage():
            rows = self._connection.execute(f"SELECT {_RECORD} FROM files")
            return {
                (path := stored.decode("utf-8", "surrogateescape")): FileRecord(
                    path,
                    size,
                    mtime,
                    content,
                    language,
                    reasons[skip],
                    detail,
                    errors,
                    lines,
                    failure,
                    ctime,
                    inode,
                    blob,
                )
                for (
                    stored,
                    size,
                    mtime,
                    content,
                    language,
                    skip,
                    detail,
                    errors,
                    lines,
                    failure,
                    ctime,
                    inode,
                    blob,
                ) in rows
            }

    def stats(self) -> dict[str, tuple[int, int]]:
        """Return every file's size and modification time in nanoseconds by path."""
        rows = self._rows("SELECT path, size, mtime_ns FROM files")
        with self._damage():
            return {decode_path(path): (size, mtime_ns) for path, size, mtime_ns in rows}

    def record(self, path: str) -> FileRecord | None:
        """Return one file's record."""
        for row in self._rows(f"SELECT {_RECORD} FROM files WHERE path = ?", (encode_path(path),)):
            with self._damage():
                return _record(row)
        return None

    def file_count(self) -> int:
        """Return the number of files, skipped ones included."""
        return self._number("SELECT count(*) FROM files")

    def skipped_count(self) -> int:
        """Return the number of skipped files."""
        return self._number("SELECT count(*) FROM files WHERE skip IS NOT NULL")

    def chunk_count(self) -> int:
        """Return the number of chunks."""
        return self._number("SELECT count(*) FROM chunks")

    def chunk_ids(self, *, segment: int | None = None) -> Iterator[int]:
        """Yield the ids of all chunks, or of those whose vector lives in one segment, ascending."""
        where, values = ("", ()) if segment is None else (" WHERE segment = ?", (segment,))
        for (chunk_id,) in self._rows(f"SELECT id FROM chunks{where} ORDER BY id", values):
            yield chunk_id

    def chunk_ids_of(self, path: str) -> list[int]:
        """Return the ids of a file's chunks."""
        sql = "SELECT c.id FROM chunks c JOIN files f ON f.id = c.file WHERE f.path = ? ORDER BY c.id"
        return [chunk_id for (chunk_id,) in self._rows(sql, (encode_path(path),))]

    def files_in(self, segments: Sequence[int]) -> dict[str, int]:
        """Return the modification times, in nanoseconds, of the files with a vector in those segments, by path."""
        marks = ",".join("?" * len(segments))
        sql = (
            "SELECT path, mtime_ns FROM files WHERE EXISTS"
            f" (SELECT 1 FROM chunks WHERE file = files.id AND segment IN ({marks}))"
        )
        rows = self._rows(sql, segments)
        with self._damage():
            return {decode_path(path): mtime_ns for path, mtime_ns in rows}

    def chunks(self, ids: Sequence[int]) -> dict[int, ChunkRow]:
        """Return the rows of those of the given chunks that exist, by id."""
        rows = self._many("SELECT id, text_hash, segment, scale FROM chunks WHERE id IN ({})", ids)
        return {row[0]: ChunkRow(*row) for row in rows}

    def segments_of(self, ids: Sequence[int]) -> dict[int, int]:
        """Return in which segment each of the given chunks lives; unknown ones are left out."""
        return dict(self._many("SELECT id, segment FROM chunks WHERE id IN ({})", ids))

    def paths_of(self, ids: Sequence[int]) -> dict[int, str]:
        """Return the path of the file that each of the given chunks is in; unknown chunks are left out."""
        sql = "SELECT c.id, f.path FROM chunks c JOIN files f ON f.id = c.file WHERE c.id IN ({})"
        paths: dict[bytes, str] = {}
        with self._damage():
            return {
                chunk_id: paths.get(path) or paths.setdefault(path, decode_path(path))
                for chunk_id, path in self._many(sql, ids)
            }

    def chunks_in(self, paths: Sequence[str]) -> tuple[dict[int, str], list[tuple[int, int, int]]]:
        """Return the paths of those of the given files that there are, by number, and file, id and segment of each of
        their chunks, in no order."""
        rows = self._many("SELECT id, path FROM files WHERE path IN ({})", [encode_path(path) for path in paths])
        with self._damage():
            files = {file: decode_path(path) for file, path in rows}
        return files, self._many("SELECT file, id, segment FROM chunks WHERE file IN ({})", list(files))

    def centroids_of(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Return the centroids, int8[k], of those of the given files that have one."""
        rows = self._many("SELECT path, centroid FROM files WHERE path IN ({})", [encode_path(path) for path in paths])
        return self._centroids(rows)

    def centroids(self) -> dict[str, bytes]:
        """Return the centroid of every file, empty for those without one."""
        return self._centroids(self._rows("SELECT path, centroid FROM files"))

    def everything(self) -> Everything:
        """Return which chunks are in which files."""
        import numpy as np

        with self._damage():
            files = {file: decode_path(path) for file, path in self._connection.execute("SELECT id, path FROM files")}
            cells = chain.from_iterable(self._connection.execute("SELECT file, id, segment FROM chunks"))
            return Everything(files, np.fromiter(cells, np.int64).reshape(-1, 3))

    def chunks_by_text(self, text_hashes: Iterable[bytes], ranks: Mapping[int, int]) -> dict[bytes, ChunkRow]:
        """Return for each text hash one chunk whose vector lives in a ranked segment, in one of the highest rank."""
        wanted = set(text_hashes)
        rows = self._many(
            "SELECT id, text_hash, segment, scale FROM chunks WHERE text_key IN ({})",
            [text_key(text_hash) for text_hash in wanted],
        )
        known = (ChunkRow(*row) for row in rows if row[1] in wanted and row[2] in ranks)
        # Of several, the last stays.
        return {row.text_hash: row for row in sorted(known, key=lambda row: ranks[row.segment])}

    def file_digests(self) -> Iterator[tuple[str, int, int]]:
        """Yield each file's path and its digests, of content and of vectors."""
        rows = self._rows("SELECT path, digest, vector_digest FROM files ORDER BY path")
        with self._damage():
            found = [(decode_path(path), digest.from_bytes(one), digest.from_bytes(other)) for path, one, other in rows]
        yield from found

    def languages(self) -> dict[str, LanguageCounts]:
        """Return what is indexed of each language, sorted by its name."""
        files = self._rows(
            "SELECT language, count(*), sum(size), sum(errors), sum(failure <> '') FROM files WHERE skip IS NULL "
            "GROUP BY language ORDER BY language"
        )
        chunks = dict(
            # Counted by file within the index alone: a third of the time of a join for each chunk.
            self._rows(
                "SELECT language, sum(number) FROM (SELECT file, count(*) AS number FROM chunks GROUP BY file) "
                "JOIN files ON files.id = file GROUP BY language"
            )
        )
        return {row[0]: LanguageCounts(row[1], chunks.get(row[0], 0), *row[2:]) for row in files}

    def skips(self) -> dict[str, int]:
        """Return the number of skipped files by reason."""
        rows = self._rows("SELECT skip, count(*) FROM files WHERE skip IS NOT NULL GROUP BY skip ORDER BY skip")
        return dict(rows)

    def integrity_errors(self) -> list[str]:
        """Return what SQLite's own check finds wrong, and references that lead nowhere."""
        found = [str(message) for (message,) in self._rows("PRAGMA integrity_check") if message != "ok"]
        orphans = self._number("SELECT count(*) FROM chunks WHERE file NOT IN (SELECT id FROM files)")
        return [*found, f"{orphans} chunks belong to no file"] if orphans else found

    def _centroids(self, rows: Iterable[Any]) -> dict[str, bytes]:
        with self._damage():
            return {decode_path(path): _blob(centroid) for path, centroid in rows}

    def _number(self, sql: str) -> int:
        (row,) = self._rows(sql)
        return int(row[0])

    def _many(self, sql: str, values: Sequence[int] | Sequence[bytes]) -> list[Any]:
        rows: list[Any] = []
        for start in range(0, len(values), _BATCH):
            part = values[start : start + _BATCH]
            rows += self._rows(sql.format(",".join("?" * len(part))), part)
        return rows

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        with self._damage():
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, OverflowError, ValueError, KeyError, TypeError, AttributeError) as error:
            # SQLite looks at a column's type when it writes, not when it reads.
            raise DamagedIndexError(f"{self._path}: {error}") from error


def _blob(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"a {type(value).__name__} where bytes belong")
    return value


def _record(row: Any) -> FileRecord:
    path, size, mtime_ns, content, language, skip, *rest = row
    reason = None if skip is None else SkipReason(skip)
    return FileRecord(decode_path(path), size, mtime_ns, content, language, reason, *rest)
