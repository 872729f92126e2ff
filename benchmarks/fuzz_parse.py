"""Fuzz the way from bytes to chunks: random bytes, truncated, spliced, shuffled and damaged samples of every language.

python -m benchmarks.fuzz_parse [--count 100000] [--seed 1] [--workers 0] [--show N]

Every input goes through the worker pool, as a file of a build does. A grammar that hangs or crashes costs its worker;
such files are listed under `grammar stopped` with the cause, and must be indexed by their lines all the same. A run
fails when a parser raised an exception, when a file that is text was given up, when an outcome is missing or out of
order, or when a non-blank line of an indexed input is in no chunk. `--show N` writes input N to standard
output; inputs depend on the samples in tests/data/languages.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from benchmarks.measure import write_result
from indexer.config import Config, ParseOptions, WalkOptions
from indexer.languages.registry import LANGUAGES
from indexer.stages.decode import Decoded, decode
from indexer.stages.detect import detect
from indexer.types import FileRecord, ParsedFile, SkippedFile, SkipReason, SourceFile
from pipelines.parsing.pool import parse_files

SAMPLES = Path(__file__).parent.parent / "tests" / "data" / "languages"
MAX_BYTES = 3000
TIMEOUT_SECONDS = 2.0
STOPPED = ("took too long", "hung", "ran out of memory", "crashed", "parsing ")
"""How the reasons begin of grammars that cost their worker, or stopped by themselves; anything else is an exception."""

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


class Inputs:
    """The inputs as a source; a file's path holds its number."""

    def __init__(self, seed: int, count: int) -> None:
        self._seed, self._count = seed, count

    def files(self) -> Iterator[SourceFile | SkippedFile]:
        """Yield every input."""
        for number in range(self._count):
            extension, content = make_input(self._seed, number)
            yield SourceFile(f"{number:08d}{extension}", len(content), -2)

    def read(self, path: str) -> bytes:
        """Return one input."""
        return make_input(self._seed, int(path[:8]))[1]


def uncovered_line(content: bytes, parsed: ParsedFile) -> int:
    """Return the first non-blank line that no chunk spans, or 0."""
    decoded = decode(content)
    assert isinstance(decoded, Decoded)
    covered: set[int] = set()
    for chunk in parsed.chunks:
        covered.update(range(chunk.start_line, chunk.end_line + 1))
    for number, line in enumerate(decoded.text.split("\n"), 1):
        if line.strip() and number not in covered:
            return number
    return 0


def main() -> None:
    """Run, print the counts, write the result; exit with 1 after any failure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--show", type=int, metavar="N")
    options = parser.parse_args()
    if options.show is not None:
        sys.stdout.buffer.write(make_input(options.seed, options.show)[1])
        return
    inputs = Inputs(options.seed, options.count)
    walk = WalkOptions(include_generated=True, include_minified=True)
    config = Config(walk=walk, parse=ParseOptions(workers=options.workers, timeout_seconds=TIMEOUT_SECONDS))
    start = time.perf_counter()
    changes = detect(inputs, {})
    outcomes: Counter[str] = Counter(f"skipped: {record.skip}" for record in changes.skipped)
    languages: Counter[str] = Counter()
    failures: list[str] = []
    stopped: list[str] = []
    answered = 0
    for record, outcome in zip(changes.added, parse_files(inputs, changes.added, config), strict=True):
        answered += 1
        found = outcome.record if isinstance(outcome, ParsedFile) else outcome
        languages[found.language] += 1
        outcomes[_state(outcome)] += 1
        if found.failure.startswith(STOPPED):
            stopped.append(f"{found.path}: {found.failure}")
        if failure := _failure(record, outcome, inputs):
            failures.append(f"{found.path}: {failure}")
            print(failures[-1], file=sys.stderr)
        if answered % 10_000 == 0:
            print(f"{answered:,} of {len(changes.added):,}, {len(failures)} failures", file=sys.stderr)
    command = f"python -m benchmarks.fuzz_parse --count {options.count} --seed {options.seed}"
    figures = {
        "inputs": options.count,
        "uncounted": options.count - answered - len(changes.skipped),
        "outcomes": dict(sorted(outcomes.items())),
        "languages": len(languages),
        "seconds a file at most": TIMEOUT_SECONDS,
        "grammar stopped": stopped,
        "failures": failures,
        "seconds": time.perf_counter() - start,
    }
    print(write_result("fuzz_parse", command, figures).read_text())
    sys.exit(bool(failures))


def _state(outcome: ParsedFile | FileRecord) -> str:
    if not isinstance(outcome, ParsedFile):
        return f"skipped: {outcome.skip}"
    return "indexed by lines" if outcome.record.failure else "parsed"


def _failure(record: FileRecord, outcome: ParsedFile | FileRecord, inputs: Inputs) -> str:
    """Say what is wrong with an outcome, or nothing."""
    found = outcome.record if isinstance(outcome, ParsedFile) else outcome
    if found.path != record.path:
        return f"the outcome of {record.path} is missing"
    if not isinstance(outcome, ParsedFile):
        return found.detail if found.skip is SkipReason.PARSER_FAILED else ""
    if line := uncovered_line(inputs.read(record.path), outcome):
        return f"line {line} is in no chunk"
    return "" if found.failure.startswith(STOPPED) else found.failure


if __name__ == "__main__":
    main()
