"""The ignore files that bear on a path, in the walker's order; for explaining what the walker did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from indexer.sources.patterns import Pattern, compile_pattern
from indexer.sources.walker import GIT, OWN_IGNORE_FILE

_OTHER_VCS = ".jj"


@dataclass(frozen=True, slots=True)
class IgnoreFile:
    """An ignore file: where it is, the folder that its patterns are relative to, and these."""

    path: Path
    base: Path
    patterns: tuple[Pattern, ...]

    def match(self, path: Path, *, is_dir: bool) -> Pattern | None:
        """Return the last pattern that matches a path below the base."""
        relative = path.relative_to(self.base).as_posix()
        return next((pattern for pattern in reversed(self.patterns) if pattern.matches(relative, is_dir=is_dir)), None)


def deciding_match(path: Path, *, root: Path, top: Path | None, is_dir: bool) -> tuple[IgnoreFile, Pattern] | None:
    """Return the ignore file and pattern that decide about a path in a walk of `root`, or None when none matches.

    `top` is the folder of the git repository that the root lies in, or None. The global excludes are not looked at.
    """
    for files in _by_strength(path.parent, root, top):
        for file in files:
            if (pattern := file.match(path, is_dir=is_dir)) is not None:
                return file, pattern
    return None


def _by_strength(folder: Path, root: Path, top: Path | None) -> Iterator[Iterator[IgnoreFile]]:
    """Yield the files of each kind, the strongest kind first and the nearest file first."""
    inside = [folder, *folder.parents]
    if top is None or top == root:
        inside = [step for step in inside if step == root or root in step.parents]
    git_inside = inside
    if top is not None:
        # A repository's own rules end where another one, nested or around it, begins.
        ends = (place for place, step in enumerate(inside) if (step / GIT).exists() or (step / _OTHER_VCS).exists())
        git_inside = inside[: next(ends, len(inside)) + 1]
    yield (read_ignore_file(step / OWN_IGNORE_FILE, step) for step in inside)
    yield (read_ignore_file(step / ".ignore", step) for step in inside)
    yield (read_ignore_file(step / ".gitignore", step) for step in git_inside)
    yield (read_ignore_file(_exclude_file(step), step) for step in git_inside)


@cache
def _read(path: Path, base: Path, mtime_ns: int, size: int) -> IgnoreFile:
    """Read an ignore file; the stats are there to make a changed one another key."""
    patterns = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            text = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            break  # the walker, too, reads no further
        pattern = compile_pattern(text.lstrip("\ufeff") if number == 1 else text, number, braces=True)
        if pattern is not None:
            patterns.append(pattern)
    return IgnoreFile(path, base, tuple(patterns))


def read_ignore_file(path: Path, base: Path) -> IgnoreFile:
    """Return an ignore file's patterns; none when it can't be read."""
    try:
        stats = path.stat()
        return _read(path, base, stats.st_mtime_ns, stats.st_size)
    except OSError:
        return IgnoreFile(path, base, ())


def _exclude_file(folder: Path) -> Path:
    """Return where a repository keeps info/exclude; a linked work tree has it in the main one's .git."""
    git = folder / GIT
    if not git.is_file():
        return git / "info" / "exclude"
    try:
        private = Path(git.read_text().partition("\n")[0].removeprefix("gitdir: "))
        return private / (private / "commondir").read_text().partition("\n")[0] / "info" / "exclude"
    except (OSError, ValueError):
        return git / "info" / "exclude"
