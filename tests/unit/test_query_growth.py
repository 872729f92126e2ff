"""No query and no glob, however made, takes more work than a small multiple of its length."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from indexer.search.literals import read_literals
from indexer.search.query import MAX_QUERY_CHARS, read_query

CPU_SECONDS = 3.0
"""Of a text that takes a tenth of a second; anything quadratic takes minutes."""

ASKED = ("words", "is_message", "texts", "constant", "is_plain", "is_key", "is_telling")
"""What a search asks of what a query writes verbatim."""

PIECES = (
    *"@+-.:/\\#$`'\"({[)}]<>;,=!~^%&|*? \t\n\r\x0b\x0c\x1c\x85\u2028",
    *("a", "A", "Aa", "aA", "1", "_", "é", "日", "\ud800", "\x00", "C:"),
    *("->", "::", "//", "/a", ".a", "a.", "@a", "a@", "a+", "a-", "a/", "\\a", "a.b", "a.py", "x:1", ":1"),
    *("at ", "\nat ", "at a", 'File "', '\nFile "', '", line ', "Error", "a.Error", "error[", "goroutine 1", "in "),
    *("```", "```\n", "```a", "a(", "a()", "a(;", ");", "def ", "\ndef a(", "if ", "return", "=>", "the ", "parseUrl "),
)


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Fail when the block takes more of the processor's time: another process on a busy machine doesn't count."""

    def fail(_signal: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"took more than {seconds} s of processor time")

    old = signal.signal(signal.SIGPROF, fail)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, old)


def repeated(length: int) -> Iterator[str]:
    """Yield every piece repeated, and then random short cycles of pieces, with random beginnings and ends."""
    yield from (piece * (length // len(piece)) for piece in PIECES)
    rng = random.Random(9)
    for _ in range(80):
        cycle = "".join(rng.choices(PIECES, k=rng.randint(2, 4)))
        start, end = rng.choice(PIECES), rng.choice(PIECES)
        yield (start + cycle * (length // len(cycle)))[: length - len(end)] + end


@pytest.mark.skipif(not hasattr(signal, "SIGPROF"), reason="needs a timer of processor time")
def test_reading_a_hostile_query_grows_with_its_length_alone() -> None:
    for text in repeated(MAX_QUERY_CHARS):
        with cpu_limit(CPU_SECONDS):
            if text.strip():
                literals = read_literals(read_query(text))
                assert [getattr(literals, name) for name in ASKED]
