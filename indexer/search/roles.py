"""What a line does with a text that stands in it, and where such texts are looked for first."""

from __future__ import annotations

import re
from enum import IntEnum

from indexer.search.file_kinds import FileKind

_DEFINES_BEFORE = re.compile(
    r"\s*(?!case\s)(?:[#@]?[A-Za-z]+(?:\([^()]*\))?\s+){0,3}(?:(?!\S*(?:environ|env|ENV)\[)\$?[A-Za-z_][\w.]*\[)?[\"'`\[]?(?:self\.|this\.)?"
)
_DEFINES_AFTER = re.compile(r"[\"'`]?\]?[?!]?\s*(?::(?!:)|=(?!=)|=>)|\]\s*$")
_STRING_END = re.compile(r"(?:[ =]?\[?=?<?[A-Z][A-Z_-]*>?\]?)?([\"'`])")
"""What stands between a flag and the end of its string is the name of its value."""
_SYMBOL = re.compile(r"(\s*[a-z_]+[ (]+:)|.*[\s(\[,]:")
"""What stands before a symbol, `:name`: the first argument of what a line calls is what it declares."""
_SYMBOL_END = re.compile(r"(?![\w:?!])")
_MACRO = re.compile(r"\s*#\s*define\s+")
_QUOTE = re.compile(r"[\"'`]")
_COMMENT = re.compile(r"\s*(?:#(?!\s*define)|//|/\*|\*(?=[\s*/]|$)|--(?=\s)|;|%)")
_TERM_BEFORE = re.compile(r"\s*(?:[#=]+\s+|[-*+]\s+|\.\.\s[\w:-]+::\s+)?[`\"'*_\[]*")
_TERM_AFTER = re.compile(r"[`\"'*_\]]*\s*(?:$|[=:,<]|\s[-–—<])")
_DIRECTIVE = re.compile(r"\s*(?:\.\.\s[\w:-]+::|[#=]{2,})\s")
_HISTORY = re.compile(r"change(?:s|log)|news|history|release|whatsnew|upgrad")
_SETTINGS = frozenset(("yaml", "json", "toml", "ini", "xml"))


class Role(IntEnum):
    """What a line does with a text that stands in it."""

    DEFINES = 0
    STRING = 1
    QUOTES = 2
    NAMES = 3
    COMMENTS = 4


class Rank(IntEnum):
    """Where a text is looked for first: where code prints, reads or defines it, then where documents define it."""

    CODE = 0
    SETTINGS = 1
    DOCUMENTED = 2
    USED = 3
    COMMENTED = 4
    TESTED = 5
    TOLD = 6
    DATA = 7


def role_of(line: str, start: int, end: int, kind: FileKind) -> Role:
    """Return what a line of such a file does with the text from `start` to `end` of it, by its form."""
    before, after = line[:start], line[end:]
    if kind is FileKind.PROSE:
        is_term = _TERM_BEFORE.fullmatch(before) and _TERM_AFTER.match(after)
        return Role.DEFINES if is_term or _DIRECTIVE.match(before) else Role.NAMES
    if _COMMENT.match(line):
        return Role.COMMENTS
    if _MACRO.fullmatch(before) or (_DEFINES_BEFORE.fullmatch(before) and _DEFINES_AFTER.match(after)):
        return Role.DEFINES
    if (symbol := _SYMBOL.fullmatch(before)) and _SYMBOL_END.match(after):
        return Role.DEFINES if symbol[1] else Role.STRING
    if _is_string(before, after):
        return Role.STRING
    return Role.QUOTES if _QUOTE.search(line) else Role.NAMES


def _is_string(before: str, after: str) -> bool:
    """Whether what stands between is the whole of a string."""
    end = _STRING_END.match(after)
    # An odd number of quotes before: within a longer string, it is named.
    return bool(end and before.endswith(end[1]) and before[:-1].count('"') % 2 == 0)


def rank_of(path: str, language: str, kind: FileKind, role: Role) -> Rank:
    """Return how early a place is looked at: by its sort of file, its language, and what its line does."""
    if kind is FileKind.DATA:
        return Rank.DATA
    if kind is FileKind.PROSE:
        is_told = role is not Role.DEFINES or _HISTORY.search(path.lower())
        return Rank.TOLD if is_told else Rank.DOCUMENTED
    if kind is FileKind.TEST:
        return Rank.TESTED
    if role is Role.COMMENTS:
        return Rank.COMMENTED
    if role is Role.NAMES:
        return Rank.USED
    return Rank.SETTINGS if language in _SETTINGS else Rank.CODE
