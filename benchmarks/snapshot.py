"""What a folder holds, so that two moments can be compared: names, types, modes, owners, link targets, contents."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

import xxhash


def snapshot(folder: Path, *, without: Collection[str] = ()) -> dict[str, str]:
    """Return a line on each path below a folder, by its path relative to it; links are described and not followed.

    `without` are relative paths that are left out with all below them.
    """
    found: dict[str, str] = {}
    _add(folder, "", set(without), found)
    return found


def _add(folder: Path, prefix: str, without: Collection[str], found: dict[str, str]) -> None:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = prefix + entry.name
            if name in without:
                continue
            status = entry.stat(follow_symlinks=False)
            found[name] = f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid} {_content(entry, status)}"
            if entry.is_dir(follow_symlinks=False):
                _add(Path(entry.path), name + "/", without, found)


def _content(entry: os.DirEntry[str], status: os.stat_result) -> str:
    if stat.S_ISLNK(status.st_mode):
        return f"to {os.readlink(entry.path)}"
    if stat.S_ISREG(status.st_mode):
        return f"{status.st_size} {xxhash.xxh3_128_hexdigest(Path(entry.path).read_bytes())}"
    return f"device {status.st_rdev}" if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode) else ""
