"""How a catalog holds what it holds: its tables, and the forms of what is in them.

A catalog may come from somewhere else: the schema must be exactly ours, so that no view, trigger or virtual table runs.
"""

from __future__ import annotations

import sqlite3

SCHEMA = (
    """CREATE TABLE files (
  id INTEGER PRIMARY KEY,
  path BLOB NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  hash BLOB NOT NULL,
  language TEXT NOT NULL,
  skip TEXT,
  detail TEXT NOT NULL,
  errors INTEGER NOT NULL,
  lines INTEGER NOT NULL,
  failure TEXT NOT NULL,
  ctime_ns INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  blob BLOB NOT NULL,
  digest BLOB NOT NULL,
  vector_digest BLOB NOT NULL,
  centroid BLOB NOT NULL
) STRICT""",
    """CREATE TABLE chunks (
  id INTEGER PRIMARY KEY,
  file INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  scale REAL NOT NULL,
  text_hash BLOB NOT NULL,
  text_key INTEGER NOT NULL
) STRICT""",
    "CREATE INDEX chunks_file ON chunks (file, segment)",
    "CREATE INDEX chunks_text ON chunks (text_key)",
)
_MAX_VALUE_BYTES = 16 << 20
"""Of any value; a path or a message is far shorter."""


def encode_path(path: str) -> bytes:
    """Return a path's bytes; surrogate escapes become the bytes that they stand for."""
    return path.encode("utf-8", "surrogateescape")


def decode_path(path: bytes) -> str:
    """Return the path that `encode_path` was given."""
    return path.decode("utf-8", "surrogateescape")


def text_key(text_hash: bytes) -> int:
    """Return the indexed part of a text hash: its first eight bytes as a signed number."""
    return int.from_bytes(text_hash[:8], "little", signed=True)


def harden(connection: sqlite3.Connection) -> None:
    """Trust nothing in a catalog, and look for malformed cells while reading; raise ValueError for another schema."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA mmap_size = 0")
    # Chunk ids are hashes, so a search reads pages all over the table.
    connection.execute("PRAGMA cache_size = -16384")
    found = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    if sorted(sql for (sql,) in found) != sorted(SCHEMA):
        raise ValueError("has another schema than this program writes")
