"""Where git keeps what the walk asks it: the top of a work tree, its index and info/exclude, or a bare repository."""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

import msgspec

from indexer.regular import read_regular

GIT = ".git"

_POINTER_LIMIT = 1 << 16
"""Bytes of a file that holds one path."""

_HEAD = re.compile(rb"ref: refs/|[0-9a-f]{40}")


class GitFiles(msgspec.Struct, frozen=True):
    """The paths of a repository's index and of its info/exclude, and of the folders with its own and shared files.

    `private` and `common` are one folder, save in a linked work tree.
    """

    index: str
    exclude: str
    private: str
    common: str


def is_repository(folder: Path) -> bool:
    """Whether a folder holds a .git that is a folder or, in a linked work tree or a submodule, a file."""
    try:
        mode = (folder / GIT).stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(mode) or stat.S_ISREG(mode)


def is_bare(folder: Path) -> bool:
    """Whether a folder is a repository's own and no work tree: it holds HEAD, objects and refs, and no .git."""
    if is_repository(folder):
        return False
    try:
        head = read_regular(str(folder / "HEAD"), _POINTER_LIMIT)
    except (OSError, ValueError):
        return False
    return _HEAD.match(head) is not None and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def repository_of(root: Path) -> Path | None:
    """Return the nearest folder at or above `root` that is the top of a repository."""
    return next((folder for folder in (root, *root.parents) if is_repository(folder)), None)


def is_git_s_own(root: Path) -> bool:
    """Whether an absolute folder is the .git of a work tree, or lies in one and in no work tree within that."""
    for folder in (root, *root.parents) if GIT in root.parts else ():
        if is_repository(folder):
            return False
        if folder.name == GIT and is_repository(folder.parent):
            return True
    return False


def git_files(top: Path) -> GitFiles:
    """Return where a repository keeps its files; a linked work tree shares info/exclude with the main one."""
    private = common = top / GIT
    with suppress(OSError):
        private = common = top / _pointed_to(private, "gitdir: ")
    with suppress(OSError):
        common = private / _pointed_to(private / "commondir", "")
    return GitFiles(str(private / "index"), str(common / "info" / "exclude"), str(private), str(common))


def bare_files(folder: Path) -> GitFiles:
    """Return where a bare repository keeps its files: in itself."""
    return GitFiles(str(folder / "index"), str(folder / "info" / "exclude"), str(folder), str(folder))


def _pointed_to(path: Path, prefix: str) -> str:
    """Return the path that a file of one line holds; raise OSError where there is none."""
    line = os.fsdecode(read_regular(str(path), _POINTER_LIMIT).partition(b"\n")[0]).removesuffix("\r")
    if not line.startswith(prefix) or "\0" in line:
        raise OSError(errno.EINVAL, f"does not begin with {prefix!r}", str(path))
    return line.removeprefix(prefix)
