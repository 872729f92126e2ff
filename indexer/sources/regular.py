"""Read a file without ever blocking on a FIFO, opening a device, or following a symbolic link."""

from __future__ import annotations

import errno
import os
import stat

_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)


def read_regular(path: str, limit: int) -> bytes:
    """Return a regular file's content.

    Raises OSError: among others EFBIG for more than `limit` bytes, ELOOP for a symbolic link, and EINVAL for anything
    else that is no regular file.
    """
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", path)
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"has outgrown the limit of {limit:,} bytes", path)
    return content
