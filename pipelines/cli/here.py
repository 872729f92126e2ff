"""Paths as they are written and read in the current folder, which may lie below the indexed one."""

from __future__ import annotations

import os
from pathlib import Path

from indexer.errors import ConfigError


def seen_from_here(path: str, root: Path, *, many: bool = False) -> str:
    """Return an indexed path as seen from the current folder where that lies in the root, else from the root.

    Of `many` roots, each path begins with its root as that was written.
    """
    if many:
        return str(Path(root, path))
    below = _below(root)
    return os.path.relpath(path, below) if below else path


def from_here(written: str, root: Path) -> str:
    """Return a path below the root: an absolute one, one that is there as seen from the current folder, or as written.

    Raises ConfigError for an absolute path elsewhere.
    """
    if Path(written).is_absolute():
        return _inside(written, root)
    below = _below(root)
    if below and os.path.lexists(written):
        return os.path.normpath(Path(below, written))
    return written.removeprefix("./")


def glob_from_here(glob: str, root: Path) -> str:
    """Return a glob over indexed paths: with a slash it is of the current folder where that lies in the root.

    Raises ConfigError for an absolute one elsewhere.
    """
    sign = "!" if glob.startswith("!") else ""
    body = glob.removeprefix("!")
    if body.startswith("/"):
        return sign + _inside(body, root)
    below = _below(root)
    if not below or body.startswith("**/") or "/" not in body.rstrip("/"):
        return glob
    ends = "/" if body.endswith("/") else ""
    return sign + os.path.normpath(f"{_escaped(below)}/{body}") + ends


def _below(root: Path) -> str:
    """Return where the current folder lies below the root; "" at the root, and elsewhere."""
    try:
        here = Path.cwd().relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):
        return ""
    return "" if here == Path() else str(here)


def _inside(written: str, root: Path) -> str:
    ends = "/" if written.endswith("/") else ""
    for base in dict.fromkeys((root.absolute(), root.resolve())):
        try:
            below = str(Path(os.path.normpath(written)).relative_to(base))
        except ValueError:
            continue
        return "**" if below == "." else f"{below}{ends}"
    raise ConfigError(f"{written}: lies outside the indexed folder {root}")


def _escaped(path: str) -> str:
    return "".join("\\" + c if c in "*?[]{}\\!" else c for c in path)
