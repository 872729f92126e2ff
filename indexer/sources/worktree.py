"""The work tree: every file below a folder that no ignore rule leaves out, and for each one skipped the reason.

The rules are ripgrep's, through the `ignore` package: nested .gitignore (outside a git checkout too), .ignore and
.indexerignore, .git/info/exclude, git's global excludes; hidden files are left out. Where rules clash, .indexerignore
beats .ignore beats .gitignore beats .git/info/exclude beats the global excludes; within one kind the nearest folder
wins. Ignore files above the root count only where the root lies inside a git work tree. Two limits come with the
engine: anchored patterns of the global excludes are relative to the process's working directory, and an ignore file
that is itself a FIFO blocks, as it does in git.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.errors import ConfigError, SourceError
from indexer.types import SkippedFile, SkipReason, SourceFile

if TYPE_CHECKING:
    from ignore import Walk
    from ignore.overrides import Override

    from indexer.config import WalkOptions

IGNORE_FILES = (".gitignore", ".ignore", ".indexerignore")
"""Names of ignore files, the strongest last."""

GIT = ".git"
INDEX_FOLDER = ".indexer"

_KINDS = {
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}
_OPEN_FLAGS = os.O_RDONLY
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    _OPEN_FLAGS |= getattr(os, _flag, 0)


class Worktree:
    """Files of a folder on disk; a `types.Source`.

    `index_dir` (default ROOT/.indexer) is never walked. Raises SourceError when the root is missing, not a folder, or
    can't be read, and ConfigError when `options.exclude` holds a malformed pattern.
    """

    def __init__(self, root: Path | str, options: WalkOptions, *, index_dir: Path | str | None = None) -> None:
        self.root = usable_root(root)
        self._options = options
        self._index_dir = str(Path(index_dir).resolve() if index_dir else self.root / INDEX_FOLDER)
        self._prefix = os.path.join(self.root, "")  # noqa: PTH118 - a string that ends in a separator
        self._overrides = _overrides(self.root, options.exclude)

    def files(self) -> Iterator[SourceFile | SkippedFile]:
        """Yield every file once, sorted by path; what vanishes meanwhile is left out."""
        yield from sorted(self._walk(), key=attrgetter("path"))

    def read(self, path: str) -> bytes:
        """Return a file's content.

        Raises OSError: among others EFBIG when the file has outgrown the limit, and EINVAL when it is no regular file
        any more, so that a FIFO never blocks.
        """
        limit = self._options.max_file_bytes
        with os.fdopen(os.open(self._prefix + path, _OPEN_FLAGS), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "is not a regular file", path)
            content = file.read(limit + 1)
        if len(content) > limit:
            raise OSError(errno.EFBIG, f"has outgrown the limit of {limit:,} bytes", path)
        return content

    def _walk(self) -> Iterator[SourceFile | SkippedFile]:
        """Yield what the walker finds, in its order: a folder before what it holds."""
        start, left_out = len(self._prefix), "\0"
        for absolute, failure in self._entries():
            if absolute.startswith(left_out):
                continue
            path = _posix(absolute[start:])
            if failure:
                yield SkippedFile(path, SkipReason.UNREADABLE, failure)
                continue
            try:
                status = os.lstat(absolute)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                yield SkippedFile(path, SkipReason.UNREADABLE, error.strerror or str(error))
                continue
            if not stat.S_ISDIR(status.st_mode):
                yield self._found(path, status)
            elif absolute == self._index_dir:
                left_out = absolute + os.sep
            elif path and not self._options.nested_repositories and os.path.lexists(absolute + os.sep + GIT):
                left_out = absolute + os.sep
                yield SkippedFile(path, SkipReason.NESTED_REPOSITORY, "holds .git", 0, status.st_mtime_ns)

    def _entries(self) -> Iterator[tuple[str, str]]:
        """Yield each path that the rules let through, and why the walker couldn't open a folder that it had named."""
        walk, last = self._walker(), self.root
        while True:
            try:
                entry = next(walk, None)
            except BaseException as error:
                if not _is_walk_error(error):
                    raise
                folder = last if last.is_dir() and not last.is_symlink() else last.parent
                if os.path.lexists(folder):
                    yield str(folder), str(error).rpartition(": ")[2]
                continue
            if entry is None:
                return
            last = entry.path()
            yield str(last), ""

    def _found(self, path: str, status: os.stat_result) -> SourceFile | SkippedFile:
        mode, size, mtime_ns = status.st_mode, status.st_size, status.st_mtime_ns
        if stat.S_ISREG(mode):
            limit = self._options.max_file_bytes
            if size > limit:
                return SkippedFile(path, SkipReason.TOO_LARGE, f"{size:,} bytes, limit {limit:,}", size, mtime_ns)
            return SourceFile(path, size, mtime_ns)
        if stat.S_ISLNK(mode):
            return SkippedFile(path, SkipReason.SYMLINK, _target(self._prefix + path), size, mtime_ns)
        return SkippedFile(path, SkipReason.NOT_REGULAR, _KINDS.get(stat.S_IFMT(mode), ""), 0, mtime_ns)

    def _walker(self) -> Walk:
        from ignore import WalkBuilder

        own_git = os.path.lexists(self._prefix + GIT)
        inside_git = own_git or repository_above(self.root) is not None
        builder = WalkBuilder(self.root).hidden(not self._options.hidden)
        builder = builder.require_git(inside_git).parents(inside_git and not own_git)
        return builder.add_custom_ignore_filename(IGNORE_FILES[-1]).overrides(self._overrides).build()


def repository_above(root: Path) -> Path | None:
    """Return the nearest folder above `root` that holds .git."""
    return next((folder for folder in root.parents if os.path.lexists(folder / GIT)), None)


def usable_root(root: Path | str) -> Path:
    """Return the real path of a folder that can be listed and named to the walker; raise SourceError otherwise."""
    try:
        absolute = Path(root).resolve()
        with os.scandir(absolute):
            pass
        str(absolute).encode()
    except FileNotFoundError:
        raise SourceError(f"{root}: there is no such folder; check the path") from None
    except NotADirectoryError:
        raise SourceError(f"{root}: is a file; name the folder that holds it") from None
    except UnicodeEncodeError:
        raise SourceError(f"{os.fsencode(root)!r}: the path is not valid UTF-8; rename the folder") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise SourceError(f"{root}: can't be read ({error}); check the path and its permissions") from None
    return absolute


def _overrides(root: Path, exclude: tuple[str, ...]) -> Override:
    """Compile the configured patterns; .git itself is left out even where hidden files are not."""
    from ignore import Error
    from ignore.overrides import OverrideBuilder

    builder = OverrideBuilder(root)
    for pattern in (GIT, *exclude):
        if not pattern.strip() or pattern.startswith("!"):
            raise ConfigError(
                f"walk.exclude: {pattern!r} leaves nothing out; write patterns as in .gitignore, without !"
            )
        try:
            builder.add("!" + pattern)
        except Error as error:
            raise ConfigError(f"walk.exclude: {pattern!r} is malformed: {error}; write it as in .gitignore") from None
    return builder.build()


def _is_walk_error(error: BaseException) -> bool:
    """Tell a folder that can't be opened from any other failure.

    The engine's binding panics where a folder with an undecodable name vanishes before it is opened.
    """
    from ignore import Error, IOError

    return isinstance(error, (Error, IOError)) or type(error).__name__ == "PanicException"


def _target(link: str) -> str:
    try:
        return f"to {Path(link).readlink()}"
    except OSError:
        return ""


def _posix(path: str) -> str:
    return path if os.sep == "/" else path.replace(os.sep, "/")
