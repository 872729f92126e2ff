"""Whose an index folder is: this user's own, or refused for writing.

A folder of another user is refused even where git would trust it (safe.directory, SUDO_UID): what root writes there its
owner could neither replace nor collect. To read an index nobody's leave is asked.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from indexer.errors import StorageError
from indexer.git.index import tracks_below
from indexer.git.repository import git_files, is_repository
from indexer.stores.folder import Folder


def open_to_write(index_dir: Path) -> Folder:
    """Open an index folder that this user may change.

    Raises OSError as `Folder` does, and StorageError for a folder of another user's, for an index that git tracks, and
    for one where the system lets nothing be written.
    """
    folder = Folder(index_dir)
    try:
        if not folder.is_owned():
            raise StorageError(
                f"{index_dir}: belongs to another user, so it can be searched and not written; "
                "run this as its owner, or build an index of your own in another folder with --index-dir"
            )
        if is_tracked(index_dir):
            raise StorageError(
                f"{index_dir}: git tracks files in it, so it came with the repository and is not written; "
                f"run `git rm -r --cached {index_dir.name}` to make it yours, or give another --index-dir"
            )
        if not folder.is_writable():
            raise StorageError(
                f"{index_dir}: can't be written; check the permissions and how its disk is mounted, "
                "or build an index of your own in another folder with --index-dir"
            )
    except BaseException:
        folder.close()
        raise
    return folder


def is_tracked(folder: Path) -> bool:
    """Whether git tracks a file below this folder, by the index of any repository that the folder lies in.

    An index that can't be read, or not in full (core.splitIndex), says nothing.
    """
    absolute = folder.parent.resolve() / folder.name
    for top in filter(is_repository, absolute.parents):
        with suppress(OSError, ValueError):
            if tracks_below(git_files(top).index, absolute.relative_to(top).as_posix()):
                return True
    return False
