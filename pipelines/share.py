"""Hand an index on, and take one over: from a file of `export_index`, or from somebody's index folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import msgspec

from indexer.errors import DamagedIndexError, NoIndexError, UnreadableError
from indexer.regular import open_regular
from indexer.sources.worktree import root_seen_from
from indexer.stores.generation import layout
from indexer.stores.generation.archive import ANOTHER, Parcel, parcel_of, read_archive, write_archive
from indexer.stores.generation.manifest import Manifest
from indexer.stores.generation.reader import Generation, open_generation
from indexer.stores.generation.receive import receive
from indexer.types import IndexedSource

from .check.verify import verify
from .whole_file import whole_file

_SHOWN = 3
"""Findings in a message."""


class SharedIndex(msgspec.Struct, frozen=True, kw_only=True):
    """What `indexer export --json` and `indexer import --json` print.

    `generation` is the one that was written, or that was made; `digest` is over its files and chunks, `vector_digest`
    over vectors and tiers. `index_bytes` is the size of its files, `archive_bytes` that of the archive, 0 for a folder.
    """

    generation: str
    digest: str
    vector_digest: str
    files: int
    chunks: int
    index_bytes: int
    archive_bytes: int


def export_index(index_dir: Path, target: Path) -> SharedIndex:
    """Write the current generation into a file, which appears whole or not at all.

    Raises NoIndexError, DamagedIndexError, and StorageError when the file can't be written.
    """
    with open_generation(index_dir) as generation:
        manifest, size = write_whole(generation, target)
        return SharedIndex(
            generation=generation.name,
            digest=manifest.digest,
            vector_digest=manifest.vector_digest,
            files=manifest.counts.files - manifest.counts.skipped,
            chunks=manifest.counts.chunks,
            index_bytes=generation.bytes,
            archive_bytes=size,
        )


def write_whole(generation: Generation, target: Path) -> tuple[Manifest, int]:
    """Write a generation into a file, which appears whole or not at all; return its manifest there, and the size.

    Raises DamagedIndexError, and StorageError when the file can't be written.
    """
    with whole_file(target) as file:
        manifest = write_archive(generation, file)
        file.flush()
        os.fsync(file.fileno())
        return manifest, file.tell()


def import_index(origin: Path, root: Path, index_dir: Path, *, wait_seconds: float = 0.0) -> SharedIndex:
    """Make the generation in a file, or the current one of a folder's index, the next one of this index.

    Nothing in it is believed: it is unpacked aside, and served when all that `verify` looks at is right. `root` is the
    folder that it is an index of here. Raises NoIndexError when there is nothing to take, DamagedIndexError,
    LockedError and StorageError; whatever is raised, the index stays as it was.
    """
    seen = root_seen_from(index_dir.resolve(), root.resolve())
    with _parcel(origin) as (parcel, size):
        committed = receive(
            index_dir,
            parcel,
            check=lambda incoming: _require_sound(incoming, origin),
            source=lambda kind: IndexedSource(kind=kind, root=seen),
            wait_seconds=wait_seconds,
        )
        return SharedIndex(
            generation=f"{committed.generation:08d}",
            digest=committed.digest,
            vector_digest=committed.vector_digest,
            files=committed.counts.files - committed.counts.skipped,
            chunks=committed.counts.chunks,
            index_bytes=sum(entry.size for entry in committed.files.values()),
            archive_bytes=size,
        )


@contextmanager
def _parcel(origin: Path) -> Iterator[tuple[Parcel, int]]:
    """Give what there is to take, and the size of its archive."""
    if origin.is_dir():
        index_dir = origin if layout.is_index_dir(origin) else layout.default_index_dir(origin)
        with open_generation(index_dir) as generation:
            yield parcel_of(generation), 0
        return
    try:
        # Named by the user, so a link is followed; whatever it leads to, nothing is waited for.
        descriptor, status = open_regular(os.path.realpath(origin))
    except FileNotFoundError:
        raise NoIndexError(f"{origin}: there is no such file or folder") from None
    except OSError as error:
        kind = UnreadableError if isinstance(error, PermissionError) else DamagedIndexError
        raise kind(f"{origin}: can't be read ({error.strerror})", "check the file and the permissions") from error
    with FileIO(descriptor) as file, read_archive(file, status.st_size, origin) as parcel:
        yield parcel, status.st_size


def _require_sound(incoming: Path, origin: Path) -> None:
    found = [f"{finding.file}: {finding.message}" for finding in verify(incoming).findings]
    if found:
        more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise DamagedIndexError(
            f"{origin}: is not taken over, since it is no sound index ({'; '.join(found[:_SHOWN])}{more})",
            ANOTHER,
        )
