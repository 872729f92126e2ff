"""The files that git tracks, read from its index file; no git process is run in somebody else's repository.

Format: https://git-scm.com/docs/index-format, versions 2 to 4, SHA-1 or SHA-256. The checksum is not verified, as git
may leave it out (index.skipHash).
"""

from __future__ import annotations

import os
from bisect import bisect_left
from dataclasses import dataclass

from indexer.regular import read_regular

INDEX_LIMIT = 128 << 20
"""Bytes; about a million files."""

_STAT = 40
"""Bytes of an entry before the object's name: times, device, inode, mode, owner and size."""

_MODE = 26
"""Where the two bytes are that hold the type of an entry."""

_FOLDER, _GITLINK = 0o04, 0o16
_LONG = 0xFFF
"""The recorded length of a name that is this long or longer."""


@dataclass(frozen=True, slots=True)
class Tracked:
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


def _read(data: bytes) -> Tracked:
    version, count = int.from_bytes(data[4:8]), int.from_bytes(data[8:12])
    if data[:4] != b"DIRC" or version not in {2, 3, 4}:
        raise ValueError("it is no git index of version 2, 3 or 4")
    for hash_size in (20, 32):
        try:
            names, links, end = _read_entries(data, count, version, hash_size)
        except (ValueError, IndexError):
            continue
        _check_extensions(data, end, hash_size)
        paths = os.fsdecode(b"\0".join(names)).split("\0") if names else []
        paths.sort()
        return Tracked(tuple(paths), frozenset(map(os.fsdecode, links)))
    raise ValueError("its entries are damaged")


def _read_entries(data: bytes, count: int, version: int, hash_size: int) -> tuple[list[bytes], list[bytes], int]:
    """Return the names of all entries, those of other repositories, and where the entries end.

    Raises ValueError or IndexError where the data contradict themselves.
    """
    names: list[bytes] = []
    links: list[bytes] = []
    name, start, flags_at, total = b"", 12, _STAT + hash_size, 0
    for _ in range(count):
        flags = data[start + flags_at] << 8 | data[start + flags_at + 1]
        head = start + flags_at + (4 if flags & 0x4000 else 2)
        previous = name
        if version == 4:
            kept, head = _strip_length(data, head)
            if kept > len(previous):
                raise ValueError
            end = data.index(b"\0", head)
            name = previous[: len(previous) - kept] + data[head:end]
            after = end + 1
        else:
            end = data.index(b"\0", head)
            name = data[head:end]
            after = start + (end - start + 8 & ~7)
        total += len(name)
        if flags & _LONG != min(len(name), _LONG) or total > INDEX_LIMIT:
            raise ValueError
        kind = data[start + _MODE] >> 4
        # A sparse folder is not in the work tree, a conflict lists a file thrice, and a split index leaves names empty.
        if kind != _FOLDER and name not in {previous, b""}:
            names.append(name)
            if kind == _GITLINK:
                links.append(name)
        start = after
    return names, links, start


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
