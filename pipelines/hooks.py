"""Git hooks that keep an index up to date, for those who do not use pre-commit; hooks that were there stay in force."""

from __future__ import annotations

import os
import re
import shlex
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path

import msgspec

from indexer.errors import ConfigError, SourceError, StorageError
from indexer.git.repository import git_files, repository_of
from indexer.regular import read_regular

HOOKS = ("pre-commit", "post-commit", "post-checkout", "post-merge", "post-rewrite")

KEPT = ".before-indexer"
"""Added to the name of a hook that was there first; ours runs it before anything else."""

_MARK = "# Written by `indexer hook install`; `indexer hook remove` takes it away."
_SCRIPT = """#!/bin/sh
{mark}
before="$0{kept}"
if [ -x "$before" ]; then
  "$before" "$@" || exit $?
fi
if [ -x {program} ]; then
  {program} hook run </dev/null
fi
exit 0
"""

_LIMIT = 1 << 20
_HOOKS_PATH = re.compile(r'^\s*hookspath\s*=\s*"?(.+?)"?\s*$', re.IGNORECASE | re.MULTILINE)


class HookState(msgspec.Struct, frozen=True, kw_only=True):
    """One hook: `installed` is ours, `keeps` says that ours runs an earlier one, `other` that another's is there."""

    name: str
    installed: bool
    keeps: bool
    other: bool


def install(root: Path, program: Path, names: Sequence[str] = HOOKS) -> list[HookState]:
    """Write hooks that run `program`; a hook that is there is renamed and run first. Installing twice changes nothing.

    Raises SourceError outside a repository, ConfigError where core.hooksPath leads elsewhere or a name is taken, and
    StorageError when the system refuses.
    """
    folder = _folder(root)
    script = _SCRIPT.format(mark=_MARK, kept=KEPT, program=shlex.quote(str(program)))
    try:
        folder.mkdir(exist_ok=True)
        for name in names:
            path = folder / name
            if os.path.lexists(path) and not _is_ours(path):
                kept = folder / (name + KEPT)
                if os.path.lexists(kept):
                    raise ConfigError(f"{kept}: is there already, and so is another {name}; remove one of them")
                path.rename(kept)
            _write(path, script)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}; the hooks could not be written") from error
    return state(root, names)


def remove(root: Path, names: Sequence[str] = HOOKS) -> list[HookState]:
    """Remove hooks of ours, and give those that were there before their names back; raises as `install`."""
    folder = _folder(root)
    try:
        for name in names:
            path, kept = folder / name, folder / (name + KEPT)
            if _is_ours(path):
                path.unlink()
                if os.path.lexists(kept):
                    kept.rename(path)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}; the hooks could not be removed") from error
    return state(root, names)


def state(root: Path, names: Sequence[str] = HOOKS) -> list[HookState]:
    """Return what each hook is; raises SourceError and ConfigError as `install`."""
    folder = _folder(root)
    return [
        HookState(
            name=name,
            installed=(ours := _is_ours(folder / name)),
            keeps=ours and os.path.lexists(folder / (name + KEPT)),
            other=not ours and os.path.lexists(folder / name),
        )
        for name in names
    ]


def _folder(root: Path) -> Path:
    top = repository_of(root.resolve())
    if top is None:
        raise SourceError(f"{root}: is in no git repository, so there are no hooks")
    files = git_files(top)
    with suppress(OSError):
        text = os.fsdecode(read_regular(str(Path(files.common) / "config"), _LIMIT))
        if found := _HOOKS_PATH.search(text):
            raise ConfigError(
                f"{top}: core.hooksPath is {found[1]}, where another program keeps hooks; let it run `indexer hook run`"
            )
    return Path(files.common) / "hooks"


def _is_ours(path: Path) -> bool:
    try:
        return _MARK in os.fsdecode(read_regular(str(path), _LIMIT))
    except OSError:
        return False


def _write(path: Path, script: str) -> None:
    """Replace a hook at once by a file that can be run."""
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with FileIO(descriptor, "w") as file:
            file.write(os.fsencode(script))
        Path(name).chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
