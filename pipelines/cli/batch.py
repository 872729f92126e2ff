"""The queries of `indexer search --batch`: JSON lines from a file or from stdin, each checked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import msgspec

from indexer.errors import ConfigError

from ..answer import BatchQuery

MAX_LINE_BYTES = 1 << 20
"""Far more than the part of a query that is read."""


def batch_queries(name: str) -> Iterator[BatchQuery]:
    """Yield the queries in a file, or from stdin for "-", as they come.

    Raises ConfigError, with the number of the line, for what is no query, and when nothing can be read.
    """
    try:
        with nullcontext(_stdin()) if name == "-" else Path(name).open("rb") as lines:
            yield from _queries(lines)
    except OSError as error:
        raise ConfigError(f"--batch {name}: can't be read: {error.strerror}") from error


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise ConfigError("--batch -: stdin is closed; pipe the queries in, or name a file")
    return sys.stdin.buffer


def _queries(lines: BinaryIO) -> Iterator[BatchQuery]:
    number = 0
    while line := lines.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise ConfigError(f"--batch, line {number}: is longer than {MAX_LINE_BYTES:,} bytes")
        if not line.strip():
            continue
        try:
            query = msgspec.json.decode(line, type=BatchQuery)
            if not query.query.strip():
                raise msgspec.ValidationError("the query is empty")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ConfigError(f'--batch, line {number}: {error}; each line is {{"id": …, "query": "…"}}') from error
        yield query
