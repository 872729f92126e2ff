"""What a line does with a text that stands in it, and where such texts are looked for first."""

from __future__ import annotations

import re
from enum import IntEnum

from indexer.search.file_kinds import FileKind

_DEFINES_BEFORE = re.compile(r"\s*(?:[#@]?[A-Za-z]+(?:\([^()]*\))?\s+){0,3}[\"'`\[]?(?:self\.|this\.)?")
_DEFINES_AFTER = re.compile(r"[\"'`]?[?!]?\s*(?::(?!:)|=(?!=)|=>)|\]\s*$")
_MACRO = re.compile(r"\s*#\s*define\s+")
_QUOTE = re.compile(r"[\"'`]")
_COMMENT = re.compile(r"\s*(?:#(?!\s*define)|//|/?\*|--(?=\s)|;|%)")
_TERM_BEFORE = re.compile(r"\s*(?:[#=]+\s+|[-*+]\s+|\.\.\s[\w:-]+::\s+)?[`\"'*_\[]*")
_TERM_AFTER = re.compile(r"[`\"'*_\]]*\s*(?:$|[=:,<]|\s[-–—<])")
_DIRECTIVE = re.compile(r"\s*(?:\.\.\s[\w:-]+::|[#=]{2,})\s")
_HISTORY = re.compile(r"change(?:s|log)|news|history|release|whatsnew|upgrad")
_SETTINGS = frozenset(("yaml", "json", "toml", "ini", "xml"))


class Role(IntEnum):
    """What a line does with a text that stands in it."""

    DEFINES = 0
    QUOTES = 1
    NAMES = 2
    COMMENTS = 3


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
    return Role.QUOTES if _QUOTE.search(line) else Role.NAMES


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
