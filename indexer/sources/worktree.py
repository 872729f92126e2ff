"""The work tree: every file below a folder that no rule leaves out, and for each one skipped the reason.

Which entries are taken is what `rules` says. To that come here nested repositories, the index itself, links and special
files, the size limit, and what .gitattributes says. Nothing but listed folders and regular files is ever opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from indexer.errors import SourceError
from indexer.git.repository import GIT, is_git_s_own, is_repository, repository_of
from indexer.regular import read_regular, read_with_stat, stat_of
from indexer.sources.attributes import ATTRIBUTES_FILE, Attributes, judged
from indexer.sources.clean_files import CleanFiles
from indexer.sources.ignore_files import RULES_LIMIT, unread
from indexer.sources.left_out import account
from indexer.sources.rules import IGNORE_FILES, FolderRules, Ruling, compile_exclude, root_rules
from indexer.types import (
    FileRecord,
    IndexedSource,
    LeftOut,
    LeftOutEntry,
    LeftOutReason,
    SkippedFile,
    SkipReason,
    SourceFile,
    Stat,
)

if TYPE_CHECKING:
    from indexer.config import WalkOptions

INDEX_FOLDER = ".indexer"

KIND = "worktree"

_IGNORE_NAMES = frozenset(IGNORE_FILES)

_KINDS = {
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}


class WorktreeReader(NamedTuple):
    """Reads regular files of up to `limit` bytes below a folder; `prefix` is its path with a separator at the end."""

    prefix: str
    limit: int

    def read(self, path: str) -> tuple[bytes, Stat]:
        """Return a file's content and stat; raise OSError as `read_with_stat` does."""
        return read_with_stat(self.prefix + path, self.limit)


