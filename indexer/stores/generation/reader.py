"""A committed generation, read-only: text, vectors, catalog, projection and identities that belong together.

Opening reads CURRENT and generation.json and looks at file sizes; each file's content is checked against its checksum
before it is first used, so that an altered file is a DamagedIndexError and never a wrong answer.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from contextlib import ExitStack, suppress
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.closing import Closing
from indexer.config import VectorOptions
from indexer.errors import DamagedIndexError, NoIndexError
from indexer.stores.catalog.places import Places
from indexer.stores.catalog.reader import Catalog
from indexer.stores.folder import Folder, SpecialFileError, read_all, special_kind
from indexer.stores.generation import layout, lock, residency
from indexer.stores.generation import manifest as manifests
from indexer.stores.generation.manifest import FileSum, Manifest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.stores.text.index import TextIndex
    from indexer.stores.vectors.segments import Neighbours, VectorSegments

_ATTEMPTS = 100


class Generation(Closing):
    """One generation, open for reading until `close`; it is not collected meanwhile. Safe to share between threads."""

    def __init__(
        self, index_dir: Path, folder: Folder, manifest: Manifest, lease: FileIO, options: VectorOptions
    ) -> None:
        """Use `open_generation`."""
        self.index_dir = index_dir
        self.number = manifest.generation
        self.manifest = manifest
        self.path = folder.path
        self._folder = folder
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

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return self.manifest.counts.chunks

    @property
    def upgraded(self) -> float:
        """Which part of the chunks has the encoder's own vector, 0 to 1."""
        return self.manifest.upgraded

    @property
    def static_segments(self) -> tuple[int, ...]:
        """The segments whose vectors are static."""
        return self.manifest.static_segments

    @property
    def encoder_name(self) -> str:
        """What the encoder that made the vectors is called."""
        return self.manifest.encoder.name

    @cached_property
    def catalog(self) -> Catalog:
        """Files, and where chunks live."""
        with self._lock:
            self.check(layout.CATALOG)
            return Catalog(self.path / layout.CATALOG)

    @cached_property
    def places(self) -> Places:
        """Which chunks are in which files, and where they live, as the catalog has it."""
        return Places(self.catalog, whole=self.catalog.everything, chunks=self.chunks)

    @cached_property
    def text(self) -> TextIndex:
        """The text index; imports tantivy."""
        from indexer.stores.text.index import TextIndex

        with self._lock, residency.changing():
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

    def nearest(
        self,
        vector: NDArray[np.int8],
        *,
        limit: int,
        exact: bool = False,
        static_offset: float = 0.0,
        least: float = -1.0,
    ) -> Neighbours:
        """Return the live chunks nearest to int8[k]; see VectorSegments.search."""
        return self.vectors.search(
            vector,
            limit=limit,
            segments_of=self.places.segments_of,
            exact=exact,
            static_offset=static_offset,
            least=least,
        )

    def projection(self) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Return the basis, float32[d, k], and mean, float32[d], or None when vectors are not projected."""
        if layout.PROJECTION not in self.manifest.files:
            return None
        from indexer.stores.vectors.projection import read_projection

        with self._lock:
            self.check(layout.PROJECTION)
            dims, kept = self.manifest.encoder.dims, self.manifest.projection.dims
            return read_projection(self.path / layout.PROJECTION, dims=dims, kept=kept)

    def check(self, prefix: str = "") -> None:
        """Compare the files whose name starts with `prefix` to their checksums, each once; raises DamagedIndexError."""
        for name, expected in self.manifest.files.items():
            if name.startswith(prefix) and name not in self._checked:
                path = self.path / name
                with layout.reading(path):
                    found = self.file_sum(name)
                if found != expected:
                    raise DamagedIndexError(f"{path}: was altered, its checksum differs")
                self._checked.add(name)

    def file_sum(self, name: str) -> FileSum:
        """Return the size and checksum of a file of the generation as it is now; raises OSError."""
        with self.open_file(name) as file:
            return manifests.sum_of(file)

    def open_file(self, name: str) -> FileIO:
        """Open a file of the generation, not compared with its checksum, to read; raises OSError."""
        *folders, last = name.split("/")
        with ExitStack() as stack:
            folder = stack.enter_context(self._folder.folder(folders[0])) if folders else self._folder
            return folder.open(last)

    def listing(self) -> dict[str, os.stat_result]:
        """Return what there is, by name relative to the generation, whatever it is; raises DamagedIndexError.

        The folders text/ and vectors/ are not in it, but what is in them.
        """
        with layout.reading(self.path):
            return _listing(self._folder)

    def bound_memory(self) -> None:
        """Let go of the pages of this generation's files when the process holds more than `residency.MAPPED_BYTES`."""
        if residency.mapped_bytes() > residency.MAPPED_BYTES:
            residency.Residency(self.path).release()

    def close(self) -> None:
        """Close every file and let the generation be collected."""
        with self._lock, residency.changing():
            for name in ("catalog", "vectors"):
                store = self.__dict__.pop(name, None)
                if store is not None:
                    store.close()
            self.__dict__.pop("text", None)
            self.__dict__.pop("places", None)
            # What was only read has nothing left to lose, and what it was read for is done.
            for file in (self._lease, self._folder):
                with suppress(OSError):
                    file.close()


