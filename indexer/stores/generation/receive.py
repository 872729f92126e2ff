"""A generation from elsewhere becomes this index's next one: unpacked aside, checked, and published by one rename."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from indexer.errors import IndexerError, StorageError
from indexer.stores import durable
from indexer.stores.generation import layout, lock
from indexer.stores.generation import manifest as manifests
from indexer.stores.generation.archive import Parcel, copy_checked
from indexer.stores.generation.commit import clear_staging, collect, prepare, publish, storing, sweep
from indexer.stores.generation.manifest import Manifest
from indexer.types import IndexedSource

_INCOMING = "incoming"


def receive(
    index_dir: Path,
    parcel: Parcel,
    *,
    check: Callable[[Path], None],
    source: Callable[[str], IndexedSource],
    wait_seconds: float = 0.0,
) -> Manifest:
    """Publish what a parcel holds, and return its manifest as it is here.

    It is laid out in staging/ as an index of its own, which `check` is called with before anything of it is served, and
    which `check` refuses by raising. `source` says for a kind of source where its files are here. Raises LockedError,
    StorageError, DamagedIndexError for files that are not what their manifest says, and what `check` raises; whatever
    is raised, the committed index stays as it was.
    """
    prepare(index_dir)
    with lock.writer_lock(index_dir, wait_seconds=wait_seconds):
        sweep(index_dir)
        clear_staging(index_dir)
        try:
            manifest, incoming = parcel.manifest, layout.staging_dir(index_dir) / _INCOMING
            with storing(incoming):
                _require_space(index_dir, manifest)
                folder = _unpack(incoming, parcel)
            check(incoming)
            with storing(folder):
                (folder / layout.MANIFEST).unlink()
                here = msgspec.structs.replace(
                    manifest, generation=layout.next_number(index_dir), source=source(manifest.source.kind)
                )
                committed = publish(index_dir, folder, here, {})
        finally:
            # What led here is what the caller must hear of, and a commit stands whatever becomes of the rest.
            with suppress(IndexerError):
                clear_staging(index_dir)
        with suppress(IndexerError):
            collect(index_dir, keep=2)
        return committed


def _require_space(index_dir: Path, manifest: Manifest) -> None:
    total = sum(entry.size for entry in manifest.files.values())
    free = shutil.disk_usage(index_dir).free
    if total > free:
        raise StorageError(f"{index_dir}: the index needs {total:,} bytes, and {free:,} are free; make room")


def _unpack(incoming: Path, parcel: Parcel) -> Path:
    """Write the files into an index folder that serves them, and return their generation's folder; raises OSError."""
    manifest = parcel.manifest
    folder = layout.generation_dir(incoming, manifest.generation)
    for part in (layout.TEXT, layout.VECTORS):
        (folder / part).mkdir(parents=True)
    for name, file in parcel.files:
        path = folder / name
        durable.before_step("write", path)
        with path.open("xb") as target:
            copy_checked(file, target.write, manifest.files[name], f"{parcel.origin}: {name}")
    (folder / layout.MANIFEST).write_bytes(manifests.encode(manifest))
    (incoming / layout.CURRENT).write_bytes(layout.Current(manifest.generation, manifest.checksum).to_bytes())
    return folder
