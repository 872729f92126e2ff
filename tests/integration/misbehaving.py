"""A parser that hangs, crashes, leaks, shouts or raises when a file tells it to; installed into workers by tests.

The chunker raises, or crashes as the parser does, at files that tell it to.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import Any

from indexer.stages.chunk import chunker as real_chunk
from indexer.stages.parse import parser as real
from indexer.types import Chunk
from pipelines.parsing import file as parse_file

BOOT = (
    "import sys; sys.path[:] = {path!r}; import tests.integration.misbehaving; "
    "from pipelines.parsing.worker import serve; serve({descriptor})"
)

_SIGNALS = {
    b"crash": signal.SIGSEGV,
    b"doom": signal.SIGSEGV,
    b"stop": signal.SIGSTOP,
    b"signal": signal.SIGRTMIN + 1,
}
_leaked: list[bytearray] = []


def misparse(source: bytes, language: str, *, timeout_seconds: float) -> real.ParseResult:
    """Do what the first word of the source says, then parse."""
    word = source.split(maxsplit=1)[0]
    if word in _SIGNALS:
        os.kill(os.getpid(), _SIGNALS[word])
    elif word == b"hang":
        while True:
            pass
    elif word == b"sleep":
        time.sleep(3600)
    elif word == b"nap":
        time.sleep(1)
    elif word == b"memory":
        _leaked.append(bytearray(1 << 40))
    elif word == b"leak":
        _leaked.append(bytearray(100 << 20))
    elif word == b"exit":
        os._exit(3)
    elif word == b"raise":
        raise KeyError("node")
    elif word == b"shout":
        with suppress(OSError):
            while True:
                os.write(2, b"a message of the grammar\n" * 1000)
        raise KeyError(f"{os.fstat(2).st_size} bytes")
    elif word == b"broken":
        raise ImportError("no such grammar")
    return real.parse(source, language, timeout_seconds=timeout_seconds)


def mischunk(path: str, language: str, source: bytes, *rest: Any) -> tuple[Chunk, ...]:
    """Do what the first word of the source says, then chunk."""
    word = source.split(maxsplit=1)[0]
    if word == b"doom":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif word == b"unchunkable":
        raise KeyError("line")
    return real_chunk.chunk(path, language, source, *rest)


for name, stand_in in (("parse", misparse), ("chunk", mischunk)):
    setattr(parse_file, name, stand_in)
