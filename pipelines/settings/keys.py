"""The keys that there are, the nearest one to a mistake, and the line of a TOML file that sets one."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from indexer.config import Config

Steps = tuple[str, ...]
"""A key as the tables that lead to it and its own name."""

ANY_NAME = "languages"
"""The table whose keys are the user's own."""

_HEADER = re.compile(r"\s*\[{1,2}([^\[\]]+)\]{1,2}\s*(?:#.*)?")
_ASSIGNMENT = re.compile(r"""\s*((?:[\w.\- \t]|"[^"]*"|'[^']*')+?)\s*=""")
_STEP = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*\.?""")


def every_key() -> dict[Steps, Any]:
    """Return each key with its default value, in the order of indexer.config."""
    tables: dict[str, dict[str, Any]] = msgspec.to_builtins(Config())
    return {(table, key): value for table, values in tables.items() for key, value in values.items()}


def nearest_key(steps: Steps) -> str:
    """Return the valid key that is most like a mistaken one, or "" when none is like it."""
    from difflib import get_close_matches

    names = {".".join(known): known[-1] for known in every_key()}
    same = [name for name, last in names.items() if last == steps[-1]]
    tables = {known[0] for known in every_key()} | {ANY_NAME}
    near = same or get_close_matches(".".join(steps), [*names, *tables], n=1, cutoff=0.6)
    if not near:
        last = get_close_matches(steps[-1], list(names.values()), n=1, cutoff=0.6)
        near = [name for name, own in names.items() if own in last]
    return near[0] if near else ""


def line_of(text: str, steps: Steps) -> int | None:
    """Return the number of the line that sets a key, or else of the table around it; None when there is neither."""
    table: Steps = ()
    best, depth = None, 0
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line):
            table = found = _split(header[1])
        elif assignment := _ASSIGNMENT.match(line):
            found = table + _split(assignment[1])
        else:
            continue
        if len(found) > depth and steps[: len(found)] == found:
            best, depth = number, len(found)
    return best


def value_of(steps: Steps, text: str) -> Any:
    """Return what a text stands for as the value of a key: TOML, or the text itself where the key takes one."""
    import tomllib

    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
    takes_text = isinstance(every_key().get(steps, ""), str)
    return text if takes_text and not isinstance(value, str) else value


def _split(key: str) -> Steps:
    return tuple(match[1] or match[2] or match[3] or "" for match in _STEP.finditer(key))
