"""The lines of ignore and attributes files, matched against paths byte by byte as git's dir.c and wildmatch.c do.

A stranger writes these patterns, so none may take long: `indexer.wildcards` bounds them.
"""

from __future__ import annotations

import os
import re
import string
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from indexer.wildcards import Piece, bounded_regex

MAX_WILDCARDS = 2_000
"""Patterns of one file that need a regular expression; the large ignore files of the world are lists of names."""

MAX_GLOB = 4096
"""Bytes; a longer pattern matches no path that a system can open."""

_SPECIAL = re.compile(rb"[*?\[\\]")
_POSIX = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "blank": " \t",
    "cntrl": "".join(map(chr, (*range(32), 127))),
    "digit": string.digits,
    "graph": string.ascii_letters + string.digits + string.punctuation,
    "lower": string.ascii_lowercase,
    "print": string.ascii_letters + string.digits + string.punctuation + " ",
    "punct": string.punctuation,
    "space": string.whitespace,
    "upper": string.ascii_uppercase,
    "xdigit": string.hexdigits,
}
_POSIX_CLASSES = {name.encode(): frozenset(members.encode()) for name, members in _POSIX.items()}


class Pattern(msgspec.Struct, frozen=True):
    """A pattern: its line as written and its number, whether `!` negates it, and whether only folders match.

    `by_name` patterns match the last part of a path, others the path relative to the folder of their file. What needs
    no regular expression has its text in `literal`: equal to it ("" in `star`), or `*` before it or after it.
    """

    text: str
    line: int
    negated: bool
    only_dir: bool
    by_name: bool
    star: str
    literal: str
    glob: bytes

    def matches(self, path: str, *, is_dir: bool) -> bool:
        """Whether the pattern matches this very path, relative to the folder of the pattern's file."""
        if self.only_dir and not is_dir:
            return False
        subject = path.rpartition("/")[2] if self.by_name else path
        if self.star == "before":
            return subject.endswith(self.literal)
        if self.star == "after":
            return subject.startswith(self.literal)
        if not self.star:
            return subject == self.literal
        regex = _translate(self.glob, by_name=self.by_name)
        return regex is not None and regex.fullmatch(os.fsencode(subject)) is not None


def compile_pattern(text: str, line: int) -> Pattern | None:
    """Return the pattern of one line, or None for a blank line, a comment, or one that can match nothing."""
    glob = os.fsencode(text)
    stripped = glob.rstrip(b" ")
    if len(stripped) < len(glob) and (len(stripped) - len(stripped.rstrip(b"\\"))) % 2:
        stripped += b" "  # the last space is escaped
    glob = stripped
    if not glob or glob.startswith(b"#"):
        return None
    negated = glob.startswith(b"!")
    glob = glob[1:] if negated else glob
    only_dir = glob.endswith(b"/")
    glob = glob[:-1] if only_dir else glob
    by_name = b"/" not in glob
    glob = glob.removeprefix(b"/")
    if not glob or len(glob) > MAX_GLOB:
        return None
    star, literal = "regex", b""
    if not _SPECIAL.search(glob):
        star, literal = "", glob
    elif by_name and glob.isascii() and glob.count(b"*") == 1 and not _SPECIAL.search(glob.replace(b"*", b"")):
        if glob.startswith(b"*"):
            star, literal = "before", glob[1:]
        elif glob.endswith(b"*"):
            star, literal = "after", glob[:-1]
    if star == "regex" and _pieces(glob, by_name=by_name) is None:
        return None
    return Pattern(text, line, negated, only_dir, by_name, star, os.fsdecode(literal), glob)


