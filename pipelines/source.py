"""The source that a command looks at, and the user's own git settings that bear on it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from indexer.config import Config
from indexer.regular import read_regular
from indexer.sources.worktree import Worktree

_SETTINGS_LIMIT = 1 << 20
"""Bytes of one of git's settings files."""

_EXCLUDES_FILE = re.compile(r'^\s*excludesfile\s*=\s*"?(.+?)"?\s*$', re.IGNORECASE | re.MULTILINE)


def open_source(root: Path, config: Config, *, index_dir: Path | None = None) -> Worktree:
    """Return the files of a folder, with git's global excludes; raises SourceError and ConfigError as Worktree does."""
    return Worktree(root, config.walk, index_dir=index_dir, global_excludes=global_excludes_file())


def global_excludes_file() -> Path | None:
    """Return the file that core.excludesFile names in the user's git settings, or git's default; None without a home.

    Read are `GIT_CONFIG_GLOBAL` or else git/config in XDG_CONFIG_HOME and ~/.gitconfig; settings that these include,
    and those of the system or of a repository, are not.
    """
    try:
        home = Path.home()
    except RuntimeError:
        return None
    own = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "git"
    chosen = own / "ignore"
    replaced = os.environ.get("GIT_CONFIG_GLOBAL")
    for settings in [Path(replaced)] if replaced else [own / "config", home / ".gitconfig"]:
        try:
            text = os.fsdecode(read_regular(os.path.realpath(settings), _SETTINGS_LIMIT))
        except OSError:
            continue
        for found in _EXCLUDES_FILE.findall(text):
            chosen = home / found.removeprefix("~/")
    return chosen
