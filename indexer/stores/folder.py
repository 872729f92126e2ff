"""The one way into an index folder: by descriptor, from one real folder to the next, and never through a link.

An index may come with a repository, from a cache or from a colleague, so a link, FIFO, socket or device in it is
refused, never followed or waited for. SQLite, Tantivy, usearch, hard links and renames need paths: they get those of
folders and files that were looked at here before. In between, only who may write the folder can put something else
there. Writers use no folder but the user's own (indexer.stores.ownership), so what is left to race is the user, or whom
the user lets write there.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection
from contextlib import suppress
from io import FileIO
from pathlib import Path

from indexer.closing import Closing
from indexer.regular import open_regular

_FOLDER = os.O_RDONLY
for _name in ("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"):
    _FOLDER |= getattr(os, _name, 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

_BY_DESCRIPTOR = {os.open, os.stat, os.unlink, os.mkdir, os.rename} <= os.supports_dir_fd
"""Windows has no descriptors of folders: there each step is looked at just before it is taken."""

_KINDS = {
    stat.S_IFLNK: "is a symbolic link, and links are not followed",
    stat.S_IFIFO: "is a FIFO",
    stat.S_IFSOCK: "is a socket",
    stat.S_IFCHR: "is a character device",
    stat.S_IFBLK: "is a block device",
}


def draft_name(name: str) -> str:
    """Return a new name for a file until it is whole: its own, and a number of up to ten digits.

    A process's number would not do: containers that share a folder have the same ones, and one may have been killed.
    """
    return f"{name}.{int.from_bytes(os.urandom(4), 'big')}"


class SpecialFileError(OSError):
    """A link, FIFO, socket or device is where an index has a file or a folder."""


class Folder(Closing):
    """A real folder, open until `close`; a context manager.

    A name is that of one entry. Every method raises OSError, with the whole path in it, and SpecialFileError for what
    is neither a file nor a folder.
    """

    def __init__(self, path: Path, *, parent: Folder | None = None) -> None:
        """Open `path`, which may lie behind links but be none, by way of the open folder that holds it, if given."""
        self.path = path
        self._descriptor: int | None = None
        where, at = (str(path), None) if parent is None else parent._at(path.name)
        try:
            if _BY_DESCRIPTOR:
                self._descriptor = os.open(where, _FOLDER, dir_fd=at)
            elif not stat.S_ISDIR(os.lstat(where).st_mode):
                raise NotADirectoryError(errno.ENOTDIR, "is not a folder", where)
        except OSError as error:
            raise _explained(error, path, where, at) from None

    def folder(self, name: str) -> Folder:
        """Open a folder in this one."""
        return Folder(self.path / name, parent=self)

    def open(self, name: str) -> FileIO:
        """Open a regular file to read; never waits."""
        where, at = self._at(name)
        try:
            descriptor, _ = open_regular(where, dir_fd=at)
        except OSError as error:
            raise _explained(error, self.path / name, where, at) from None
        return FileIO(descriptor)

    def read(self, name: str, limit: int) -> bytes:
        """Return a regular file's content; EFBIG when it has more than `limit` bytes."""
        with self.open(name) as file:
            return read_all(file, limit, self.path / name)

    def status(self, name: str) -> os.stat_result | None:
        """Return what the system says of an entry itself; None when there is none."""
        where, at = self._at(name)
        with suppress(FileNotFoundError):
            return os.stat(where, dir_fd=at, follow_symlinks=False)
        return None

    def require_regular(self, name: str) -> None:
        """Raise SpecialFileError for an entry that is there and is no regular file."""
        status = self.status(name)
        if status is not None and not stat.S_ISREG(status.st_mode):
            raise SpecialFileError(errno.EINVAL, special_kind(status), str(self.path / name))

    def entries(self) -> list[os.DirEntry[str]]:
        """Return the entries, in no order; what they say of themselves is asked while the folder is open."""
        with os.scandir(self.path if self._descriptor is None else self._descriptor) as entries:
            return list(entries)

    def is_writable(self) -> bool:
        """Whether the system lets this user make and remove entries, as far as it can be told without trying."""
        where, at = self._at(".")
        return os.access(where, os.W_OK | os.X_OK, dir_fd=at, effective_ids=os.access in os.supports_effective_ids)

    def replace(self, name: str, content: bytes, *, mode: int = 0o666) -> None:
        """Put a new file in the place of whatever has the name, which is not opened and, if a link, not followed.

        The umask takes from its `mode`.
        """
        draft, at = self._at(draft_name(name))
        try:
            with os.fdopen(os.open(draft, _NEW, mode, dir_fd=at), "wb") as file:
                file.write(content)
            os.replace(draft, self._at(name)[0], src_dir_fd=at, dst_dir_fd=at)
        except BaseException as error:
            with suppress(OSError):
                os.unlink(draft, dir_fd=at)
            if isinstance(error, OSError):
                raise OSError(error.errno, error.strerror, str(self.path / name)) from None
            raise

    def make(self, name: str) -> None:
        """Make a folder unless a real one is there."""
        where, at = self._at(name)
        try:
            os.mkdir(where, dir_fd=at)
        except FileExistsError:
            self.folder(name).close()

    def unlink(self, name: str) -> None:
        """Remove an entry that is no folder, if it is there; a link goes, not what it points to."""
        where, at = self._at(name)
        with suppress(FileNotFoundError):
            os.unlink(where, dir_fd=at)

    def remove_tree(self, name: str) -> None:
        """Remove a folder, if it is there, and all in it; links in it go, not what they point to.

        A thread of Tantivy makes a lock file some time after an index was opened, and its folder is not empty then.
        """
        import shutil

        if self.status(name) is None:
            return
        self.folder(name).close()
        where, at = self._at(name)
        try:
            shutil.rmtree(where, dir_fd=at)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            shutil.rmtree(where, dir_fd=at)

    def is_owned(self) -> bool:
        """Whether the folder belongs to the user whose rights this process has."""
        if self._descriptor is None:
            return owner_is_trusted(self.path)
        return os.fstat(self._descriptor).st_uid == os.geteuid()

    def close(self) -> None:
        """Close the folder, which is then closed even where the system reports an error."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            try:
                os.close(descriptor)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(self.path)) from None

    def _at(self, name: str) -> tuple[str, int | None]:
        """Return how the system is told of an entry: by its name and the folder's descriptor, or by a path."""
        return (str(self.path / name), None) if self._descriptor is None else (name, self._descriptor)


