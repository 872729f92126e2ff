"""The format strings of a text, values in them or put together of pieces, and whether one makes a message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from indexer.search.query import STOP_WORDS

MIN_FORMAT_WORDS = 3
"""So many constant words of a format string are no chance."""
FEW_FORMAT_WORDS = 2
"""So many are enough in a format string of which the whole message is made, to the letter."""

VALUE = re.compile(  # each way begins with a character of its own, which is found faster
    r"%\(\w{1,40}\)[sdr]|%L?[1-9](?:\$\w|(?!\w))|%(?<!\d%)[-+#0]{0,3}(?:\d{1,3}|\*)?(?:\.(?:\d{1,3}|\*))?(?:hh?|ll?|z)?[sdrfiuxXcpqvgTw]"
    r"|#\{[^{}]{0,120}\}|\$\{[^{}]{0,120}\}|\{[^{}\s\"]{0,60}\}|\"\s{0,3}PRI\w{1,6}\s{0,3}\""
    r"|\$(?<![\w$]\$)(?:[A-Za-z_]\w{0,40}|[\d@*!](?!\w))|\\\([^()\n]{1,40}\)"
)
"""Finds where a text has a value: of printf, Python, Ruby, a shell, C's inttypes.h, Swift."""
_TRANSLATED = re.compile(r"(?<![\w:]):[a-z]\w{1,40}|%\{\w{1,40}\}|\{\{[^{}\"]{0,60}\}\}")
"""Finds values as only texts that are translated have them: of Laravel, of Ruby's I18n, of i18next and Vue."""
_STRING = re.compile(r"\"((?:[^\"\\\n]|\\.){0,200})\"|'((?:[^'\\\n]|\\.){0,200})'|`((?:[^`\\\n]|\\.){0,200})`")
_QUOTE = re.compile(r"\\([\"'`])")
# How strings and values are joined: with `+`, Lua's `..`, C++'s `<<`, PHP's `.`, or as what a logger is given next.
_JOIN = r"(?:\.\.|\+|<<)"
_DOT = r"\.(?=\s{0,3}\$)"
_BETWEEN_STRINGS = re.compile(
    rf"\s{{0,80}}(?:{_JOIN}(?:[^\"'`;]{{1,80}}?{_JOIN})?|{_DOT}[^\"'`;]{{1,80}}?\.)\s{{0,80}}"
)
_AFTER_STRING = re.compile(rf"\s{{0,80}}(?:{_JOIN}\s{{0,80}}[\w$*&@(]|{_DOT})")
_GIVEN_NEXT = re.compile(r"(?<=[:=]['\"`])\s{0,3},\s{0,80}[\w$*&@(]|(?<=[:=]\s['\"`])\s{0,3},\s{0,80}[\w$*&@(]")
_BEFORE_STRING = re.compile(rf"(?:[\w)\]]\s{{0,3}}{_JOIN}|\$[\w>-]{{1,40}}\s{{0,3}}\.)\s{{0,80}}$")
_JOIN_CHARS = 200
_HEAD_CHARS = 4
_MAY_BE_VALUE = re.compile(r"[%{$#\\:]")
_LETTERS = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Match:
    """Where words stand in a text: the line, from 0, how much of what was asked they are, 0 to 1, and how many.

    `has_value` says whether some of the query stands for a value there.
    """

    row: int
    share: float
    words: int
    has_value: bool

    @property
    def is_format(self) -> bool:
        """Whether it is a format string's text, with values of the query in it."""
        return self.has_value and self.words >= MIN_FORMAT_WORDS


def format_of(text: str, message: str) -> Match | None:
    """Return the format string with most words that makes the whole message, with values in it; None where none does.

    What is no value stands in the message to the letter and in order; a prefix of the message may be a logger's.
    """
    best: Match | None = None
    for start, parts in _formats(text, message):
        if len(parts) > 1 and _makes(parts, message):
            words = _LETTERS.findall(" ".join(parts).lower())
            if len(words) > (best.words if best else FEW_FORMAT_WORDS - 1) and not STOP_WORDS.issuperset(words):
                best = Match(text.count("\n", 0, start), 1.0, len(words), has_value=True)
    return best


def _formats(text: str, message: str) -> Iterator[tuple[int, list[str]]]:
    """Yield where strings begin that may be of a message, alone and put together, with the parts between values."""
    joined: list[str] = []
    start = end = 0
    for string in _STRING.finditer(text):
        content = string[1] or string[2] or string[3] or ""
        head = content[:_HEAD_CHARS]
        if head not in message and not _MAY_BE_VALUE.search(head):
            joined = []
            continue
        own = VALUE.split(_TRANSLATED.sub("{}", _QUOTE.sub(r"\1", content)))
        yield string.start(), own
        between = text[end : string.start()] if joined else ""
        if joined and len(between) <= _JOIN_CHARS and _BETWEEN_STRINGS.fullmatch(between):
            is_value = between.strip(" \n\t.+<") != ""
            joined = [*joined, *own] if is_value else [*joined[:-1], joined[-1] + own[0], *own[1:]]
        else:
            start = string.start()
            is_value = _BEFORE_STRING.search(text, max(0, start - _JOIN_CHARS), start) is not None
            joined = ["", *own] if is_value else own
        end = string.end()
        goes_on = _AFTER_STRING.match(text, end) or (len(own) == 1 and _GIVEN_NEXT.match(text, end))
        yield start, [*joined, ""] if goes_on else joined


def _makes(parts: Sequence[str], message: str) -> bool:
    """Whether a message is these parts with something between them, from the beginning of a word on."""
    first, *middle, last = parts
    start = message.find(first)
    at, end = start + len(first), len(message) - len(last)
    if start < 0 or (start and not message[start - 1].isspace()) or at > end or not message.endswith(last):
        return False
    for part in middle:
        found = message.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