class PatternList:
    """The patterns of one file, found by their literal texts, so that a path meets few of them."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        """Raise ValueError for more than MAX_WILDCARDS patterns that need a regular expression."""
        self._names: dict[str, list[Pattern]] = {}
        self._paths: dict[str, list[Pattern]] = {}
        self._others: list[Pattern] = []
        before: list[str] = []
        after: list[str] = []
        for pattern in patterns:
            if not pattern.star:
                (self._names if pattern.by_name else self._paths).setdefault(pattern.literal, []).append(pattern)
                continue
            self._others.append(pattern)
            if pattern.star == "before":
                before.append(pattern.literal)
            elif pattern.star == "after":
                after.append(pattern.literal)
        self._before, self._after = tuple(before), tuple(after)
        wildcards = len(self._others) - len(before) - len(after)
        if wildcards > MAX_WILDCARDS:
            raise ValueError(f"{wildcards:,} patterns with wildcards, limit {MAX_WILDCARDS:,}")
        self._wild = wildcards > 0

    def __bool__(self) -> bool:
        return bool(self._names or self._paths or self._others)

    def match(self, path: str, name: str, *, is_dir: bool) -> Pattern | None:
        """Return the last pattern that matches a path, relative to the patterns' folder, whose last part is `name`."""
        found: Pattern | None = None
        for literals, subject in ((self._names, name), (self._paths, path)):
            for pattern in literals.get(subject, ()) if literals else ():
                if (is_dir or not pattern.only_dir) and (found is None or pattern.line > found.line):
                    found = pattern
        if self._wild or name.endswith(self._before) or name.startswith(self._after):
            for pattern in reversed(self._others):
                if found is not None and pattern.line < found.line:
                    break
                if pattern.matches(path, is_dir=is_dir):
                    return pattern
        return found


@lru_cache(maxsize=1 << 14)
def _translate(glob: bytes, *, by_name: bool) -> re.Pattern[bytes] | None:
    """Return the regular expression of a glob, or None where it can match nothing."""
    pieces = _pieces(glob, by_name=by_name)
    if pieces is None:
        return None
    return re.compile(bounded_regex(pieces).encode("latin-1"), re.DOTALL)


_STAR, _DEEP = ("star", ""), ("deep", "")


def _fixed(regex: bytes) -> Piece:
    return "fixed", regex.decode("latin-1")


def _pieces(glob: bytes, *, by_name: bool) -> list[Piece] | None:
    """Return what a glob is made of, first to last; None where it can match nothing."""
    pieces: list[Piece] = []
    place = 0
    while place < len(glob):
        byte = glob[place : place + 1]
        if byte == b"*":
            end = place + len(glob) - place - len(glob[place:].lstrip(b"*"))
            # git compares what comes before the first wildcard by itself, so that ** seems to start there.
            starts = glob[place - 1 : place] in {b"", b"/"} or not _SPECIAL.search(glob, 0, place)
            if by_name or end - place == 1 or not starts or glob[end : end + 1] not in {b"", b"/"}:
                pieces.append(_STAR)
                place = end
            elif end == len(glob):
                pieces.append(_fixed(b".*"))
                place = end
            else:
                pieces.append(_DEEP)
                place = end + 1
        elif byte == b"[":
            found = _bracket(glob, place + 1)
            if found is None:
                return None
            piece, place = found
            pieces.append(_fixed(piece))
        else:
            if byte == b"\\":
                place += 1
                byte = glob[place : place + 1]
                if not byte:
                    return None
                pieces.append(_fixed(re.escape(byte)))
            else:
                pieces.append(_fixed(b"[^/]" if byte == b"?" else re.escape(byte)))
            place += 1
    return pieces


def _bracket(glob: bytes, place: int) -> tuple[bytes, int] | None:
    """Translate a bracket expression from after its `[`; return it and where it ends, None where it doesn't."""
    negated = glob[place : place + 1] in {b"!", b"^"}
    place += negated
    start = place
    members: set[int] = set()
    while True:
        byte = glob[place : place + 1]
        if byte == b"]" and place > start:
            break
        if byte == b"[" and glob[place + 1 : place + 2] == b":":
            end = glob.find(b"]", place + 2)
            if end < 0:
                return None
            if end > place + 2 and glob[end - 1 : end] == b":":
                name = glob[place + 2 : end - 1]
                if name not in _POSIX_CLASSES:
                    return None
                members |= _POSIX_CLASSES[name]
                place = end + 1
                continue
        low = _member(glob, place)
        if low is None:
            return None
        first, place = low
        last = first
        if glob[place : place + 1] == b"-" and glob[place + 1 : place + 2] not in {b"", b"]"}:
            high = _member(glob, place + 1)
            if high is None:
                return None
            last, place = high
        members.update((first, *range(first, last + 1)))  # in git, an empty range still holds its first end
    members = (set(range(256)) - members if negated else members) - {ord("/")}
    translated = b"[" + b"".join(b"\\x%02x" % member for member in sorted(members)) + b"]" if members else b"(?!)"
    return translated, place + 1


def _member(glob: bytes, place: int) -> tuple[int, int] | None:
    """Return one byte of a bracket expression, unescaped, and the place after it; None at the end."""
    place += glob[place : place + 1] == b"\\"
    return (glob[place], place + 1) if place < len(glob) else None
