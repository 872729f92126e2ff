"""One generation as a file to hand on: a zstd-compressed tar whose bytes follow from the generation's alone.

generation.json comes first and names all that follows, sorted by name, with sizes and checksums. Names, sizes and
content are all that an entry has: no times, owners, modes or links. An archive may come from a stranger, so its headers
must be, byte for byte, those that `write_archive` makes, and no more is decompressed than generation.json says.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec
import zstandard

from indexer.errors import DamagedIndexError, StorageError
from indexer.stores.generation import layout
from indexer.stores.generation import manifest as manifests
from indexer.stores.generation.manifest import Manifest
from indexer.stores.generation.reader import Generation
from indexer.types import IndexedSource

LEVEL = 3
"""Of zstd, its default: most of an index is compressed already."""

MAX_WINDOW_BYTES = 1 << 23
"""Memory of decompression, more than an archive of this level needs."""

MAX_RATIO = 100
FREE_BYTES = 64 << 20
"""An archive may grow to so many times its size, or to this where that is more: far beyond an index."""

ANOTHER = "ask for another copy, or build an index of your own"
"""What to do about a damaged archive."""

_BLOCK = 512
_PIECE = 1 << 20
_END = bytes(2 * _BLOCK)


class Readable(Protocol):
    """Where bytes come from."""

    def read(self, size: int, /) -> bytes | None:
        """Return at most `size` bytes, none at the end."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A generation on its way: its manifest, and each of its files, by name and in order, with a reader of it.

    A file is to be read to its end before the next one is asked for. `origin` is what it comes out of.
    """

    origin: Path
    manifest: Manifest
    files: Iterator[tuple[str, Readable]]


def portable(manifest: Manifest) -> Manifest:
    """Return a manifest as an archive has it, without what its generation has from where it is."""
    source = IndexedSource(kind=manifest.source.kind, root="..")
    return manifests.seal(msgspec.structs.replace(manifest, generation=1, source=source))


def write_archive(generation: Generation, target: BinaryIO) -> Manifest:
    """Write a generation and return the manifest that went with it.

    It has neither the number that the generation has here nor where its files lay. Raises DamagedIndexError for a file
    that is not what the manifest says, and OSError.
    """
    manifest = portable(generation.manifest)
    content = manifests.encode(manifest)
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    with compressor.stream_writer(target, closefd=False) as stream:
        stream.write(_header(layout.MANIFEST, len(content)) + content + _padding(len(content)))
        for name, expected in sorted(manifest.files.items()):
            stream.write(_header(name, expected.size))
            with _open_file(generation, name) as file:
                copy_checked(file, stream.write, expected, str(generation.path / name))
            stream.write(_padding(expected.size))
        stream.write(_END)
    return manifest


@contextmanager
def read_archive(file: FileIO, size: int, path: Path) -> Iterator[Parcel]:
    """Give what is in an archive of `size` bytes.

    Raises DamagedIndexError, which names `path`, for what `write_archive` can't have written and for what grows too
    much, at once or while the files are read; FormatVersionError for one of another format version.
    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    try:
        with decompressor.stream_reader(file, read_across_frames=True, closefd=False) as stream:
            entries = _Entries(stream, path)
            name, length = entries.next_header()
            if name != layout.MANIFEST or length > manifests.MAX_BYTES:
                raise _malformed(path, "does not begin with generation.json")
            manifest = manifests.decode(entries.read_all(length), path)
            total = sum(entry.size for entry in manifest.files.values())
            if total > max(FREE_BYTES, MAX_RATIO * size):
                raise _malformed(path, f"would grow from {size:,} to {total:,} bytes, as no index does")
            yield Parcel(path, manifest, _files(entries, manifest, path))
    except zstandard.ZstdError as error:
        raise _malformed(path, f"can't be decompressed ({error})") from error


def parcel_of(generation: Generation) -> Parcel:
    """Return an open generation as it is."""

    def files() -> Iterator[tuple[str, Readable]]:
        for name in sorted(generation.manifest.files):
            with _open_file(generation, name) as file:
                yield name, file

    return Parcel(generation.path, generation.manifest, files())


def _open_file(generation: Generation, name: str) -> FileIO:
    """Open a file to copy, so that a refusal is told of it and not of what is written; raises DamagedIndexError."""
    with layout.reading(generation.path / name):
        return generation.open_file(name)


def copy_checked(source: Readable, write: Callable[[bytes], object], expected: manifests.FileSum, origin: str) -> None:
    """Copy a file of exactly the expected size and checksum; raises DamagedIndexError, having written no more."""
    summing = manifests.Summing()
    while piece := source.read(min(_PIECE, expected.size + 1 - summing.size)):
        summing.update(piece)
        if summing.size > expected.size:
            break
        write(piece)
    if summing.result() != expected:
        raise DamagedIndexError(f"{origin}: was altered, its size or checksum differs", "get or build another index")


def _files(entries: _Entries, manifest: Manifest, path: Path) -> Iterator[tuple[str, Readable]]:
    for name, expected in sorted(manifest.files.items()):
        if entries.next_header() != (name, expected.size):
            raise _malformed(path, f"does not hold {name} where it should")
        yield name, entries
    entries.finish()


class _Entries:
    """Reads entry after entry, and of each no more than its size."""

    def __init__(self, stream: Readable, path: Path) -> None:
        self._stream = stream
        self._path = path
        self._left = 0
        self._padding = 0

    def next_header(self) -> tuple[str, int]:
        """Return name and size of the next entry."""
        if self._left or any(self._exactly(self._padding)):
            raise _malformed(self._path, "is not laid out as an index is")
        block = self._exactly(_BLOCK)
        try:
            found = tarfile.TarInfo.frombuf(block, "ascii", "strict")
            if block != _header(found.name, found.size):
                raise _malformed(self._path, f"holds an entry that is no file of an index, {found.name!a}")
        except (tarfile.HeaderError, UnicodeError, ValueError) as error:
            raise _malformed(self._path, f"holds a header that can't be read ({error})") from None
        self._left, self._padding = found.size, len(_padding(found.size))
        return found.name, found.size

    def read(self, size: int, /) -> bytes:
        """Return what is left of the entry, at most `size` bytes; none at its end."""
        wanted = min(size, self._left)
        piece = (self._stream.read(wanted) or b"") if wanted else b""
        if wanted and not piece:
            raise _malformed(self._path, "ends too early")
        self._left -= len(piece)
        return piece

    def read_all(self, size: int) -> bytes:
        """Return all of an entry of `size` bytes."""
        content = bytearray()
        while piece := self.read(size - len(content)):
            content += piece
        return bytes(content)

    def finish(self) -> None:
        """Raise unless nothing but the end is left."""
        if self._left or any(self._exactly(self._padding)) or any(self._exactly(len(_END))) or self._stream.read(1):
            raise _malformed(self._path, "holds more than an index")

    def _exactly(self, size: int) -> bytes:
        self._left = size
        return self.read_all(size)


def _header(name: str, size: int) -> bytes:
    """Return the tar header of a file: regular, of nobody, of 1970."""
    entry = tarfile.TarInfo(name)
    entry.size = size
    try:
        return entry.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
    except ValueError as error:
        raise StorageError(f"{name}: has {size:,} bytes, more than an archive can hold ({error})") from error


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


def _malformed(path: Path, what: str) -> DamagedIndexError:
    return DamagedIndexError(f"{path}: {what}", ANOTHER)
