"""Inputs for benchmarks.fuzz_parse, made of a seed, a number, and the samples in tests/data/languages.

A module of its own, since the worker processes read the inputs and so import it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from indexer.languages.registry import LANGUAGES
from indexer.types import FileRecord, IndexedSource, LeftOut, SkippedFile, SourceFile, Stat

SAMPLES = Path(__file__).parent.parent / "tests" / "data" / "languages"
MAX_BYTES = 3000
UNTIMED = -2
"""A modification time that no file system gives, and no clock makes racy."""

NESTING = (
    b"(",
    b"[",
    b"{",
    b"<",
    b"((",
    b"[{",
    b"if (",
    b"- ",
    b"> ",
    b'"',
    b"/*",
    b"#",
    b"`",
    b"fn(",
    b"begin ",
    b"<a>",
)


@cache
def samples() -> list[tuple[str, bytes]]:
    """Return extension and content of each language's sample; languages without one lend their text to nobody."""
    found = []
    for name, row in LANGUAGES.items():
        extension = f".{row.extensions[0]}" if row.extensions else f".{name}"
        folder = SAMPLES / name
        sample = next(iter(sorted(folder.glob("sample*"))), None)
        if sample is not None:
            found.append((sample.suffix or extension, sample.read_bytes()))
    return found


@cache
def extensions() -> list[str]:
    """Return an extension for each registered language."""
    return sorted({f".{row.extensions[0]}" for row in LANGUAGES.values() if row.extensions})


def make_input(seed: int, number: int) -> tuple[str, bytes]:
    """Return the extension and content of one input, the same for the same seed and number."""
    chance = random.Random(f"{seed}:{number}")
    kind = chance.randrange(8)
    extension, text = chance.choice(samples())
    start = chance.randrange(max(1, len(text) - MAX_BYTES // 2))
    piece = text[start : start + chance.randrange(1, MAX_BYTES)]
    if kind == 0:
        return chance.choice(extensions()), chance.randbytes(chance.randrange(1, MAX_BYTES))
    if kind == 1:
        return chance.choice(extensions()), bytes(chance.choices(range(9, 127), k=chance.randrange(1, MAX_BYTES)))
    if kind == 2:
        return extension, text[: chance.randrange(1, MAX_BYTES)]
    if kind == 3:
        other = chance.choice(samples())[1]
        cut = chance.randrange(len(other))
        return extension, piece + other[cut : cut + MAX_BYTES // 2]
    if kind == 4:
        opening = chance.choice(NESTING)
        return extension, piece[:200] + opening * (MAX_BYTES // len(opening)) + piece[200:400]
    if kind == 5:
        lines = piece.split(b"\n")
        chance.shuffle(lines)
        return extension, b"\n".join(lines)
    damaged = bytearray(piece)
    for _ in range(chance.randrange(1, 30)):
        place = chance.randrange(len(damaged))
        if kind == 6:
            damaged[place] = chance.randrange(256)
        else:
            damaged[place : place + chance.randrange(20)] = chance.choice(
                (b"", b"\r", b"\0", b"\\", b'"', b"}", b"\xff\xfe")
            )
            damaged = damaged or bytearray(b"x")
    return extension, bytes(damaged)


@dataclass(frozen=True)
class Inputs:
    """The inputs as a source, and as its reader; a file's path holds its number."""

    seed: int
    count: int
    left_out = LeftOut()
    description = IndexedSource(kind="fuzz", root="")

    def files(self, known: Mapping[str, FileRecord] | None = None) -> Iterator[SourceFile | SkippedFile]:
        """Yield every input."""
        for number in range(self.count):
            extension, content = make_input(self.seed, number)
            yield SourceFile(f"{number:08d}{extension}", len(content), UNTIMED)

    def content_id(self, file: SourceFile) -> bytes:
        """Return nothing: git knows none of them."""
        return b""

    def reader(self) -> Inputs:
        """Return the inputs themselves."""
        return self

    def read(self, path: str) -> tuple[bytes, Stat]:
        """Return one input and its stat."""
        content = make_input(self.seed, int(path[:8]))[1]
        return content, (len(content), UNTIMED, 0, 0)
