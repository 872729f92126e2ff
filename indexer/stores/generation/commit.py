"""The commit protocol, and what cleans up after writers that did not get there.

1. Every staged file is fsynced and its checksum taken (those carried from the generation before are durable already).
2. generation.json is written and fsynced, then the staged folders.
3. The staged folder is renamed into generations/, and that folder fsynced.
4. CURRENT is replaced by rename, the one commit point, and the index folder fsynced.

A failure in 1 or 2 leaves only staging/, in 3 a generation that nothing names: the next writer removes both.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from indexer.errors import REFUSED, DamagedIndexError, NoIndexError, StorageError
from indexer.stores import durable
from indexer.stores.folder import Folder, SpecialFileError
from indexer.stores.generation import layout, lock
from indexer.stores.generation import manifest as manifests
from indexer.stores.generation.manifest import FileSum, Manifest
from indexer.stores.ownership import open_to_write
from indexer.stores.text.files import TEXT_LOCKS

_IGNORE = ".gitignore"
_OWN = {_IGNORE, lock.LOCK, lock.HOLDER}


def prepare(index_dir: Path, *, new: bool = True) -> None:
    """Make an index folder; raise StorageError for one that holds something else, or that is not ours to write.

    Where it is not `new`, it must be there: one that was moved away is not made again where it was.
    """
    with storing(index_dir):
        if new and not os.path.lexists(index_dir):
            index_dir.mkdir(parents=True, exist_ok=True)
        with open_to_write(index_dir) as folder:
            if folder.status(layout.GENERATIONS) is None:
                ours = folder.status(layout.CURRENT) is not None
                if not ours and any(not _is_own(entry.name) for entry in folder.entries()):
                    raise StorageError(f"{index_dir}: is not empty and no index; give another folder")
                if folder.status(_IGNORE) is None:
                    with suppress(FileNotFoundError):  # a writer swept the draft, and has made the file itself
                        folder.replace(_IGNORE, b"*\n")
            folder.make(layout.GENERATIONS)


def sweep(index_dir: Path) -> None:
    """Remove what writers left that were stopped: staging/, drafts, and generations after the current one."""
    clear_staging(index_dir)
    with storing(index_dir):
        with Folder(index_dir) as folder:
            for entry in folder.entries():
                if layout.is_draft(entry.name) and not entry.is_dir(follow_symlinks=False):
                    folder.unlink(entry.name)
        try:
            current = layout.read_current(index_dir).number
        except (NoIndexError, DamagedIndexError):
            return  # any of them may be whole; those that are not served go with the commits that follow
        for number in layout.generation_numbers(index_dir):
            if number > current:
                _remove(index_dir, number)


def clear_staging(index_dir: Path) -> None:
    """Leave an empty staging/; call it with the writer's lock held."""
    with storing(index_dir), Folder(index_dir) as folder:
        folder.remove_tree(layout.STAGING)
        folder.make(layout.STAGING)


def publish(index_dir: Path, folder: Path, manifest: Manifest, carried: Mapping[str, FileSum]) -> Manifest:
    """Make the staged folder the generation that `manifest` describes, and return what it says; raises OSError.

    `carried` holds the checksums of files that are known to be durable and unchanged.
    """
    files: dict[str, FileSum] = {}
    mode = stat.S_IMODE((folder / layout.CATALOG).stat().st_mode)
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in TEXT_LOCKS):
        name = path.relative_to(folder).as_posix()
        if not layout.is_generation_file(name):
            raise StorageError(f"{path}: was made by an engine and has a name unknown to the format; report this bug")
        known = carried.get(name)
        if known is None:
            # Tantivy makes some files readable for their owner alone; an index may be shared.
            path.chmod(mode)
            durable.fsync_file(path)
            known = manifests.file_sum(path)
        if known.size > manifests.MAX_FILE_BYTES:
            raise StorageError(f"{path}: has grown to {known.size:,} bytes, more than are read; index less at once")
        files[name] = known
    manifest = manifests.seal(msgspec.structs.replace(manifest, files=files))
    durable.write_file(folder / layout.MANIFEST, manifests.encode(manifest))
    for name in (layout.TEXT, layout.VECTORS, ""):
        durable.fsync_dir(folder / name)
    durable.rename(folder, layout.generation_dir(index_dir, manifest.generation))
    durable.fsync_dir(layout.generations_dir(index_dir))
    serve(index_dir, layout.Current(manifest.generation, manifest.checksum))
    return manifest


def serve(index_dir: Path, current: layout.Current) -> None:
    """Replace CURRENT, durably; call it with the writer's lock held and no other draft in staging/. Raises OSError."""
    draft = layout.staging_dir(index_dir) / layout.CURRENT
    durable.write_file(draft, current.to_bytes())
    durable.rename(draft, index_dir / layout.CURRENT)
    durable.fsync_dir(index_dir)


def collect(index_dir: Path, *, keep: int) -> list[int]:
    """Remove all but the `keep` newest generations that no reader has open; return the numbers of those removed.

    Call it with the writer's lock held. The current generation always stays.
    """
    current = layout.read_current(index_dir).number
    with storing(index_dir):
        committed = [number for number in layout.generation_numbers(index_dir) if number <= current]
        return [number for number in committed[: -max(1, keep)] if _remove(index_dir, number)]


def gc(index_dir: Path, *, keep: int = 2, wait_seconds: float = 0.0) -> list[int]:
    """Collect old generations and what unfinished writers left; return the numbers of the generations removed.

    Raises NoIndexError, LockedError and StorageError.
    """
    layout.read_current(index_dir)
    with storing(index_dir):
        open_to_write(index_dir).close()
    with lock.writer_lock(index_dir, wait_seconds=wait_seconds):
        sweep(index_dir)
        return collect(index_dir, keep=keep)


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn the system's refusals into StorageError."""
    try:
        yield
    except SpecialFileError as error:
        raise StorageError(f"{error.filename}: {error.strerror}; {layout.FOREIGN}") from error
    except OSError as error:
        where = error.filename2 or error.filename or path
        raise StorageError(f"{where}: {error.strerror or error}; {REFUSED}") from error


def _is_own(name: str) -> bool:
    """Whether a file may be there before the first generation is."""
    return name in _OWN or layout.is_draft(name)


def _remove(index_dir: Path, number: int) -> bool:
    """Remove a generation unless a reader has it open: it vanishes by one rename, then its files go."""
    path = layout.generation_dir(index_dir, number)
    trash = f"removed-{number:08d}"
    with Folder(index_dir) as index, index.folder(layout.STAGING) as staging:
        with Folder(path) as generation, lock.collecting(generation) as free:
            if not free:
                return False
            try:
                path.rename(staging.path / trash)
            except PermissionError:
                # Windows, where a file that a reader has open can't be moved.
                return False
        with suppress(OSError):
            staging.remove_tree(trash)
    return True
