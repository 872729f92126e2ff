"""The work tree: every file below a folder that no ignore rule leaves out, and for each one skipped the reason.

The rules are those of `walker`: nested .gitignore (outside a git checkout too), .ignore, .indexerignore,
.git/info/exclude, git's global excludes, hidden files. To these come here nested repositories, the index itself, links
and special files, the size limit, and what .gitattributes says.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.errors import SourceError
from indexer.regular import read_regular, stat_of
from indexer.sources.attributes import ATTRIBUTES_FILE, Attributes, Verdict
from indexer.sources.walker import GIT, compile_exclude, repository_of, walk
from indexer.types import SkippedFile, SkipReason, SourceFile

if TYPE_CHECKING:
    from indexer.config import WalkOptions

INDEX_FOLDER = ".indexer"

_ATTRIBUTES_LIMIT = 100 << 20
"""Bytes; git's own limit."""

_KINDS = {
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}


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
        self._exclude = compile_exclude(self.root, options.exclude)

    def files(self) -> Iterator[SourceFile | SkippedFile]:
        """Yield every file once, sorted by path; what vanishes meanwhile is left out."""
        yield from sorted(self._walk(), key=attrgetter("path"))

    def read(self, path: str) -> bytes:
        """Return a file's content; raise OSError as `read_regular` does, with the size limit of the options."""
        return read_regular(self._prefix + path, self._options.max_file_bytes)

    def examine(self, path: str) -> SourceFile | SkippedFile:
        """Return what the walk makes of one file that the ignore rules let through; raise OSError if it is gone."""
        above, attributes = self._attributes_above()
        steps = path.split("/")[:-1]
        for folder in ["/".join(steps[:count]) for count in range(len(steps) + 1)]:
            _add_attributes(attributes, (above + folder).rstrip("/"), self._prefix + folder)
        return self._judge(self._found(path, os.lstat(self._prefix + path)), attributes.verdict(above + path))

    def is_index(self, folder: Path) -> bool:
        """Whether a folder is the index."""
        return str(folder) == self._index_dir

    def is_nested_repository(self, folder: Path) -> bool:
        """Whether a folder below the root is another repository that the options don't follow."""
        return not self._options.nested_repositories and os.path.lexists(folder / GIT)

    def _walk(self) -> Iterator[SourceFile | SkippedFile]:
        """Yield what the walker finds, in its order: a folder before what it holds."""
        start, left_out = len(self._prefix), "\0"
        above, attributes = self._attributes_above()
        for absolute, failure in walk(self.root, self._exclude, hidden=self._options.hidden):
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
                yield self._judge(self._found(path, status), attributes.verdict(above + path))
            elif absolute == self._index_dir:
                left_out = absolute + os.sep
            elif path and not self._options.nested_repositories and os.path.lexists(absolute + os.sep + GIT):
                left_out = absolute + os.sep
                yield SkippedFile(path, SkipReason.NESTED_REPOSITORY, "holds .git", 0, stat_of(status)[1])
            else:
                _add_attributes(attributes, (above + path).rstrip("/"), absolute)

    def _found(self, path: str, status: os.stat_result) -> SourceFile | SkippedFile:
        mode = status.st_mode
        size, mtime_ns, ctime_ns, inode = stat_of(status)
        if stat.S_ISREG(mode):
            limit = self._options.max_file_bytes
            if size > limit:
                return SkippedFile(path, SkipReason.TOO_LARGE, f"{size:,} bytes, limit {limit:,}", size, mtime_ns)
            return SourceFile(path, size, mtime_ns, ctime_ns=ctime_ns, inode=inode)
        if stat.S_ISLNK(mode):
            return SkippedFile(path, SkipReason.SYMLINK, _target(self._prefix + path), size, mtime_ns)
        return SkippedFile(path, SkipReason.NOT_REGULAR, _KINDS.get(stat.S_IFMT(mode), ""), 0, mtime_ns)

    def _judge(self, file: SourceFile | SkippedFile, verdict: Verdict | None) -> SourceFile | SkippedFile:
        """Apply what .gitattributes says, unless the options include such files."""
        if verdict is None or isinstance(file, SkippedFile):
            return file
        if verdict.reason is None:
            return replace(file, kept_by=verdict.rule)
        if verdict.reason in included_reasons(self._options):
            return file
        return SkippedFile(file.path, verdict.reason, verdict.rule, file.size, file.mtime_ns)

    def _attributes_above(self) -> tuple[str, Attributes]:
        """Return the root's path below the top of its repository, ending in "/", and the attributes from there down."""
        attributes = Attributes()
        top = repository_of(self.root)
        if top is None or top == self.root:
            return "", attributes
        steps = self.root.relative_to(top)
        for folder in reversed(steps.parents):
            _add_attributes(attributes, "" if folder == Path() else folder.as_posix(), str(top / folder))
        return steps.as_posix() + "/", attributes


def included_reasons(options: WalkOptions) -> set[SkipReason]:
    """Return the reasons that the options switch off."""
    switches = {
        SkipReason.GENERATED: options.include_generated,
        SkipReason.VENDORED: options.include_vendored,
        SkipReason.MINIFIED: options.include_minified,
    }
    return {reason for reason, included in switches.items() if included}


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


def _add_attributes(attributes: Attributes, folder: str, absolute: str) -> None:
    """Add a folder's .gitattributes; one that can't be read says nothing, as in git."""
    with suppress(OSError):
        attributes.add(folder, read_regular(absolute + os.sep + ATTRIBUTES_FILE, _ATTRIBUTES_LIMIT))


def _target(link: str) -> str:
    try:
        return f"to {Path(link).readlink()}"
    except OSError:
        return ""


def _posix(path: str) -> str:
    return path if os.sep == "/" else path.replace(os.sep, "/")
