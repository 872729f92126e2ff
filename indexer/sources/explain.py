"""Which rule takes, skips or leaves out one path.

In a work tree the walk's own rules are asked, folder by folder on the way to it. What git holds is listed as a whole.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from indexer.git.repository import GIT
from indexer.sources.ignore_files import Rule
from indexer.sources.rules import FolderRules, Ruling
from indexer.sources.worktree import Worktree
from indexer.types import LeftOutReason, SkippedFile, SkipReason, Source, SourceFile

_LET_THROUGH, _FOLDER = "no rule speaks against it", "it is a folder, and its files are walked"

State = Literal["taken", "skipped", "left-out", "missing"]


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
    rule: Rule | str | None = None
    file: SourceFile | None = None


def explain_path(tree: Worktree, path: Path | str, *, rules: FolderRules | None = None) -> Explanation:
    """Explain what a walk of a tree does with `path`, absolute or relative to the root.

    `rules` are `tree.rules()`, for who explains many paths and reads them once.
    """
    absolute = Path(os.path.normpath(tree.root / path))
    if absolute == tree.root or tree.root not in absolute.parents:
        return _outside(tree.root, path)
    steps = absolute.relative_to(tree.root).parts
    rules = rules or tree.rules()
    let_through = Explanation("", "taken", _LET_THROUGH)
    for count in range(1, len(steps) + 1):
        step = "/".join(steps[:count])
        is_last = count == len(steps)
        try:
            mode = os.lstat(tree.root / step).st_mode
        except (FileNotFoundError, NotADirectoryError, ValueError):
            message = "there is no such file"
            return Explanation("/".join(steps), "missing", message if is_last else f"{step}: {message}")
        except OSError as error:
            return _skipped("/".join(steps), SkipReason.UNREADABLE, error.strerror or str(error))
        is_dir = stat.S_ISDIR(mode)
        ruling = rules.judge(step, steps[count - 1], is_dir=is_dir)
        found = _step(tree, step, ruling, mode)
        if found.state != "taken":
            if is_last:
                return found
            return Explanation("/".join(steps), "left-out", f"{step}: {found.message}", found.reason, found.rule)
        let_through = found if found.message else let_through
        if is_dir:
            rules = rules.enter(step, ruling, repository=tree.is_repository(step))
        elif not is_last:
            return Explanation("/".join(steps), "missing", f"{step} is no folder")
    if is_dir:
        try:
            os.scandir(absolute).close()
        except OSError as error:
            return _skipped(step, SkipReason.UNREADABLE, error.strerror or str(error))
        return Explanation(step, "taken", _FOLDER, rule=let_through.rule)
    return _file(tree, step, let_through)


def explain_listed(source: Source, root: Path, paths: Iterable[Path | str]) -> Iterator[Explanation]:
    """Explain, in order, what one listing of a source makes of paths, absolute or relative to its root, a real path."""
    found = {file.path: file for file in source.files()}
    folders = {path[:end] for path in found for end, char in enumerate(path) if char == "/"}
    left_out = {entry.path: entry for entry in source.left_out.entries}
    for path in paths:
        absolute = Path(os.path.normpath(root / path))
        if absolute == root or root not in absolute.parents:
            yield _outside(root, path)
            continue
        own = absolute.relative_to(root)
        name = own.as_posix()
        file = found.get(name)
        above = next((step for step in map(Path.as_posix, (own, *own.parents)) if step in left_out), None)
        if isinstance(file, SourceFile):
            yield Explanation(name, "taken", f"kept by {file.kept_by}" if file.kept_by else _LET_THROUGH, file=file)
        elif file is not None:
            yield _skipped(name, file.reason, file.detail)
        elif name in folders:
            yield Explanation(name, "taken", _FOLDER)
        elif above is not None:
            entry = left_out[above]
            message = f"left out by {entry.rule}" if entry.rule else entry.reason.explanation
            yield Explanation(name, "left-out", message if above == name else f"{above}: {message}", rule=entry.rule)
        else:
            yield Explanation(name, "missing", f"there is no such file in {source.description.kind}")


def _outside(root: Path, path: Path | str) -> Explanation:
    return Explanation(str(path), "left-out", f"it is not inside {root}")


def _file(tree: Worktree, path: str, let_through: Explanation) -> Explanation:
    """Explain a file that the rules let through, the last of them as `let_through` says."""
    try:
        found = tree.examine(path)
    except OSError as error:
        return Explanation(path, "missing", error.strerror or str(error))
    if isinstance(found, SkippedFile):
        return _skipped(path, found.reason, found.detail)
    message = f"kept by {found.kept_by}" if found.kept_by else let_through.message
    return Explanation(path, "taken", message, rule=let_through.rule, file=found)


def _step(tree: Worktree, path: str, ruling: Ruling, mode: int) -> Explanation:
    """Explain one folder or file on the way, given what the rules say of it; a message where a rule lets it through."""
    is_dir = stat.S_ISDIR(mode)
    if path.rpartition("/")[2] == GIT:
        return Explanation(path, "left-out", "it belongs to git")
    if is_dir and tree.is_index(path):
        return Explanation(path, "left-out", LeftOutReason.INDEX.explanation)
    if ruling.reason is not None:
        message = f"left out by {ruling.rule}" if ruling.rule else ruling.reason.explanation
        return Explanation(path, "left-out", message, rule=ruling.rule)
    if stat.S_ISLNK(mode):
        return _skipped(path, SkipReason.SYMLINK)
    if is_dir and not tree.options.nested_repositories and tree.is_repository(path):
        return _skipped(path, SkipReason.NESTED_REPOSITORY)
    message = ""
    if ruling.overruled:
        message = f"git tracks {'files in it' if is_dir else 'it'}, so {ruling.overruled} does not count"
    elif ruling.rule:
        message = f"let through by {ruling.rule}"
    return Explanation(path, "taken", message, rule=ruling.rule or ruling.overruled)


def _skipped(path: str, reason: SkipReason, detail: str = "") -> Explanation:
    message = f"{reason.explanation}: {detail}" if detail else reason.explanation
    return Explanation(path, "skipped", message, reason)
