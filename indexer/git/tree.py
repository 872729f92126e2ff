"""The files of a tree that git holds: of the index, or of a revision."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from indexer.errors import SourceError
from indexer.git.index import read_entries
from indexer.git.objects import ObjectReader

FOLDER, LINK, SUBMODULE = 0o040000, 0o120000, 0o160000

FILE = 0o10
"""The type in the mode of a file, above the twelve bits of its permissions."""

_MODE = re.compile(rb"[0-7]{5,6}")

_TREE_LIMIT = 64 << 20
"""Bytes of one folder's list; about a million files in one folder."""

MAX_DEPTH = 200
"""Folders in folders; a work tree that deep can't be checked out everywhere."""

MAX_ENTRIES = 5_000_000
"""A few objects can name more files than there are atoms: each folder may hold the same folder ten times."""


class TreeEntry(NamedTuple):
    """A file, link or submodule: its path from the top, its mode, and the id of its object."""

    path: str
    mode: int
    object_id: bytes


Folder = dict[str, "TreeEntry | Folder"]
"""What a folder holds, by name."""


def staged_entries(index: str, reader: ObjectReader) -> tuple[list[TreeEntry], list[str]]:
    """Return what the next commit would hold, and sentences on what is not settled.

    Of an unmerged file the current branch's side counts, where there is none the other one's, and then the common one.
    A file that was only announced (`git add --intent-to-add`) is none. Raises SourceError for an index that can't be
    read; one that is not there is empty.
    """
    try:
        entries, _ = read_entries(index)
    except (FileNotFoundError, NotADirectoryError):
        return [], []
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SourceError(f"{index}: {why}, so what is staged can't be told") from None
    found: list[TreeEntry] = []
    sides: dict[str, dict[int, TreeEntry]] = {}
    for entry in entries:
        if not all(map(_is_name, os.fsencode(entry.path.removesuffix("/")).split(b"/"))):
            raise SourceError(f"{index}: names {entry.path!a}, which can't be a file; `git fsck` tells more")
        plain = TreeEntry(entry.path, entry.mode, entry.object_id)
        if entry.stage:
            sides.setdefault(entry.path, {})[entry.stage] = plain
        elif entry.mode == FOLDER:  # of a sparse index
            found.extend(tree_entries(reader, entry.object_id.hex(), entry.path))
        elif not entry.intent:
            found.append(plain)
    found.extend(next(stages[side] for side in (2, 3, 1) if side in stages) for stages in sides.values())
    if not sides:
        return found, []
    return found, [f"{len(sides)} unmerged files are indexed as they are on the current branch"]


def tree_entries(reader: ObjectReader, name: str, prefix: str = "", *, shown: str = "the tree") -> Iterator[TreeEntry]:
    """Yield the files below a tree, `prefix` ("" or ending in "/") before their paths.

    Raises SourceError, in which the tree itself is called `shown`.
    """
    folders = [(name, prefix)]
    count = 0
    while folders:
        name, prefix = folders.pop()
        for entry in _parse(_content(reader, name, prefix or shown), prefix, shown):
            count += 1
            if count > MAX_ENTRIES or prefix.count("/") > MAX_DEPTH:
                raise SourceError(f"{prefix}: the tree has over {MAX_ENTRIES:,} entries, or {MAX_DEPTH} folders deep")
            if entry.mode == FOLDER:
                folders.append((entry.object_id.hex(), entry.path + "/"))
            else:
                yield entry


def folders_of(entries: Iterable[TreeEntry]) -> Folder:
    """Return a list of files as folders; where two sides of a merge make one name both, it is a folder."""
    top: Folder = {}
    for entry in entries:
        *steps, name = entry.path.split("/")
        folder = top
        for step in steps:
            inner = folder.get(step)
            if not isinstance(inner, dict):
                inner = folder[step] = {}
            folder = inner
        folder.setdefault(name, entry)
    return top


def _content(reader: ObjectReader, name: str, shown: str) -> tuple[bytes, int]:
    try:
        found = reader.read(name, _TREE_LIMIT)
    except OSError as error:
        raise SourceError(f"{shown}: git can't give its tree ({error.strerror})") from None
    if found.kind != "tree":
        raise SourceError(f"{shown}: is a {found.kind}, not a folder")
    return found.content, len(found.object_id)


def _parse(tree: tuple[bytes, int], prefix: str, shown: str) -> Iterator[TreeEntry]:
    """Yield the entries of a tree object: mode in octal, a space, the name, a zero byte, the id."""
    content, id_size = tree
    place = 0
    while place < len(content):
        space = content.find(b" ", place, place + 8)
        end = content.find(b"\0", space)
        after = end + 1 + id_size
        name = content[space + 1 : end]
        mode = content[place:space]
        if end < 0 or after > len(content) or not _MODE.fullmatch(mode) or not _is_name(name):
            raise SourceError(f"{prefix or shown}: is damaged; `git fsck` tells more")
        yield TreeEntry(prefix + os.fsdecode(name), int(mode, 8), content[end + 1 : after])
        place = after


def _is_name(name: bytes) -> bool:
    return name not in {b"", b".", b".."} and b"/" not in name
