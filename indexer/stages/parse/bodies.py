"""The bodies of functions that hold no definition: the grammar needn't see them.

A parser and a query take their time by the node. What is wrong in them, such as branches of the preprocessor that open
a brace twice, hides no definition after them either.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_BLANK = bytes(byte if byte == 10 else 32 for byte in range(256))
"""Translates to blanks, line feeds kept."""


class _Bodies(NamedTuple):
    """How bodies look in one language.

    `pattern` finds a function, and in its group `body` what may be left out, if `nested` finds nothing in that. `ends`
    stand in place of its first and last character. Where an end was taken for one wrongly, one kind of `brackets` has
    no equal numbers of both in the rest.
    """

    pattern: re.Pattern[bytes]
    nested: re.Pattern[bytes]
    ends: bytes = b"  "
    brackets: tuple[bytes, ...] = (b"{}",)


_BODIES = {
    # Indented lines and labels up to a brace that is not indented. A raw string may hold anything.
    "go": _Bodies(
        re.compile(
            rb"\n(?:func |\) )[^\n]*(?<!struct )(?<!interface )\{\r?\n"
            rb"(?P<body>(?:[\t\r ][^\n`]*+\n|\w++:\r?\n|\n)++)\}"
        ),
        re.compile(rb"type |struct ?\{|interface ?\{\s*+[^}]"),
    ),
    # The same, with lines of the preprocessor.
    "c": _Bodies(
        re.compile(
            rb"(?:\)\s*?\n|\n\w[^\n]*\) *)\{\r?\n"
            rb"(?P<body>(?:[\t\r ][^\n]*+\n|\w++:(?!:)[^\n{]*+\n|#[^\n]*+\n|\n)++)\}"
        ),
        re.compile(rb"(?:struct|union|enum)[\s\w]{0,200}+\{|typedef|#[ \t]*define"),
    ),
    # Lines indented deeper than a method, whose header says a type before its name.
    "java": _Bodies(
        re.compile(
            rb"\n(?P<indent>[ \t]++)[\w@][^\n=;{}()]*(?<!\brecord)(?<!\bnew) \w+"
            rb"\([^=;{}()]*+\)\s*+(?:throws [\w.,\s]+)?\{\r?\n"
            rb"(?P<body>(?:(?P=indent)[ \t][^\n]*+\n|[ \t\r]*\n)++)(?P=indent)\}"
        ),
        re.compile(rb'\b(?:class|interface|enum|record)\s|\bnew\b[^;{]*\)\s*\{|"""'),
    ),
    # Lines indented deeper than `def`, after docstring and comments; the line feed after them may begin the next match.
    # A tuple without elements is a statement, too.
    "python": _Bodies(
        re.compile(
            rb"\n(?P<indent>[ \t]*+)(?:async )?def "
            rb"(?:[^\n]*|\w[^\n]*\(\r?\n(?:(?P=indent)[ \t][^\n]*+\n)++(?P=indent)\)[^\n]*):\r?(?=\n)"
            rb'(?:\n(?:(?P=indent)[ \t]++(?:"""[^"]*+"""[ \t]*+|#[^\n]*+)\r?|[ \t\r]*+)(?=\n))*+'
            rb"(?P<body>(?:\n(?:(?P=indent)[ \t][^\n]*+|[ \t\r]*+(?=\n)))++)"
        ),
        re.compile(rb"""def |class |\"""|'''|\A\s*\w{0,2}["']|\\\s*+\Z|#[^\n]*+\s*+\Z"""),
        b"()",
        (b"()", b"[]", b"{}"),
    ),
}


def without_bodies(language: str, data: bytes) -> bytes:
    """Return a text of the same length and lines in which bodies without definitions are blank."""
    bodies = _BODIES.get(language)
    if bodies is None:
        return data
    nested, first, last = bodies.nested.search, bodies.ends[:1], bodies.ends[1:]

    def emptied(match: re.Match[bytes]) -> bytes:
        whole, body = match[0], match["body"]
        code = body.strip()
        # A comment that is not all in it may hide its end.
        if len(code) < 2 or nested(body) or body.count(b"/*") != body.count(b"*/"):
            return whole
        start = match.start("body") - match.start() + len(body) - len(body.lstrip())
        return whole[:start] + first + code[1:-1].translate(_BLANK) + last + whole[start + len(code) :]

    return bodies.pattern.sub(emptied, data)


def are_cut_well(language: str, data: bytes) -> bool:
    """Whether nothing in a text from `without_bodies` tells that what was left out is not what it seemed."""
    return all(data.count(pair[:1]) == data.count(pair[1:]) for pair in _BODIES[language].brackets)


def blanked(match: re.Match[bytes]) -> bytes:
    """Return blanks in place of a match, its line feeds kept."""
    return match[0].translate(_BLANK)
