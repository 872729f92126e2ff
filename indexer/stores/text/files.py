"""The files of a text index: what Tantivy's own description says of them, and how they are opened and found damaged."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from indexer.errors import REMEDY, DamagedIndexError

TEXT_LOCKS = (".tantivy-writer.lock", ".tantivy-meta.lock")
"""Files that Tantivy makes to lock its folder, even to read it; no part of an index."""


class SegmentStats(NamedTuple):
    """Documents in all segments, dead ones included; dead ones; and the number of segments."""

    documents: int
    dead: int
    segments: int


def segment_stats(path: Path) -> SegmentStats:
    """Read from Tantivy's meta.json how many documents lie in how many segments."""
    with damage(path):
        meta = msgspec.json.decode((path / "meta.json").read_bytes(), type=_Meta)
    dead = sum(segment.deletes.num_deleted_docs for segment in meta.segments if segment.deletes is not None)
    return SegmentStats(sum(segment.max_doc for segment in meta.segments), dead, len(meta.segments))


class _Deletes(msgspec.Struct):
    num_deleted_docs: int


class _SegmentMeta(msgspec.Struct):
    max_doc: int
    deletes: _Deletes | None


class _Meta(msgspec.Struct):
    segments: list[_SegmentMeta]


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """Yield a folder with the same files in which Tantivy may make its lock file, as it does even to read."""
    if os.access(path, os.W_OK):
        yield path
        return
    # Tantivy's threads may be about to make their lock while the folder is removed.
    with tempfile.TemporaryDirectory(prefix="indexer-", ignore_cleanup_errors=True) as view:
        for entry in path.iterdir():
            if entry.name not in TEXT_LOCKS:
                (Path(view) / entry.name).symlink_to(entry.absolute())
        yield Path(view)


@contextmanager
def damage(path: Path) -> Iterator[None]:
    """Turn what Tantivy raises, its panics included, into DamagedIndexError."""
    try:
        yield
    except (ValueError, OSError, msgspec.DecodeError) as error:
        raise DamagedIndexError(f"{path}: {error}; {REMEDY}") from error
    except BaseException as error:
        # A Rust panic derives from BaseException alone.
        if type(error).__name__ != "PanicException":
            raise
        raise DamagedIndexError(f"{path}: the text index is malformed ({error}); {REMEDY}") from error
