"""The source that a command looks at, and the user's own git settings that bear on it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from indexer.config import Config
from indexer.errors import DamagedIndexError, NoIndexError, SourceError
from indexer.git.repository import git_files, repository_of
from indexer.regular import read_regular
from indexer.sources.worktree import KIND as WORKTREE
from indexer.sources.worktree import Worktree
from indexer.stores.generation.layout import MANIFEST, generation_dir
from indexer.stores.generation.reader import open_generation
from indexer.types import Source

_SETTINGS_LIMIT = 1 << 20
"""Bytes of one of git's settings files."""

_EXCLUDES_FILE = re.compile(r'^\s*excludesfile\s*=\s*"?(.+?)"?\s*$', re.IGNORECASE | re.MULTILINE)


def open_source(root: Path, config: Config, *, index_dir: Path | None = None, kind: str = WORKTREE) -> Source:
    """Return the files of a folder as `kind` says: "worktree", "staged" or "rev:" and a revision.

    Raises SourceError and ConfigError as Worktree and GitTree do, and SourceError for another kind, or without git.
    """
    if kind == WORKTREE:
        return open_worktree(root, config, index_dir=index_dir)
    import shutil

    from indexer.sources.git_tree import REVISION, STAGED, GitTree

    if kind != STAGED and not kind.startswith(REVISION):
        raise SourceError(f"source {kind!a}: there is {WORKTREE}, {STAGED} and {REVISION}REVISION")
    git = shutil.which("git")
    if git is None:
        raise SourceError(f"source {kind}: git is not on the PATH; install it, or index the work tree")
    index_file = _index_of_this_commit(root) if kind == STAGED else None
    return GitTree(root, config.walk, kind=kind, git=git, index_dir=index_dir, index_file=index_file)


def open_worktree(root: Path, config: Config, *, index_dir: Path | None = None) -> Worktree:
    """Return the files of a folder on disk, with git's global excludes; raises SourceError and ConfigError."""
    return Worktree(root, config.walk, index_dir=index_dir, global_excludes=global_excludes_file())


def recorded_kind(index_dir: Path, *, full: bool = False) -> str:
    """Return the kind of source that an index is of; that of a work tree where there is none, or none to be read.

    Raises DamagedIndexError for one that no source of ours has; a full build, which needs nothing of the index as it
    is, takes the work tree then.
    """
    try:
        with open_generation(index_dir, check_files=False) as generation:
            kind, number = generation.manifest.source.kind, generation.number
    except (NoIndexError, DamagedIndexError):
        return WORKTREE
    if kind == WORKTREE:
        return kind
    from indexer.sources.git_tree import REVISION, STAGED
    from indexer.sources.member import KIND as MEMBER

    if kind == STAGED or kind.startswith((REVISION, MEMBER)):
        return kind
    if full:
        return WORKTREE
    manifest = generation_dir(index_dir, number) / MANIFEST
    raise DamagedIndexError(f"{manifest}: names a source {kind!a}, and there is none such")


def _index_of_this_commit(root: Path) -> Path | None:
    """Return the index that git gives its hooks in place of its own, as `git commit FILE` does; None for any other.

    A file that is not in the repository's own folder belongs to another repository.
    """
    given = os.environ.get("GIT_INDEX_FILE")
    top = repository_of(root.resolve())
    if not given or top is None:
        return None
    path = Path(given).absolute()
    return path if path.parent.resolve() == Path(git_files(top).private).resolve() else None


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
