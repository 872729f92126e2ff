"""Read a file without ever blocking on a FIFO, opening a device, or following a symbolic link."""

from __future__ import annotations

import errno
import os
import stat

_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)


def open_regular(path: str, *, dir_fd: int | None = None) -> tuple[int, os.stat_result]:
    """Open a regular file to read, and return its descriptor and what the system says of it.

    `path` is relative to `dir_fd`, if given. Raises OSError: ELOOP for a symbolic link, EINVAL for anything else that
    is no regular file.
    """
    descriptor = os.open(path, _FLAGS, dir_fd=dir_fd)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, found


def read_regular(path: str, limit: int) -> bytes:
    """Return a regular file's content; raises OSError as `open_regular`, and EFBIG for more than `limit` bytes."""
    descriptor, found = open_regular(path)
    try:  # by itself, since a file object takes five times as long as the reading of a source file
        pieces: list[bytes] = []
        left = limit + 1
        while left and (piece := os.read(descriptor, min(left, found.st_size + 1))):
            pieces.append(piece)
            left -= len(piece)
    finally:
        os.close(descriptor)
    if not left:
        raise OSError(errno.EFBIG, f"has outgrown the limit of {limit:,} bytes", path)
    return b"".join(pieces)
