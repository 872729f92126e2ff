"""The stat cache: stats under which touched files were last seen to hold the catalog's content.

A committed catalog is never written again, so a touched but equal file would be hashed at each look. Its stats wait
here until the next commit takes them into the catalog. The file is advisory: tied to one generation by its digest, and
ignored when it is missing, damaged, of another generation, or can't be written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import xxhash

from indexer.errors import StorageError
from indexer.stores.folder import Folder
from indexer.types import Stat

NAME = "stat_cache"

_MAX_BYTES = 256 << 20
"""A cache larger than this, over a million files, is not read."""


class _Content(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    digest: str
    stats: dict[bytes, Stat]


def read_stats(index_dir: Path, digest: str) -> dict[str, Stat]:
    """Return stats by path as written for the generation with this digest; nothing where that fails."""
    try:
        with Folder(index_dir) as folder:
            content = folder.read(NAME, _MAX_BYTES)
        checksum, body = content[:16], content[16:]
        if xxhash.xxh3_128_digest(body) != checksum:
            return {}
        cached = msgspec.msgpack.decode(body, type=_Content)
    except (OSError, msgspec.MsgspecError):
        return {}
    if cached.digest != digest:
        return {}
    return {os.fsdecode(path): stats for path, stats in cached.stats.items()}


def write_stats(index_dir: Path, digest: str, stats: Mapping[str, Stat]) -> bool:
    """Replace the cache by these stats, or remove it when there are none; return whether that was possible.

    It is not in an index that is not this user's own, or where the system refuses.
    """
    from indexer.stores.ownership import open_to_write

    try:
        with open_to_write(index_dir) as folder:
            if not stats:
                folder.unlink(NAME)
                return True
            body = msgspec.msgpack.encode(_Content(digest, {os.fsencode(path): stat for path, stat in stats.items()}))
            folder.replace(NAME, xxhash.xxh3_128_digest(body) + body)
    except (OSError, StorageError):
        return False
    return True
