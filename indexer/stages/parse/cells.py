"""The code in a notebook's cells, as its own language's grammar can read it.

Notebooks are JSON whose lines of code are strings, one a line (nbformat 4). Everything else is blank here, and so are
quotes and escapes, so that every line and byte stays in its place.
"""

from __future__ import annotations

import re

NOTEBOOK = "notebook"

_TYPE = re.compile(rb'\s*"cell_type"\s*:\s*"(\w+)"')
_SOURCE = re.compile(rb'\s*"source"\s*:\s*\[\s*$')
_STRING = re.compile(rb'(\s*")((?:[^"\\]|\\.)*)"\s*,?\s*$')
_KERNEL = re.compile(rb'"language"\s*:\s*"(\w{1,20})"')
_ESCAPE = re.compile(rb"\\(.)")
_COMMAND = re.compile(rb"\s*[%!?]")
_PLAIN = {b'"': b'" ', b"\\": b" \\", b"/": b" /"}


def language_of_cells(data: bytes) -> str:
    """Return the language that a notebook says its kernel has, in small letters; Python when it says nothing."""
    found = _KERNEL.search(data)
    return found[1].decode().lower() if found else "python"


def code_of_cells(data: bytes) -> bytes:
    """Return a notebook's code with blanks for all else; commands of the notebook's own (`%time`, `!ls`) are blank."""
    lines: list[bytes] = []
    is_code = is_source = False
    for line in data.split(b"\n"):
        string = _STRING.match(line) if is_source else None
        if string and is_code and not _COMMAND.match(string[2]):
            code = _ESCAPE.sub(lambda match: _PLAIN.get(match[1], b"  "), string[2])
            lines.append((b" " * len(string[1]) + code).ljust(len(line)))
            continue
        lines.append(b" " * len(line))
        if kind := _TYPE.match(line):
            is_code = kind[1] == b"code"
        is_source = bool(_SOURCE.match(line)) or (is_source and string is not None)
    return b"\n".join(lines)
