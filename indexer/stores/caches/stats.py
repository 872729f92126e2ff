"""The stat cache: stats under which touched files were last seen to hold the catalog's content.

A committed catalog is never written again, so a touched but equal file would be hashed at each look. Its stats wait
here until the next commit takes them into the catalog. The file is advisory: tied to one generation by its digest, and
ignored when it is missing, damaged, of another generation, or can't be written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
import xxhash

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
        with (index_dir / NAME).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        checksum, body = content[:16], content[16:]
        if len(content) > _MAX_BYTES or xxhash.xxh3_128_digest(body) != checksum:
            return {}
        cached = msgspec.msgpack.decode(body, type=_Content)
    except (OSError, msgspec.MsgspecError):
        return {}
    if cached.digest != digest:
        return {}
    return {os.fsdecode(path): stats for path, stats in cached.stats.items()}


def write_stats(index_dir: Path, digest: str, stats: Mapping[str, Stat]) -> bool:
    """Replace the cache by these stats, or remove it when there are none; return whether the system allowed it."""
    target = index_dir / NAME
    scratch = index_dir / f"{NAME}.{os.getpid()}"
    try:
        if not stats:
            target.unlink(missing_ok=True)
            return True
        body = msgspec.msgpack.encode(_Content(digest, {os.fsencode(path): stat for path, stat in stats.items()}))
        scratch.write_bytes(xxhash.xxh3_128_digest(body) + body)
        scratch.replace(target)
    except OSError:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        return False
    return True
