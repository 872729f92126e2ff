"""Which tree a revision names: refs are read as files, the steps after them (`~2`, `^{commit}`) are left to git."""

from __future__ import annotations

import os
import re
from pathlib import Path

from indexer.errors import SourceError
from indexer.git.repository import GitFiles
from indexer.regular import read_regular

_REVISION = re.compile(r"(?P<base>[^\s~^:?*\[\\@{}]+|@)(?P<steps>(?:~[0-9]*|\^[0-9]*|\^\{(?:commit|tree)?\})*)")
_PLACES = ("", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/")
_HEX = re.compile(r"[0-9a-f]{4,64}")
_ID_LENGTHS = (40, 64)
_MAX_STEPS = 5
"""Refs that point to refs, as in git."""

_REF_LIMIT = 4096
_PACKED_LIMIT = 128 << 20


def tree_of(files: GitFiles, revision: str) -> str:
    """Return an expression on an object id that git understands without refs, for the tree of a revision.

    Taken are a branch, tag, remote branch, HEAD and the like, or an id, each with `~N`, `^N` and `^{…}`. Raises
    SourceError for anything else, and for a ref that there is not.
    """
    match = _REVISION.fullmatch(revision)
    if match is None or len(revision) > 200 or not revision.isprintable():
        raise SourceError(f"{revision!a}: is no revision that is understood; name a branch, a tag or a commit's id")
    base = "HEAD" if match["base"] == "@" else match["base"]
    found = base if _is_id(base) else _resolve(files, base)
    if found is None and _HEX.fullmatch(base):
        found = base
    if found is None:
        why = "there is no such branch, tag or commit"
        if (Path(files.common) / "reftable").exists():
            why = "the repository keeps its refs as a reftable, which is not read; name a commit by its id"
        raise SourceError(f"{revision}: {why}")
    return f"{found}{match['steps']}^{{tree}}"


def _resolve(files: GitFiles, name: str) -> str | None:
    if any(step in {"", ".", ".."} or step.endswith(".lock") for step in name.split("/")):
        return None
    packed: dict[str, str] | None = None
    for place in (*_PLACES, "refs/remotes/{}/HEAD"):
        ref: str | None = place.format(name) if "{}" in place else place + name
        for _ in range(_MAX_STEPS):
            if ref is None or not (ref.startswith("refs/") or ref.isupper()):
                break
            value = _loose(files, ref)
            if value is None:
                packed = _packed(files) if packed is None else packed
                value = packed.get(ref, "")
            if _is_id(value):
                return value
            ref = value.removeprefix("ref: ").strip() if value.startswith("ref: ") else None
            if ref is not None and ".." in ref.split("/"):
                break
    return None


def _loose(files: GitFiles, ref: str) -> str | None:
    """Return what the file of a ref holds; a linked work tree has some of its own."""
    for folder in (files.private, files.common):
        try:
            return os.fsdecode(read_regular(str(Path(folder) / ref), _REF_LIMIT)).strip()
        except OSError:
            continue
    return None


def _packed(files: GitFiles) -> dict[str, str]:
    try:
        text = os.fsdecode(read_regular(str(Path(files.common) / "packed-refs"), _PACKED_LIMIT))
    except OSError:
        return {}
    lines = (line.split(" ", 1) for line in text.splitlines() if line[:1] not in {"#", "^", ""})
    return {line[1]: line[0] for line in lines if len(line) == 2}


def _is_id(text: str) -> bool:
    return len(text) in _ID_LENGTHS and _HEX.fullmatch(text) is not None
