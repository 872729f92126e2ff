"""One line of an ignore or attributes file, matched against one path at a time, byte by byte as git and the walker do.

pathspec, the usual library, answers another question (is a path below anything that matches?) and reads braces, open
brackets, newlines in names and non-ASCII characters differently from the walker, whose decisions this must explain.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

_TOKEN = re.compile(
    rb"""
    (?P<deep>(?:\A|(?<=/))(?:\*\*/)*\*\*(?:/|\Z))
  | (?P<star>\*+)
  | (?P<any>\?)
  | \[(?P<class>[!^]?\]?[^\]]*)\]
  | \\(?P<escaped>.)
  | (?P<brace>[{},])
  | (?P<literal>[^\\])
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern: its line as written and its number, whether `!` negates it, and whether only folders match."""

    text: str
    line: int
    negated: bool
    only_dir: bool
    regex: re.Pattern[bytes]

    def matches(self, path: str, *, is_dir: bool) -> bool:
        """Whether the pattern matches this very path, relative to the folder of the pattern's file."""
        return (is_dir or not self.only_dir) and self.regex.fullmatch(os.fsencode(path)) is not None


def compile_pattern(text: str, line: int, *, braces: bool) -> Pattern | None:
    """Return the pattern of one line, or None for a blank line, a comment, or a malformed pattern.

    With `braces`, `{a,b}` are alternatives, as the walker has it; git knows no such thing.
    """
    glob = os.fsencode(text if text.endswith("\\ ") else text.rstrip())
    if not glob or glob.startswith(b"#"):
        return None
    negated = glob.startswith(b"!")
    glob = glob[1:] if negated else glob
    anchored = glob.startswith(b"/")
    glob = glob[1:] if anchored else glob
    only_dir = glob.endswith(b"/")
    glob = glob[:-1].removesuffix(b"\\") if only_dir else glob
    if not anchored and b"/" not in glob and glob != b"**":
        glob = b"**/" + glob
    if glob.endswith(b"/**"):
        glob += b"/*"  # what is inside, not the folder itself
    regex = _translate(glob, braces=braces)
    return None if regex is None else Pattern(text, line, negated, only_dir, regex)


def _translate(glob: bytes, *, braces: bool) -> re.Pattern[bytes] | None:
    """Return the regular expression of a glob, or None where it is malformed."""
    parts: list[bytes] = []
    depth = place = 0
    while place < len(glob):
        token = _TOKEN.match(glob, place)
        if token is None:
            return None  # a backslash at the end
        place = token.end()
        kind, found = token.lastgroup, token[0]
        if kind == "deep":
            parts.append(b"(?:.*/)?" if found.endswith(b"/") and found != glob else b".*")
        elif kind in {"star", "any"}:
            parts.append(b"[^/]*" if kind == "star" else b"[^/]")
        elif kind == "class":
            parts.append(_translate_class(token["class"]))
        elif kind == "brace" and braces and (depth or found != b","):
            depth += {b"{": 1, b"}": -1, b",": 0}[found]
            if depth < 0:
                return None
            _add_brace(parts, found)
        else:
            parts.append(re.escape(token[kind] if kind else found))
    try:
        return None if depth else re.compile(b"".join(parts), re.DOTALL)
    except re.error:
        return None


def _translate_class(content: bytes) -> bytes:
    """Translate the inside of a bracket expression, in which a backslash is an ordinary character."""
    negation = b"^" if content[:1] in {b"!", b"^"} else b""
    inside = content[len(negation) :]
    return b"[" + negation + re.sub(rb"[\\\[\]^&~|]", rb"\\\g<0>", inside) + b"]"


def _add_brace(parts: list[bytes], brace: bytes) -> None:
    """Open, divide or close alternatives; empty ones don't count."""
    if brace == b"{":
        parts.append(b"(?:")
    elif brace == b",":
        if parts[-1] not in {b"(?:", b"|"}:
            parts.append(b"|")
    else:
        if parts[-1] == b"|":
            parts.pop()
        parts.append(b")")
