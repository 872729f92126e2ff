"""The durable steps of a commit, each in one function, so that a test can fail or kill the process at any of them.

Every function calls `before_step(operation, path)` first. In a running program that does nothing; a test replaces it
to raise OSError or to kill the process.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path


def _no_step(operation: str, path: Path) -> None:
    """Do nothing."""


before_step: Callable[[str, Path], None] = _no_step
"""Called before each durable step with its name (`write`, `fsync`, `fsync-dir`, `rename`, `link`, `copy`) and path."""

# Leaves out times, and so does nothing for files that an engine synced already.
_sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)

_NO_HARD_LINKS = {errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS, errno.EACCES}


def write_file(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet, and fsync it."""
    before_step("write", path)
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        before_step("fsync", path)
        _sync(file.fileno())


def fsync_file(path: Path) -> None:
    """Make a file's content durable."""
    before_step("fsync", path)
    # Windows flushes only through a handle that may write.
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def fsync_dir(path: Path) -> None:
    """Make a folder's entries durable; Windows has no such call and journals them itself."""
    before_step("fsync-dir", path)
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename(source: Path, target: Path) -> None:
    """Rename atomically, replacing a file at the target."""
    before_step("rename", target)
    source.replace(target)


def publish(draft: Path, target: Path) -> bool:
    """Give a file that is durable its name, unless one has it: then return False and leave both as they are.

    As an object store's conditional put. Where the file system has no hard links, only a lock keeps two writers apart.
    """
    before_step("publish", target)
    try:
        os.link(draft, target, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if os.path.lexists(target):
            return False
        draft.rename(target)
    return True


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link a file; copy it where the file system has no hard links."""
    before_step("link", target)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        copy(source, target)


def copy(source: Path, target: Path) -> None:
    """Copy a file's content."""
    before_step("copy", target)
    shutil.copyfile(source, target, follow_symlinks=False)
