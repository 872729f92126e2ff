"""One line of a .gitignore or .gitattributes file, compiled by pathspec, matched against one path at a time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern: its line as written and its number, whether `!` negates it, and its regular expression.

    pathspec's expression also matches what lies below a matching folder; its group `ps_d` stands where the path goes on
    below. Walkers decide folder by folder, so here a pattern matches a path itself or not at all.
    """

    text: str
    line: int
    negated: bool
    regex: re.Pattern[str]
    anchored_end: bool

    def matches(self, path: str, *, is_dir: bool) -> bool:
        """Whether the pattern matches this path, relative to the folder of the pattern's file."""
        match = self.regex.match(path)
        if match and self._is_whole(match, len(path)):
            return True
        below = self.regex.match(path + "/") if is_dir else None
        return below is not None and _mark(below) == len(path)

    def _is_whole(self, match: re.Match[str], length: int) -> bool:
        return _mark(match) < 0 and (not self.anchored_end or match.end() == length)


def compile_pattern(text: str, line: int) -> Pattern | None:
    """Return the pattern of one line, or None for a blank line, a comment, or what git ignores as malformed."""
    try:
        compiled = GitIgnoreSpecPattern(text)
    except (ValueError, re.error):
        return None
    if compiled.include is None or compiled.regex is None:
        return None
    source = compiled.regex.pattern
    # File names may hold newlines, which neither `.` nor `$` take for ordinary characters.
    regex = re.compile(source, re.DOTALL)
    return Pattern(text, line, not compiled.include, regex, source.endswith(("$", "$)")))


def _mark(match: re.Match[str]) -> int:
    """Return where the path goes on below the matched folder, or -1."""
    return match.start("ps_d") if "ps_d" in match.re.groupindex else -1
