"""The files that git tracks, read from its index file; no git process is run in somebody else's repository.

Format: https://git-scm.com/docs/index-format, versions 2 to 4, SHA-1 or SHA-256. The checksum is not verified, as git
may leave it out (index.skipHash).
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_left
from collections.abc import Container, Iterator
from typing import NamedTuple

import msgspec

from indexer.regular import read_regular, read_with_stat
from indexer.types import Stat

INDEX_LIMIT = 128 << 20
"""Bytes; about a million files."""

_STAT = 40
"""Bytes of an entry before the object's name: times, device, inode, mode, owner and size."""

_MODE = 26
"""Where the two bytes are that hold the type of an entry."""

_FOLDER, _GITLINK = 0o04, 0o16
_EXTENDED = 0x4000
"""The flag of an entry with two more bytes of flags."""

_INTENT = 0x20
"""In the first of these bytes: `git add --intent-to-add` named the file, and nothing of it is staged."""

_LONG = 0xFFF
"""The recorded length of a name that is this long or longer."""


class Tracked(msgspec.Struct, frozen=True):
    """Paths that git tracks, sorted, and those among them that stand for another repository."""

    paths: tuple[str, ...] = ()
    gitlinks: frozenset[str] = frozenset()

    def holds(self, path: str, *, is_dir: bool) -> bool:
        """Whether git tracks a file, or anything inside a folder."""
        wanted = path + "/" if is_dir else path
        place = bisect_left(self.paths, wanted)
        if place == len(self.paths):
            return False
        return self.paths[place].startswith(wanted) if is_dir else self.paths[place] == wanted

    def below(self, *, above: str, prefix: str) -> Tracked:
        """Return what lies in the folder `above` ("" or ending in "/"), with `prefix` in its place."""
        if not above and not prefix:
            return self
        cut = len(above)
        return Tracked(
            tuple(prefix + path[cut:] for path in self.paths if path.startswith(above)),
            frozenset(prefix + path[cut:] for path in self.gitlinks if path.startswith(above)),
        )


NOTHING_TRACKED = Tracked()


class Entry(NamedTuple):
    """One entry: a path, its mode as in a tree, and the 20 or 32 bytes of its object's name.

    `stage` is 0, or of an unmerged path 1 (base), 2 (ours) or 3 (theirs). `intent` marks a file that is to be added and
    of which nothing is staged. `stat` is what was seen when the file was last found to be the object; its inode has 32
    bits, and a field that git did not fill is 0.
    """

    path: str
    mode: int
    object_id: bytes
    stage: int
    intent: bool
    stat: Stat


def read_index(path: str) -> Tracked:
    """Return what a git index lists.

    Raises OSError as `read_regular` does, and ValueError, with a reason, for what is no index or is one that refers to
    another (a split index) or needs a format that isn't known here.
    """
    return _read(read_regular(path, INDEX_LIMIT))


def tracks_below(path: str, folder: str) -> bool:
    """Whether a git index lists a file in a folder, given from the top of its tree; raises as `read_index`."""
    data = read_regular(path, INDEX_LIMIT)
    # Version 4 leaves out what a path shares with the one before; in the others each stands whole.
    if data[4:8] != b"\0\0\0\4" and os.fsencode(folder) + b"/" not in data:
        return False
    return _read(data).holds(folder, is_dir=True)


def read_entries(path: str, *, among: Container[str] | None = None) -> tuple[Iterator[Entry], int]:
    """Return the entries of a git index, of all paths or `among` some, and the index's own modification time.

    Folders of a sparse index are entries, too. Raises as `read_index`.
    """
    data, status = read_with_stat(path, INDEX_LIMIT)
    named, hash_size = _scan(data)
    found = ((os.fsdecode(name), start) for name, start in named)
    return (_entry(data, name, at, hash_size) for name, at in found if among is None or name in among), status[1]