def read_all(file: FileIO, limit: int, path: Path) -> bytes:
    """Return what is left to read of a file; raises OSError, EFBIG when that is more than `limit` bytes."""
    content = bytearray()
    while piece := file.read(limit + 1 - len(content)):
        content += piece
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"has more than {limit:,} bytes", str(path))
    return bytes(content)


def owner_is_trusted(path: Path, *, also: Collection[int] = ()) -> bool:
    """Whether a file or folder, itself and not what a link points to, is this user's, or of a user id in `also`.

    False where there is nothing. Windows tells no owners, and there everything is.
    """
    if not hasattr(os, "geteuid"):
        return True
    try:
        owner = path.lstat().st_uid
    except OSError:
        return False
    return owner == os.geteuid() or owner in also


def _explained(error: OSError, path: Path, where: str, at: int | None) -> OSError:
    """Return the error with the whole path, or a SpecialFileError when that is what it was about."""
    with suppress(OSError):
        status = os.stat(where, dir_fd=at, follow_symlinks=False)
        if stat.S_IFMT(status.st_mode) in _KINDS:
            return SpecialFileError(errno.EINVAL, special_kind(status), str(path))
    return OSError(error.errno, error.strerror, str(path))  # the subclass follows from the number


def special_kind(status: os.stat_result) -> str:
    """Return a sentence's end that says what kind of file it is."""
    return _KINDS.get(stat.S_IFMT(status.st_mode), "is a folder" if stat.S_ISDIR(status.st_mode) else "is a file")
