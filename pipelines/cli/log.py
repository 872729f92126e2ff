"""The form of lines on stderr: text for a person, or a JSON object each for a program that keeps logs."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

LEVELS = {"error": "error", "unexpected error": "error", "warning": "warning", "note": "info"}
"""What a line begins with, before a colon, and the level that it has."""

_state = {"format": "text"}


class LogLine(msgspec.Struct, frozen=True):
    """A line on stderr with `--log-format json`; `time` is ISO 8601, `level` error, warning or info."""

    time: str
    level: str
    message: str


def set_log_format(name: str) -> None:
    """Choose "text" or "json" for this process."""
    _state["format"] = name


def is_json() -> bool:
    """Whether lines are JSON objects."""
    return _state["format"] == "json"


def log_line(line: str) -> str:
    """Return a line in the chosen form."""
    if not is_json():
        return line
    head, _, rest = line.partition(": ")
    level = LEVELS.get(head, "")
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return msgspec.json.encode(LogLine(now, level or "info", rest if level else line)).decode()
