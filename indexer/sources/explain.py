"""Which rule takes, skips or leaves out one path: the walker's decision, taken apart.

The walker itself doesn't say which line decided, so its order of rules is followed here folder by folder, with patterns
of our own. Tests compare the two on generated trees.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from indexer.config import WalkOptions
from indexer.sources.ignore_files import deciding_match
from indexer.sources.patterns import compile_pattern
from indexer.sources.walker import GIT, passes_global_excludes, repository_of
from indexer.sources.worktree import Worktree
from indexer.types import SkippedFile, SkipReason, SourceFile

State = Literal["taken", "skipped", "left-out", "missing"]


@dataclass(frozen=True, slots=True)
class Rule:
    """The line that decides: its file (relative to the root where it lies below), its number and its pattern.

    A pattern of the options has no file and counts from 1 in `walk.exclude`.
    """

    file: str
    line: int
    pattern: str

    def __str__(self) -> str:
        """Return `file:line pattern`."""
        return f"{self.file or 'walk.exclude'}:{self.line} {self.pattern}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the walk does with a path, and why.

    "taken": it goes on to the parser, which may still find it binary or generated; "skipped": counted with `reason`;
    "left-out": no file of this source; "missing": there is no such file. `rule` is the line that decided, if a line
    did; for a taken file that is the one that let it through. `file` is what the walk makes of a file that it takes.
    """

    path: str
    state: State
    message: str
    reason: SkipReason | None = None
    rule: Rule | None = None
    file: SourceFile | None = None


def explain_path(
    root: Path | str, path: Path | str, options: WalkOptions, *, index_dir: Path | str | None = None
) -> Explanation:
    """Explain what a walk of `root` does with `path`, absolute or relative to the root.

    Raises SourceError and ConfigError as Worktree does.
    """
    tree = Worktree(root, options, index_dir=index_dir)
    absolute = Path(os.path.normpath(tree.root / path))
    if absolute == tree.root or tree.root not in absolute.parents:
        return Explanation(str(path), "left-out", f"it is not inside {tree.root}")
    relative = absolute.relative_to(tree.root).as_posix()
    step = tree.root
    let_through = None
    for name in absolute.relative_to(tree.root).parts:
        step /= name
        found = _step(tree, step, options)
        if found.state != "taken":
            if step == absolute:
                return found
            state: State = "missing" if found.state == "missing" else "left-out"
            return Explanation(relative, state, f"{found.path}: {found.message}", found.reason, found.rule)
        let_through = found.rule or let_through
        if step != absolute and not step.is_dir():
            return Explanation(relative, "missing", f"{found.path} is no folder")
    if step.is_dir():
        return Explanation(relative, "taken", "it is a folder, and its files are walked", rule=let_through)
    return _file(tree, relative, let_through)


def _file(tree: Worktree, path: str, let_through: Rule | None) -> Explanation:
    """Explain a file that the ignore rules let through."""
    try:
        found = tree.examine(path)
    except OSError as error:
        return Explanation(path, "missing", error.strerror or str(error))
    if isinstance(found, SkippedFile):
        return _skipped(path, found.reason, found.detail)
    message = f"let through by {let_through}" if let_through else "no rule speaks against it"
    if found.kept_by:
        message = f"kept by {found.kept_by}"
    return Explanation(path, "taken", message, rule=let_through, file=found)


def _step(tree: Worktree, step: Path, options: WalkOptions) -> Explanation:
    """Explain one folder or file on the way, whose parents are walked."""
    path = step.relative_to(tree.root).as_posix()
    try:
        mode = os.lstat(step).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return Explanation(path, "missing", "there is no such file")
    except OSError as error:
        return _skipped(path, SkipReason.UNREADABLE, error.strerror or str(error))
    is_dir = stat.S_ISDIR(mode)
    if step.name == GIT:
        return Explanation(path, "left-out", "it belongs to git")
    for number, text in enumerate(options.exclude, 1):
        pattern = compile_pattern(text, number, braces=True)
        if pattern and pattern.matches(path, is_dir=is_dir):
            return _left_out(path, Rule("", number, text))
    rule: Rule | None = None
    match = deciding_match(step, root=tree.root, top=repository_of(tree.root), is_dir=is_dir)
    if match:
        file, pattern = match
        own = file.path.relative_to(tree.root) if tree.root in file.path.parents else file.path
        rule = Rule(own.as_posix(), pattern.line, pattern.text)
        if not pattern.negated:
            return _left_out(path, rule)
    elif not passes_global_excludes(step, hidden=True):
        return Explanation(path, "left-out", "left out by git's global excludes (core.excludesFile)")
    elif step.name.startswith(".") and not options.hidden and not passes_global_excludes(step, hidden=False):
        return Explanation(path, "left-out", "hidden files are left out (walk.hidden)")
    if stat.S_ISLNK(mode):
        return _skipped(path, SkipReason.SYMLINK)
    if is_dir and tree.is_index(step):
        return Explanation(path, "left-out", "it is the index itself")
    if is_dir and tree.is_nested_repository(step):
        return _skipped(path, SkipReason.NESTED_REPOSITORY)
    return Explanation(path, "taken", "", rule=rule)


def _left_out(path: str, rule: Rule) -> Explanation:
    return Explanation(path, "left-out", f"left out by {rule}", rule=rule)


def _skipped(path: str, reason: SkipReason, detail: str = "") -> Explanation:
    message = f"{reason.explanation}: {detail}" if detail else reason.explanation
    return Explanation(path, "skipped", message, reason)
