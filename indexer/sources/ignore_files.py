"""Ignore files: read once a walk, bounded in size, and never through a link, as in git."""

from __future__ import annotations

import errno
import os

import msgspec

from indexer.sources.patterns import PatternList, compile_pattern

RULES_LIMIT = 1 << 20
"""Bytes of one ignore or attributes file; a hundred times the usual ones."""


class Rule(msgspec.Struct, frozen=True):
    """The line that decides: its file (relative to the root where it lies below), its number and its pattern.

    A pattern of the options has no file and counts from 1 in `walk.exclude`.
    """

    file: str
    line: int
    pattern: str

    def __str__(self) -> str:
        """Return `file:line pattern`."""
        return f"{self.file or 'walk.exclude'}:{self.line} {self.pattern}"


class IgnoreFile(msgspec.Struct, frozen=True):
    """The patterns of one file, for paths relative to the root of the walk.

    What the patterns are matched with is `lead` and the path from its character `start` on: one of the two is empty,
    as the file's folder lies above the root or below it.
    """

    name: str
    patterns: PatternList
    lead: str = ""
    start: int = 0

    def match(self, path: str, name: str, *, is_dir: bool) -> tuple[bool, Rule] | None:
        """Return whether the last line that matches a path takes it (`!`), and that line; None when none matches."""
        relative = path[self.start :] if self.start else self.lead + path
        pattern = self.patterns.match(relative, name, is_dir=is_dir)
        return None if pattern is None else (pattern.negated, Rule(self.name, pattern.line, pattern.text))


def unread(name: str, error: OSError) -> str:
    """Return a sentence on a file of rules that can't be read."""
    why = "is a symbolic link" if error.errno == errno.ELOOP else error.strerror or str(error)
    return f"{name}: {why}, so it is left unread"


def parse_patterns(content: bytes, path: str) -> PatternList:
    """Return the patterns of an ignore file; raises OSError, with EFBIG, for too many patterns with wildcards."""
    lines = enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1)
    found = (compile_pattern(os.fsdecode(line.removesuffix(b"\r")), number) for number, line in lines)
    try:
        return PatternList(pattern for pattern in found if pattern is not None)
    except ValueError as error:
        raise OSError(errno.EFBIG, str(error), path) from None
