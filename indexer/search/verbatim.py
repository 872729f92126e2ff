"""Where a literal stands in a text as it is written, and a flag where code declares it."""

from __future__ import annotations

import re
from collections.abc import Iterator

OPTION_CHARS = 160
"""How far before a flag's name its line may speak of options."""
_SPACE = re.compile(r"\s+")
_OPTION = re.compile(r"option|flag|switch|arg(?:s|ument\w*)?\b|\balias\b", re.IGNORECASE)
_READ = re.compile(r"\w\[$")
_IN_TABLE = re.compile(r"\s{0,8},\s{0,8}(?:no|required|optional)_argument\b")


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


def quoted_name(text: str, flag: str) -> Iterator[tuple[int, int]]:
    """Yield where a flag's name stands in quotes, as a declaration of options has it."""
    for found in re.finditer(rf"([\"'`])({re.escape(flag.lstrip('-'))})\1", text):
        yield found.span(2)


def option_name(text: str, flag: str) -> Iterator[tuple[int, int]]:
    """Yield where a flag's name stands in quotes behind a word for options, or as getopt's tables have it.

    What is read from the options, `args["name"]`, declares none.
    """
    for start, end in quoted_name(text, flag):
        before = text[max(0, start - OPTION_CHARS) : start - 1].rpartition("\n")[2]
        is_told = _OPTION.search(before) and not _READ.search(before)
        if is_told or (before.rstrip().endswith("{") and _IN_TABLE.match(text, end + 1)):
            yield start, end


def option_field(text: str, flag: str) -> Iterator[tuple[int, int]]:
    """Yield where the field stands that a flag's value has, with its type."""
    for found in re.finditer(rf"(?<!\w){re.escape(flag.lstrip('-').replace('-', '_'))}(?=\s*:(?!:))", text):
        yield found.span()
