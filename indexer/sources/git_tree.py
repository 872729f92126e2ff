"""What git holds: the index, as the next commit would have it, or the tree of a revision; nothing is checked out.

The rules are the work tree's own, read out of the same tree: ignore files of this program, attributes, hidden files and
the size limit. As there, git's ignore rules leave no tracked file out, and here all files are tracked. Each content has
an id, so that what changed is known before anything is read.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from indexer.errors import SourceError
from indexer.git.index import Tracked
from indexer.git.objects import MISSING, ObjectReader, object_store
from indexer.git.repository import GIT, bare_files, git_files, is_bare, repository_of
from indexer.git.revision import tree_of
from indexer.git.tree import FILE, LINK, SUBMODULE, Folder, TreeEntry, folders_of, staged_entries, tree_entries
from indexer.sources.attributes import ATTRIBUTES_FILE, Attributes, judged
from indexer.sources.git_blobs import Blob, blob_of, sizes_of
from indexer.sources.git_reader import GitTreeReader
from indexer.sources.ignore_files import RULES_LIMIT, unread
from indexer.sources.left_out import account
from indexer.sources.rules import IGNORE_FILES, FolderRules, Ruling, compile_exclude, tree_rules
from indexer.sources.worktree import INDEX_FOLDER, describe, usable_root
from indexer.types import (
    FileRecord,
    IndexedSource,
    LeftOut,
    LeftOutEntry,
    LeftOutReason,
    SkippedFile,
    SkipReason,
    SourceFile,
    content_stat,
)

if TYPE_CHECKING:
    from indexer.config import WalkOptions

STAGED, REVISION = "staged", "rev:"
"""The kind of an index of what is staged, and how that of a revision begins."""

NAME_REVISION = "name a revision of it, as --source rev:HEAD does"
"""What to do about a bare repository."""

_IGNORE_NAMES = frozenset(IGNORE_FILES)

_SETTINGS_FILE, _PROJECT_FILE, _PROJECT_TABLE = ".indexer.toml", "pyproject.toml", b"[tool.indexer"
"""Where a repository has settings for this program; they are read from a work tree."""


class GitTree:
    """Files below a folder of a repository, or of a bare repository, as git holds them; a `types.Source`.

    `kind` is STAGED, or REVISION and then a revision. `git` is the program's path, `index_file` the index to read in
    place of the repository's own. Raises SourceError for a folder in no repository, and ConfigError as Worktree.
    """

    def __init__(
        self,
        root: Path | str,
        options: WalkOptions,
        *,
        kind: str,
        git: str,
        index_dir: Path | str | None = None,
        index_file: Path | None = None,
    ) -> None:
        self.root = usable_root(root)
        self.options = options
        self.left_out = LeftOut()
        self._is_bare = is_bare(self.root)
        top = self.root if self._is_bare else repository_of(self.root)
        if top is None:
            raise SourceError(
                f"{root}: is in no work tree of git, and no bare repository, so git holds nothing of it; "
                "index the files as they are"
            )
        if self._is_bare and kind == STAGED:
            raise SourceError(f"{root}: is a bare repository, in which nothing is staged; {NAME_REVISION}")
        self._top, self._kind = top, kind
        self._prefix = os.path.join(top, "")  # noqa: PTH118 - a string that ends in a separator
        self._lead = "".join(f"{step}/" for step in self.root.relative_to(top).parts)
        self._files = bare_files(top) if self._is_bare else git_files(top)
        self._index = str(index_file or self._files.index)
        self._store = object_store(self._files, git)
        self._index_dir = Path(index_dir).resolve() if index_dir else self.root / INDEX_FOLDER
        self._exclude = compile_exclude(options.exclude)
        self._ids: dict[str, bytes] = {}
        self._missing: list[str] = []

    def files(self, known: Mapping[str, FileRecord] | None = None) -> Iterator[SourceFile | SkippedFile]:
        """Yield every file once, sorted by path; git is asked for the sizes of contents that are not `known`.

        Files whose content git lacks are skipped, and those of a revision named in `left_out.missing`. Raises
        SourceError when git can't give the tree.
        """
        self._missing.clear()
        with closing(ObjectReader(self._store)) as objects:
            entries, warnings = self._entries(objects)
            rules, attributes = self._above(entries, objects)
            left_out: list[LeftOutEntry] = []
            found: list[SourceFile | SkippedFile] = []
            blobs: list[Blob] = []
            for item in self._walk(entries, rules, attributes, left_out):
                if isinstance(item, SkippedFile):
                    found.append(item)
                else:
                    blobs.append(item)
        found.extend(self._sized(blobs, known or {}))
        found.sort(key=attrgetter("path"))
        missing = tuple(sorted(set(self._missing)))
        if missing and self._kind == STAGED:
            # A sparse checkout of a partial clone is staged whole, and git has what was checked out.
            warnings.append(f"{missing[0]}: {MISSING}; {len(missing):,} such files are left out")
            missing = ()
        rules.scope.problems[:0] = warnings
        self.left_out = replace(account(found, left_out, rules.scope), missing=missing)
        yield from found

    def content_id(self, file: SourceFile) -> bytes:
        """Return the id of a file's blob."""
        return self._ids.get(file.path, b"")

    def reader(self) -> GitTreeReader:
        """Return what reads the files of the last listing, or of the one to come."""
        return GitTreeReader(self._store, self._ids, self.options.max_file_bytes)

    def reader_of(self, ids: Mapping[str, bytes]) -> GitTreeReader:
        """Return what reads these contents, named by the ids of their blobs, whatever a listing says."""
        return GitTreeReader(self._store, ids, self.options.max_file_bytes)

    @property
    def description(self) -> IndexedSource:
        """The kind, and the root as seen from the index."""
        return describe(self._kind, self.root, self._index_dir)

    def _entries(self, objects: ObjectReader) -> tuple[list[TreeEntry], list[str]]:
        if self._kind == STAGED:
            return staged_entries(self._index, objects)
        tree = tree_of(self._files, self._kind.removeprefix(REVISION))
        entries = list(tree_entries(objects, tree, shown=self._kind))
        unread = [entry.path for entry in entries if self._is_bare and _has_settings(entry, objects)]
        return entries, [f"settings in {path} of {self._kind} are not read; give them with --config" for path in unread]

    def _above(self, entries: list[TreeEntry], objects: ObjectReader) -> tuple[FolderRules, Attributes]:
        """Return the rules and attributes of everything above the root; `entries` are the whole repository's."""
        by_path = {entry.path: entry for entry in entries}

        def read(path: str) -> bytes:
            entry = by_path.get(path[len(self._prefix) :])
            if entry is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            if entry.mode >> 12 != FILE:
                raise OSError(errno.ELOOP if entry.mode == LINK else errno.EINVAL, "is no regular file", path)
            try:
                return objects.read(entry.object_id.hex(), RULES_LIMIT).content
            except OSError as error:
                if error.errno != errno.EFBIG:
                    self._missing.append(entry.path)
                raise

        inside = [entry for entry in entries if entry.path.startswith(self._lead)]
        paths = sorted(entry.path[len(self._lead) :] for entry in inside)
        links = frozenset(entry.path[len(self._lead) :] for entry in inside if entry.mode == SUBMODULE)
        rules = tree_rules(self.root, self._top, self.options, self._exclude, Tracked(tuple(paths), links), read)
        attributes = Attributes()
        for folder in reversed(self.root.relative_to(self._top).parents):
            self._add_attributes(attributes, "" if folder == Path() else folder.as_posix(), rules)
        return rules, attributes

    def _walk(
        self, entries: list[TreeEntry], above: FolderRules, attributes: Attributes, left_out: list[LeftOutEntry]
    ) -> Iterator[SkippedFile | Blob]:
        """Yield what is taken or skipped, in no order, and note what is left out."""
        cut = len(self._lead)
        tree = folders_of(e._replace(path=e.path[cut:]) for e in entries if e.path.startswith(self._lead))
        folders: list[tuple[str, Folder, FolderRules, Ruling]] = [("", tree, above, Ruling())]
        while folders:
            folder, items, outside, ruling = folders.pop()
            rules = outside.enter(folder, ruling, present=_IGNORE_NAMES & items.keys())
            if ATTRIBUTES_FILE in items:
                self._add_attributes(attributes, (self._lead + folder).rstrip("/"), rules)
            start = folder + "/" if folder else ""
            for name, item in items.items():
                path = start + name
                inner = item if isinstance(item, dict) else None
                if name == GIT:
                    continue
                if inner is not None and not self._is_bare and self.root / path == self._index_dir:
                    left_out.append(LeftOutEntry(path, LeftOutReason.INDEX, is_folder=True))
                    continue
                is_dir = inner is not None or (isinstance(item, TreeEntry) and item.mode == SUBMODULE)
                ruling = rules.judge(path, name, is_dir=is_dir)
                if ruling.reason is not None:
                    left_out.append(LeftOutEntry(path, ruling.reason, str(ruling.rule or ""), is_dir))
                elif inner is not None:
                    folders.append((path, inner, rules, ruling))
                elif isinstance(item, TreeEntry):
                    yield blob_of(path, item, attributes.verdict(self._lead + path))

    def _add_attributes(self, attributes: Attributes, folder: str, rules: FolderRules) -> None:
        """Add the .gitattributes of a folder, from the top; one that can't be read says nothing, with a warning."""
        name = f"{folder}/{ATTRIBUTES_FILE}" if folder else ATTRIBUTES_FILE
        try:
            attributes.add(folder, rules.scope.open(self._prefix + name))
        except FileNotFoundError:
            pass
        except OSError as error:
            rules.scope.problems.append(unread(name, error))

    def _sized(self, blobs: list[Blob], known: Mapping[str, FileRecord]) -> Iterator[SourceFile | SkippedFile]:
        """Yield taken files with their sizes, and what attributes and the size limit make of them."""
        try:
            sizes = sizes_of(blobs, known, self._store)
        except OSError as error:
            raise SourceError(f"{self._top}: git can't say how large its files are ({error.strerror})") from error
        self._ids.clear()
        limit = self.options.max_file_bytes
        for path, name, verdict in blobs:
            size = sizes[name]
            if size is None:
                self._missing.append(path)
                yield SkippedFile(path, SkipReason.UNREADABLE, MISSING)
                continue
            _, mtime_ns, _, inode = content_stat(size, name)
            if size > limit:
                yield SkippedFile(path, SkipReason.TOO_LARGE, f"{size:,} bytes, limit {limit:,}", size, mtime_ns)
                continue
            self._ids[path] = name
            yield judged(SourceFile(path, size, mtime_ns, inode=inode), verdict, self.options.included_reasons)


def _has_settings(entry: TreeEntry, objects: ObjectReader) -> bool:
    if entry.path == _PROJECT_FILE:
        with suppress(OSError):
            return _PROJECT_TABLE in objects.read(entry.object_id.hex(), RULES_LIMIT).content
    return entry.path == _SETTINGS_FILE
