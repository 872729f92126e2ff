"""What a folder holds, so that two moments can be compared: names, types, modes, owners, link targets, contents."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

import xxhash


def snapshot(folder: Path, *, without: Collection[str] = ()) -> dict[str, str]:
    """Return a line on each path below a folder, by its path relative to it; links are described and not followed.

    `without` are relative paths that are left out with all below them. Goes from folder to folder by descriptor, so
    that paths may be longer than the system allows.
    """
    found: dict[str, str] = {}
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _add(descriptor, "", set(without), found)
    finally:
        os.close(descriptor)
    return found


def _add(folder: int, prefix: str, without: Collection[str], found: dict[str, str]) -> None:
    for name in sorted(os.listdir(folder)):
        path = prefix + name
        if path in without:
            continue
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        line = f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"
        found[path] = line
        if stat.S_ISLNK(status.st_mode):
            found[path] = f"{line} to {os.readlink(name, dir_fd=folder)}"
        elif stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
            try:
                if stat.S_ISDIR(status.st_mode):
                    _add(descriptor, path + "/", without, found)
                else:
                    found[path] = f"{line} {status.st_size} {_checksum(descriptor)}"
            finally:
                os.close(descriptor)


def _checksum(descriptor: int) -> str:
    state = xxhash.xxh3_128()
    while block := os.read(descriptor, 1 << 20):
        state.update(block)
    return state.hexdigest()
