"""Where a literal stands in a text as it is written, and a flag where code declares it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SPACE = re.compile(r"\s+")


def verbatim(text: str, literal: str) -> Iterator[tuple[int, int]]:
    """Yield where the literal stands in a text as it is written, not within a longer word, flag or key, as start and
    end."""
    is_flag = literal.startswith("-")
    is_key = "-" in literal and not _SPACE.search(literal)
    is_open = is_flag or _is_word(literal[0]), is_flag or _is_word(literal[-1])
    start = text.find(literal)
    while start >= 0:
        end = start + len(literal)
        # The character beside it, and the one beyond: `--` before a key is a flag's, `a-` another key's beginning.
        before = text[start - 1 : start], text[max(0, start - 2) : max(0, start - 1)]
        after = text[end : end + 1], text[end + 1 : end + 2]
        around = [own for own, is_checked in zip((before, after), is_open, strict=True) if is_checked and own[0]]
        if any(_is_word(own) or (own == "-" and (is_flag or (is_key and _is_word(more)))) for own, more in around):
            end = start + 1
        else:
            yield start, end
        start = text.find(literal, end)


def _is_word(character: str) -> bool:
    return character == "_" or character.isalnum()  # of no character, False


def quoted_name(flag: str) -> re.Pattern[str]:
    """Return what finds a flag's name in quotes, as a declaration of options has it."""
    return re.compile(rf"([\"'`])(?P<name>{re.escape(flag.lstrip('-'))})\1")


def option_line(flag: str) -> re.Pattern[str]:
    """Return what finds a flag's name in quotes on a line that speaks of options, or as getopt's tables have it.

    What is read from the options, `args["name"]`, declares none.
    """
    name = re.escape(flag.lstrip("-"))
    speaks = r"\w*(?:option|flag|switch)\w*\b|\w*_?arg(?:s|ument\w*)?\b|\balias\b"
    return re.compile(
        rf"(?im)^.{{0,80}}?(?:{speaks}).{{0,80}}?(?<!\w\[)([\"'`])(?P<name>{name})\1"
        rf"|\{{\s{{0,8}}([\"'])(?P<listed>{name})\3\s{{0,8}},\s{{0,8}}(?:no|required|optional)_argument\b"
    )


def option_field(flag: str) -> re.Pattern[str]:
    """Return what finds the field that a flag's value has, with its type."""
    return re.compile(rf"(?<!\w)(?P<name>{re.escape(flag.lstrip('-').replace('-', '_'))})(?=\s*:(?!:))")
