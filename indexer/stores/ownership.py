"""Whose an index folder is: this user's own, or refused for writing.

A folder of another user is refused even where git would trust it (safe.directory, SUDO_UID): what root writes there its
owner could neither replace nor collect. To read an index nobody's leave is asked.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from indexer.errors import StorageError
from indexer.regular import read_regular
from indexer.stores.folder import Folder

_MAX_GIT_INDEX_BYTES = 512 << 20
"""A larger one, of some five million files, is not looked at."""
_HASH_BYTES = (20, 32)
"""SHA-1 and SHA-256; the index does not say which. Read with the wrong one its paths begin with bytes of a hash."""


def open_to_write(index_dir: Path) -> Folder:
    """Open an index folder that this user may change.

    Raises OSError as `Folder` does, and StorageError for a folder of another user's and for an index that git tracks.
    """
    folder = Folder(index_dir)
    try:
        if not folder.is_owned():
            raise StorageError(
                f"{index_dir}: belongs to another user, so it can be searched and not written; "
                "run this as its owner, or build an index of your own in another folder with --index-dir"
            )
        if is_tracked(index_dir):
            raise StorageError(
                f"{index_dir}: git tracks files in it, so it came with the repository and is not written; "
                f"run `git rm -r --cached {index_dir.name}` to make it yours, or give another --index-dir"
            )
    except BaseException:
        folder.close()
        raise
    return folder


def is_tracked(folder: Path) -> bool:
    """Whether git tracks a file below this folder, by the index of any repository that the folder lies in.

    The index is read here, since running git in a repository may run what its settings say. One that can't be read
    says nothing; nor do entries that git keeps in a shared index (core.splitIndex).
    """
    absolute = folder.parent.resolve() / folder.name
    return any(
        _lists(top / ".git", os.fsencode(absolute.relative_to(top).as_posix()) + b"/") for top in absolute.parents
    )


def _lists(git: Path, prefix: bytes) -> bool:
    """Whether the index of a git folder, or of the one that a .git file names, has a path with this prefix."""
    try:
        if git.is_file():
            git = git.parent / os.fsdecode(read_regular(str(git), 1 << 16).removeprefix(b"gitdir:").strip())
        content = read_regular(str(git / "index"), _MAX_GIT_INDEX_BYTES)
        return any(_has_path(content, size, prefix) for size in _HASH_BYTES)
    except (OSError, ValueError):
        return False


def _has_path(content: bytes, hash_bytes: int, prefix: bytes) -> bool:
    try:
        return any(path.startswith(prefix) for path in _paths(content, hash_bytes, prefix))
    except (struct.error, IndexError, ValueError):
        return False


def _paths(content: bytes, hash_bytes: int, prefix: bytes) -> Iterator[bytes]:
    """Yield the paths in a git index, or none when that is clear at once (gitformat-index, versions 2 to 4)."""
    signature, version, count = struct.unpack_from(">4sII", content)
    if signature != b"DIRC" or (version < 4 and prefix not in content):
        return
    at, path = 12, b""
    for _ in range(count):
        name = at + 40 + hash_bytes
        name += 4 if content[name] & 0x40 else 2  # extended flags
        if version < 4:
            end = content.index(b"\0", name)
            path = content[name:end]
            at += (end - at + 8) & ~7
        else:  # the path before, less as many bytes as a number of variable length says, and what follows
            cut = content[name] & 0x7F
            while content[name] & 0x80:
                name += 1
                cut = ((cut + 1) << 7) | (content[name] & 0x7F)
            end = content.index(b"\0", name + 1)
            path = path[: len(path) - cut] + content[name + 1 : end]
            at = end + 1
        yield path
