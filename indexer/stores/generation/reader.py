"""A committed generation, read-only: text, vectors, catalog, projection and identities that belong together.

Opening reads CURRENT and generation.json and looks at file sizes; each file's content is checked against its checksum
before it is first used, so that an altered file is a DamagedIndexError and never a wrong answer.
"""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from indexer.config import VectorOptions
from indexer.errors import REMEDY, DamagedIndexError, NoIndexError
from indexer.stores.catalog.reader import Catalog
from indexer.stores.generation import layout, lock, residency
from indexer.stores.generation import manifest as manifests
from indexer.stores.generation.manifest import Manifest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.stores.text.index import TextIndex
    from indexer.stores.vectors.segments import Neighbours, VectorSegments

_ATTEMPTS = 100


class Generation:
    """One generation, open for reading until `close`; it is not collected meanwhile. Safe to share between threads."""

    def __init__(
        self, index_dir: Path, number: int, manifest: Manifest, lease: BinaryIO, options: VectorOptions
    ) -> None:
        """Use `open_generation`."""
        self.index_dir = index_dir
        self.number = number
        self.manifest = manifest
        self.path = layout.generation_dir(index_dir, number)
        self._lease = lease
        self._options = options
        self._checked: set[str] = set()
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        """The generation's name, as in CURRENT."""
        return self.path.name

    @property
    def bytes(self) -> int:
        """The size of all files, in bytes; hard links shared with other generations count in full."""
        return sum(entry.size for entry in self.manifest.files.values())

    @cached_property
    def catalog(self) -> Catalog:
        """Files, and where chunks live."""
        with self._lock:
            self.check(layout.CATALOG)
            return Catalog(self.path / layout.CATALOG)

    @cached_property
    def text(self) -> TextIndex:
        """The text index; imports tantivy."""
        from indexer.stores.text.index import TextIndex

        with self._lock:
            self.check(layout.TEXT + "/")
            return TextIndex(self.path / layout.TEXT)

    @cached_property
    def vectors(self) -> VectorSegments:
        """The vector segments; imports usearch when one has a graph and is searched."""
        from indexer.stores.vectors.segments import VectorSegments

        with self._lock:
            return VectorSegments(
                self.path / layout.VECTORS,
                self.manifest.segments,
                dims=self.manifest.projection.dims,
                options=self._options,
                check=lambda name: self.check(f"{layout.VECTORS}/{name}"),
            )

    def nearest(self, vector: NDArray[np.int8], *, limit: int, exact: bool = False) -> Neighbours:
        """Return the live chunks nearest to int8[k]; see VectorSegments.search."""
        return self.vectors.search(vector, limit=limit, segments_of=self.catalog.segments_of, exact=exact)

    def projection(self) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Return the basis, float32[d, k], and mean, float32[d], or None when vectors are not projected."""
        if layout.PROJECTION not in self.manifest.files:
            return None
        from indexer.stores.vectors.projection import read_projection

        with self._lock:
            self.check(layout.PROJECTION)
            return read_projection(self.path / layout.PROJECTION)

    def check(self, prefix: str = "") -> None:
        """Compare the files whose name starts with `prefix` to their checksums, each once; raises DamagedIndexError."""
        for name, expected in self.manifest.files.items():
            if name.startswith(prefix) and name not in self._checked:
                path = self.path / name
                try:
                    found = manifests.file_sum(path)
                except OSError as error:
                    raise DamagedIndexError(f"{path}: can't be read ({error.strerror}); {REMEDY}") from error
                if found != expected:
                    raise DamagedIndexError(f"{path}: was altered, its checksum differs; {REMEDY}")
                self._checked.add(name)

    def bound_memory(self) -> None:
        """Let go of the pages of this generation's files when the process holds more than `residency.MAPPED_BYTES`."""
        if residency.mapped_bytes() > residency.MAPPED_BYTES:
            residency.release_pages(self.path)

    def close(self) -> None:
        """Close every file and let the generation be collected."""
        with self._lock:
            for name in ("catalog", "vectors"):
                store = self.__dict__.pop(name, None)
                if store is not None:
                    store.close()
            self.__dict__.pop("text", None)
            self._lease.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_generation(index_dir: Path, *, options: VectorOptions | None = None, check_sizes: bool = True) -> Generation:
    """Open the current generation.

    Without `check_sizes` files may be missing: for those who look for the damage.

    Raises NoIndexError when nothing was committed, FormatVersionError when another version wrote it, and
    DamagedIndexError when a file is missing, has another size, or is malformed.
    """
    # A generation may be collected between reading CURRENT and opening it: then CURRENT names a later one.
    for _ in range(_ATTEMPTS):
        current = layout.read_current(index_dir)
        try:
            return _open(index_dir, current, options=options or VectorOptions(), check_sizes=check_sizes)
        except NoIndexError:
            if layout.read_current(index_dir) == current:
                folder = layout.generation_dir(index_dir, current.number)
                missing = folder / layout.MANIFEST if folder.is_dir() else folder
                raise DamagedIndexError(
                    f"{index_dir / 'CURRENT'}: names {missing}, which is missing; {REMEDY}"
                ) from None
    raise DamagedIndexError(f"{index_dir}: generations vanish faster than they can be opened; {REMEDY}")


def _open(index_dir: Path, current: layout.Current, *, options: VectorOptions, check_sizes: bool) -> Generation:
    """Open a generation; raises NoIndexError when it is not there or being collected."""
    folder = layout.generation_dir(index_dir, current.number)
    path = folder / layout.MANIFEST
    try:
        lease = path.open("rb")
    except FileNotFoundError:
        raise NoIndexError(f"{folder}: there is no such generation") from None
    except OSError as error:
        raise DamagedIndexError(f"{path}: can't be read ({error.strerror}); check the permissions") from error
    try:
        if not lock.lease(lease, path):
            raise NoIndexError(f"{folder}: was collected")
        manifest = manifests.read(folder)
        if (manifest.generation, manifest.checksum) != (current.number, current.checksum):
            raise DamagedIndexError(f"{index_dir / 'CURRENT'}: does not name the manifest {path}; {REMEDY}")
        _check_names(folder, manifest)
        if check_sizes:
            _check_sizes(folder, manifest)
    except BaseException:
        lease.close()
        raise
    return Generation(index_dir, current.number, manifest, lease, options)


def _check_names(folder: Path, manifest: Manifest) -> None:
    """A name that leads out of the folder is damage, and so is a link where a file should be."""
    for name in manifest.files:
        parts = name.split("/")
        if len(parts) > 2 or any(part in ("", ".", "..") or "\\" in part or ":" in part for part in parts):
            raise DamagedIndexError(f"{folder / layout.MANIFEST}: names a file outside the index; {REMEDY}")
    for path in (folder / layout.TEXT, folder / layout.VECTORS, *(folder / name for name in manifest.files)):
        if path.is_symlink():
            raise DamagedIndexError(f"{path}: is a symbolic link, and links are not followed; {REMEDY}")


def _check_sizes(folder: Path, manifest: Manifest) -> None:
    """Look at every file without reading it."""
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise DamagedIndexError(f"{path}: is missing; {REMEDY}")
        size = path.stat().st_size
        if size != expected.size:
            raise DamagedIndexError(f"{path}: has {size} bytes instead of {expected.size}; {REMEDY}")