def open_generation(index_dir: Path, *, options: VectorOptions | None = None, check_files: bool = True) -> Generation:
    """Open the current generation.

    Without `check_files` files may be missing or anything else: for those who look for the damage.

    Raises NoIndexError when nothing was committed, FormatVersionError when another version wrote it, and
    DamagedIndexError when a file is missing, has another size, is malformed, or is no regular file.
    """
    # A generation may be collected between reading CURRENT and opening it: then CURRENT names a later one.
    for _ in range(_ATTEMPTS):
        try:
            current = layout.read_current(index_dir)
        except NoIndexError:
            if builder := lock.writing(index_dir):
                raise NoIndexError(f"{builder}, and has committed nothing yet; ask again in a moment") from None
            raise
        try:
            return open_numbered(index_dir, current, options=options, check_files=check_files)
        except NoIndexError:
            if layout.read_current(index_dir) == current:
                folder = layout.generation_dir(index_dir, current.number)
                missing = folder / layout.MANIFEST if folder.is_dir() else folder
                raise DamagedIndexError(f"{index_dir / layout.CURRENT}: names {missing}, which is missing") from None
    raise DamagedIndexError(f"{index_dir}: generations vanish faster than they can be opened")


def open_numbered(
    index_dir: Path, current: layout.Current, *, options: VectorOptions | None = None, check_files: bool = True
) -> Generation:
    """Open the generation that `current` names; raises as `open_generation`, NoIndexError when it is not there."""
    path = layout.generation_dir(index_dir, current.number)
    with layout.reading(path), ExitStack() as stack:
        try:
            # By descriptor from the index folder on, so that none of the three is a link.
            index = stack.enter_context(Folder(index_dir))
            generations = stack.enter_context(index.folder(layout.GENERATIONS))
            folder = generations.folder(path.name)
            on_error = stack.enter_context(ExitStack())
            on_error.callback(folder.close)
            lease = on_error.enter_context(folder.open(layout.MANIFEST))
        except FileNotFoundError:
            raise NoIndexError(f"{path}: there is no such generation") from None
        if not lock.lease(lease, path / layout.MANIFEST):
            raise NoIndexError(f"{path}: was collected")
        manifest = manifests.decode(read_all(lease, manifests.MAX_BYTES, path), path / layout.MANIFEST)
        if (manifest.generation, manifest.checksum) != (current.number, current.checksum):
            raise DamagedIndexError(
                f"{index_dir / layout.CURRENT}: does not name the manifest {path / layout.MANIFEST}"
            )
        if check_files:
            _check_files(folder, manifest)
        on_error.pop_all()
        return Generation(index_dir, folder, manifest, lease, options or VectorOptions())


def _check_files(folder: Folder, manifest: Manifest) -> None:
    """Look at every file without reading it; nothing else may be there that is special."""
    found = _listing(folder)
    for name, status in found.items():
        if not stat.S_ISREG(status.st_mode):
            raise SpecialFileError(errno.EINVAL, special_kind(status), str(folder.path / name))
    for name, expected in manifest.files.items():
        if name not in found:
            raise DamagedIndexError(f"{folder.path / name}: is missing")
        if found[name].st_size != expected.size:
            raise DamagedIndexError(f"{folder.path / name}: has {found[name].st_size} bytes instead of {expected.size}")


def _listing(folder: Folder) -> dict[str, os.stat_result]:
    found: dict[str, os.stat_result] = {}
    for entry in folder.entries():
        status = entry.stat(follow_symlinks=False)
        if entry.name in (layout.TEXT, layout.VECTORS) and stat.S_ISDIR(status.st_mode):
            with folder.folder(entry.name) as inner:
                for file in inner.entries():
                    found[f"{entry.name}/{file.name}"] = file.stat(follow_symlinks=False)
        else:
            found[entry.name] = status
    return found
