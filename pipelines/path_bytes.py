"""Paths that are not UTF-8, in JSON, whose strings are Unicode."""

from __future__ import annotations

from base64 import b64encode


def path_bytes(path: str) -> str:
    """Return the bytes of a path in base64 when they are not UTF-8, and nothing otherwise.

    In such a path's own string every byte that is not UTF-8 is U+FFFD.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return b64encode(path.encode("utf-8", "surrogateescape")).decode()
    return ""