def _entry(data: bytes, path: str, start: int, hash_size: int) -> Entry:
    seconds = struct.unpack_from(">10I", data, start)
    ctime, ctime_ns, mtime, mtime_ns, _device, inode, mode, _user, _group, size = seconds
    flags_at = start + _STAT + hash_size
    flags = data[flags_at] << 8 | data[flags_at + 1]
    return Entry(
        path,
        mode,
        data[start + _STAT : flags_at],
        flags >> 12 & 3,
        bool(flags & _EXTENDED and data[flags_at + 2] & _INTENT),
        (size, mtime * 10**9 + mtime_ns, ctime * 10**9 + ctime_ns, inode),
    )


def _read(data: bytes) -> Tracked:
    names: list[bytes] = []
    links: list[bytes] = []
    previous = b""
    for name, start in _scan(data)[0]:
        kind = data[start + _MODE] >> 4
        # A sparse folder is not in the work tree, and a conflict lists a file thrice.
        if kind != _FOLDER and name != previous:
            names.append(name)
            if kind == _GITLINK:
                links.append(name)
        previous = name
    paths = os.fsdecode(b"\0".join(names)).split("\0") if names else []
    paths.sort()
    return Tracked(tuple(paths), frozenset(map(os.fsdecode, links)))


def _scan(data: bytes) -> tuple[list[tuple[bytes, int]], int]:
    """Return the name of each entry with the place where it starts, and the bytes of an object's name.

    Raises ValueError as `read_index`.
    """
    version, count = int.from_bytes(data[4:8]), int.from_bytes(data[8:12])
    if data[:4] != b"DIRC" or version not in {2, 3, 4}:
        raise ValueError("it is no git index of version 2, 3 or 4")
    for hash_size in (20, 32):
        try:
            named, end = _scan_entries(data, count, version, hash_size)
        except (ValueError, IndexError):
            continue
        _check_extensions(data, end, hash_size)
        return named, hash_size
    raise ValueError("its entries are damaged")


def _scan_entries(data: bytes, count: int, version: int, hash_size: int) -> tuple[list[tuple[bytes, int]], int]:
    """Return the name and start of each entry, and where the entries end.

    Raises ValueError or IndexError where the data contradict themselves.
    """
    named: list[tuple[bytes, int]] = []
    name, start, flags_at, total = b"", 12, _STAT + hash_size, 0
    for _ in range(count):
        flags = data[start + flags_at] << 8 | data[start + flags_at + 1]
        head = start + flags_at + (4 if flags & _EXTENDED else 2)
        if version == 4:
            kept, head = _strip_length(data, head)
            if kept > len(name):
                raise ValueError
            end = data.index(b"\0", head)
            name = name[: len(name) - kept] + data[head:end]
            after = end + 1
        else:
            end = data.index(b"\0", head)
            name = data[head:end]
            after = start + (end - start + 8 & ~7)
        total += len(name)
        if flags & _LONG != min(len(name), _LONG) or total > INDEX_LIMIT:
            raise ValueError
        if name:  # a split index leaves names empty
            named.append((name, start))
        start = after
    return named, start


def _strip_length(data: bytes, place: int) -> tuple[int, int]:
    """Return how many bytes of the name before go, in the variable-width form of pack files, and where that ends.

    Raises ValueError for a number that no index needs, and IndexError at the end of the data.
    """
    byte = data[place]
    length = byte & 0x7F
    while byte & 0x80:
        place += 1
        byte = data[place]
        length = (length + 1 << 7) | byte & 0x7F
        if length > INDEX_LIMIT:
            raise ValueError
    return length, place + 1


def _check_extensions(data: bytes, place: int, hash_size: int) -> None:
    """Raise ValueError for an extension that changes which files are listed; those in capitals may be passed over."""
    while place + 8 <= len(data) - hash_size:
        name = data[place : place + 4]
        if not name[:1].isupper() and name != b"sdir":
            raise ValueError("it is split over two files" if name == b"link" else f"it has an extension {name!r}")
        place += 8 + int.from_bytes(data[place + 4 : place + 8])
