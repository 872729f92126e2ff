"""The source that a command looks at, and the user's own git settings that bear on it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.config import Config
from indexer.errors import DamagedIndexError, NoIndexError, SourceError
from indexer.git.repository import git_files, is_bare, repository_of
from indexer.regular import read_regular
from indexer.sources.worktree import KIND as WORKTREE
from indexer.sources.worktree import Worktree
from indexer.stores.generation.layout import MANIFEST, generation_dir
from indexer.stores.generation.reader import open_generation
from indexer.types import FileRecord, SkipReason, Source

if TYPE_CHECKING:
    from indexer.sources.git_tree import GitTree

_SETTINGS_LIMIT = 1 << 20
"""Bytes of one of git's settings files."""

_EXCLUDES_FILE = re.compile(r'^\s*excludesfile\s*=\s*"?(.+?)"?\s*$', re.IGNORECASE | re.MULTILINE)


def open_source(root: Path, config: Config, *, index_dir: Path | None = None, kind: str = WORKTREE) -> Source:
    """Return the files of a folder as `kind` says: "worktree", "staged" or "rev:" and a revision.

    Raises SourceError and ConfigError as Worktree and GitTree do, and SourceError for another kind, or without git.
    """
    if kind == WORKTREE:
        return open_worktree(root, config, index_dir=index_dir)
    return open_git_tree(root, config, index_dir=index_dir, kind=kind)


def open_git_tree(root: Path, config: Config, *, kind: str, index_dir: Path | None = None) -> GitTree:
    """Return what git holds of a folder, staged or of a revision; raises as `open_source`."""
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
    """Return the files of a folder on disk, with git's global excludes.

    Raises SourceError and ConfigError as Worktree does, and SourceError for a bare repository, whose files are git's.
    """
    tree = Worktree(root, config.walk, index_dir=index_dir, global_excludes=global_excludes_file())
    if is_bare(root):
        from indexer.sources.git_tree import NAME_REVISION

        raise SourceError(f"{root}: is a bare repository, and no files to index are checked out in it; {NAME_REVISION}")
    return tree


def require_whole(source: Source, records: Iterable[FileRecord]) -> None:
    """Raise SourceError where git can't give the content of a file, by the last listing of `source` or by `records`.

    A revision is a whole: an index of less of it would be of another. Of what is staged the content may be elsewhere,
    as in a sparse checkout, but not damaged. In a work tree a file that can't be read is skipped.
    """
    kind = source.description.kind
    if kind == WORKTREE:
        return  # before anything is imported
    from indexer.git.objects import MISSING
    from indexer.sources.git_tree import STAGED
    from indexer.sources.member import KIND as MEMBER

    kind = kind.removeprefix(MEMBER)
    if kind == WORKTREE:
        return
    if missing := source.left_out.missing:
        raise SourceError(
            f"{missing[0]}: git does not hold its content here, one of {len(missing):,} such files of {kind}, so the "
            "index stays as it was; in a partial clone run `git fetch --refetch --no-filter`, or clone without "
            "--filter, else `git fsck` tells more"
        )
    for record in records:
        if record.skip is SkipReason.UNREADABLE and (kind != STAGED or record.detail != MISSING):
            raise SourceError(
                f"{record.path}: git can't give its content, which {kind} names ({record.detail}), so the index stays "
                "as it was"
            )


def recorded_kind(index_dir: Path, root: Path, *, full: bool = False) -> str:
    """Return the kind of source that an index is of; `root`'s own where there is none, or none to be read.

    That is the work tree, or of a bare repository the revision that its HEAD names. Raises DamagedIndexError for a kind
    that no source of ours has; a full build, which needs nothing of the index as it is, takes the root's own then.
    """
    try:
        with open_generation(index_dir, check_files=False) as generation:
            kind, number = generation.manifest.source.kind, generation.number
    except (NoIndexError, DamagedIndexError):
        return default_kind(root)
    if kind == WORKTREE:
        return kind
    from indexer.sources.git_tree import REVISION, STAGED
    from indexer.sources.member import KIND as MEMBER

    if kind == STAGED or kind.startswith((REVISION, MEMBER)):
        return kind
    if full:
        return default_kind(root)
    manifest = generation_dir(index_dir, number) / MANIFEST
    raise DamagedIndexError(f"{manifest}: names a source {kind!a}, and there is none such")


def default_kind(root: Path) -> str:
    """Return the kind of source that a folder is where nobody names one."""
    return "rev:HEAD" if is_bare(root) else WORKTREE


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
