"""ripgrep's walker, through the `ignore` package: the only module that imports it.

Where rules clash, .indexerignore beats .ignore beats .gitignore beats .git/info/exclude beats git's global excludes;
within one kind the nearest folder wins. Ignore files above the root count only where the root lies inside a git work
tree. Three limits come with the engine: anchored patterns of the global excludes are relative to the process's working
directory; an ignore file is read up to its first line that is not UTF-8; and one that is itself a FIFO blocks, as it
does in git.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ignore import Error, IOError, WalkBuilder
from ignore.overrides import Override, OverrideBuilder

from indexer.errors import ConfigError

GIT = ".git"
OWN_IGNORE_FILE = ".indexerignore"


def compile_exclude(root: Path, exclude: tuple[str, ...]) -> Override:
    """Compile the configured patterns; .git itself is left out even where hidden files are not.

    Raises ConfigError for a pattern that is malformed or leaves nothing out.
    """
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


def walk(root: Path, exclude: Override, *, hidden: bool) -> Iterator[tuple[str, str]]:
    """Yield each path that the rules let through, the root first and a folder before what it holds, with "".

    A folder that can't be opened comes once more, with the system's reason.
    """
    top = repository_of(root)
    builder = WalkBuilder(root).hidden(not hidden).require_git(top is not None).parents(top is not None and top != root)
    entries = builder.add_custom_ignore_filename(OWN_IGNORE_FILE).overrides(exclude).build()
    last = root
    while True:
        try:
            entry = next(entries, None)
        except BaseException as error:
            if not _is_walk_error(error):
                raise
            # The walker names a folder before it opens it.
            folder = last if last.is_dir() and not last.is_symlink() else last.parent
            if os.path.lexists(folder):
                yield str(folder), str(error).rpartition(": ")[2]
            continue
        if entry is None:
            return
        last = entry.path()
        yield str(last), ""


def passes_global_excludes(path: Path, *, hidden: bool) -> bool:
    """Whether the walker, told of no rules but git's global excludes and the one on hidden files, names a path."""
    start = path.parent
    while _is_undecodable(start):  # the walker can find such names, but not start from one
        start = start.parent
    builder = WalkBuilder(start).hidden(not hidden).require_git(False).parents(False)
    builder = builder.ignore(False).git_ignore(False).git_exclude(False)
    depth = len(path.relative_to(start).parts)
    return any(entry.path() == path for entry in builder.max_depth(depth).build())


def repository_of(root: Path) -> Path | None:
    """Return the nearest folder at or above `root` that holds .git."""
    return next((folder for folder in (root, *root.parents) if (folder / GIT).exists()), None)


def _is_walk_error(error: BaseException) -> bool:
    """Tell a folder that can't be opened from any other failure.

    The engine's binding panics where a folder with an undecodable name vanishes before it is opened.
    """
    return isinstance(error, (Error, IOError)) or type(error).__name__ == "PanicException"


def _is_undecodable(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return True
    return False