class Worktree:
    """Files of a folder on disk; a `types.Source`.

    `index_dir` (default ROOT/.indexer) is never walked. `global_excludes` is the file that git's core.excludesFile
    names. Raises SourceError when the root is missing, not a folder, or can't be read, and ConfigError when
    `options.exclude` holds a malformed pattern. `left_out` describes the last walk that came to its end.
    """

    def __init__(
        self,
        root: Path | str,
        options: WalkOptions,
        *,
        index_dir: Path | str | None = None,
        global_excludes: Path | None = None,
    ) -> None:
        self.root = usable_root(root)
        self.options = options
        self.left_out = LeftOut()
        self._index_dir = str(Path(index_dir).resolve() if index_dir else self.root / INDEX_FOLDER)
        self._prefix = os.path.join(self.root, "")  # noqa: PTH118 - a string that ends in a separator
        self._included = options.included_reasons
        self._exclude = compile_exclude(options.exclude)
        self._global_excludes = global_excludes
        self._clean = CleanFiles()

    def files(self, known: Mapping[str, FileRecord] | None = None) -> Iterator[SourceFile | SkippedFile]:
        """Yield every file once, sorted by path; what vanishes meanwhile is left out. `known` says of which files the
        content's id will not be asked for.

        Raises SourceError when it is the root that vanished, or can't be listed any more.
        """
        rules = self._rules_above()
        entries: list[LeftOutEntry] = []
        found = sorted(self._walk(rules, entries), key=attrgetter("path"))
        self.left_out = account(found, entries, rules.scope)
        self._clean = CleanFiles(rules.scope.indexes, found, known)
        yield from found

    def content_id(self, file: SourceFile) -> bytes:
        """Return the id of the blob that git's index has for a file that is clean there, or b""."""
        return self._clean.blob_of(file)

    def reader(self) -> WorktreeReader:
        """Return what reads the files, with the size limit of the options."""
        return WorktreeReader(self._prefix, self.options.max_file_bytes)

    @property
    def description(self) -> IndexedSource:
        """The root as seen from the index."""
        return describe(KIND, self.root, Path(self._index_dir))

    def rules(self) -> FolderRules:
        """Return the rules for what the root holds."""
        return self._rules_above().enter("")

    def examine(self, path: str) -> SourceFile | SkippedFile:
        """Return what the walk makes of one file that the rules let through; raise OSError if it is gone."""
        above, attributes = self._attributes_above()
        steps = path.split("/")[:-1]
        for folder in ["/".join(steps[:count]) for count in range(len(steps) + 1)]:
            _add_attributes(attributes, (above + folder).rstrip("/"), self._prefix + folder)
        return judged(
            self._found(path, os.lstat(self._prefix + path)), attributes.verdict(above + path), self._included
        )

    def is_index(self, path: str) -> bool:
        """Whether a folder below the root is the index."""
        return self._prefix + path == self._index_dir

    def is_repository(self, path: str) -> bool:
        """Whether a folder is the top of a repository."""
        return is_repository(self.root / path)

    def _rules_above(self) -> FolderRules:
        return root_rules(self.root, self.options, self._exclude, self._global_excludes)

    def _walk(self, above: FolderRules, left_out: list[LeftOutEntry]) -> Iterator[SourceFile | SkippedFile]:
        """Yield what is taken or skipped, in no order, and note what is left out."""
        lead, attributes = self._attributes_above()
        folders: list[tuple[str, FolderRules, Ruling]] = [("", above, Ruling())]
        while folders:
            folder, outside, ruling = folders.pop()
            try:
                with os.scandir(self._prefix + folder) as listing:
                    entries = list(listing)
            except OSError as error:
                if not folder:
                    raise SourceError(f"{self.root}: can't be listed ({error.strerror}); check the path") from None
                if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
                    yield SkippedFile(folder, SkipReason.UNREADABLE, error.strerror or str(error))
                continue
            names = {entry.name for entry in entries}
            is_nested = GIT in names and folder != "" and self.is_repository(folder)
            if is_nested and not self.options.nested_repositories:
                yield SkippedFile(folder, SkipReason.NESTED_REPOSITORY, "holds .git")
                continue
            rules = outside.enter(folder, ruling, present=_IGNORE_NAMES & names, repository=is_nested)
            start = folder + "/" if folder else ""
            if ATTRIBUTES_FILE in names and (
                bad := _add_attributes(attributes, (lead + folder).rstrip("/"), self._prefix + folder)
            ):
                rules.scope.problems.append(unread(start + ATTRIBUTES_FILE, bad))
            for entry in entries:
                name = entry.name
                if name == GIT:
                    continue
                path, is_dir = start + name, _is_folder(entry)
                if is_dir and self.is_index(path):
                    left_out.append(LeftOutEntry(path, LeftOutReason.INDEX, is_folder=True))
                    continue
                ruling = rules.judge(path, name, is_dir=is_dir)
                if ruling.reason is not None:
                    left_out.append(LeftOutEntry(path, ruling.reason, str(ruling.rule or ""), is_dir))
                elif is_dir:
                    folders.append((path, rules, ruling))
                elif found := self._listed(path, entry):
                    yield judged(found, attributes.verdict(lead + path), self._included)

    def _listed(self, path: str, entry: os.DirEntry[str]) -> SourceFile | SkippedFile | None:
        """Return what an entry of a listing is; None when it has vanished."""
        try:
            return self._found(path, entry.stat(follow_symlinks=False))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            return SkippedFile(path, SkipReason.UNREADABLE, error.strerror or str(error))

    def _found(self, path: str, status: os.stat_result) -> SourceFile | SkippedFile:
        mode = status.st_mode
        size, mtime_ns, ctime_ns, inode = stat_of(status)
        if stat.S_ISREG(mode):
            limit = self.options.max_file_bytes
            if size > limit:
                return SkippedFile(path, SkipReason.TOO_LARGE, f"{size:,} bytes, limit {limit:,}", size, mtime_ns)
            return SourceFile(path, size, mtime_ns, ctime_ns=ctime_ns, inode=inode)
        if stat.S_ISLNK(mode):
            return SkippedFile(path, SkipReason.SYMLINK, _target(self._prefix + path), size, mtime_ns)
        return SkippedFile(path, SkipReason.NOT_REGULAR, _KINDS.get(stat.S_IFMT(mode), ""), 0, mtime_ns)

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


def describe(kind: str, root: Path, index_dir: Path) -> IndexedSource:
    """Return what an index records of its source; the root is relative where the index lies in it."""
    return IndexedSource(kind=kind, root=root_seen_from(index_dir, root))


def usable_root(root: Path | str) -> Path:
    """Return the real path of a folder that can be listed and named, and is not git's; raise SourceError otherwise."""
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
    if is_git_s_own(absolute):
        raise SourceError(f"{root}: is git's own folder of a repository; name the folder that holds {GIT}")
    return absolute


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # where the listing doesn't say, and the file can't be asked
        return False


def _add_attributes(attributes: Attributes, folder: str, absolute: str) -> OSError | None:
    """Add a folder's .gitattributes; return why one that is there can't be read, which then says nothing, as in git."""
    try:
        attributes.add(folder, read_regular(absolute + os.sep + ATTRIBUTES_FILE, RULES_LIMIT))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return error
    return None


def _target(link: str) -> str:
    try:
        return f"to {Path(link).readlink()}"
    except OSError:
        return ""


def root_seen_from(index_dir: Path, root: Path) -> str:
    """Return a root as an index of it records it, of two resolved paths: relative where the index lies in the root."""
    if not index_dir.is_relative_to(root):
        return str(root)
    return "/".join([".."] * len(index_dir.relative_to(root).parts)) or "."
