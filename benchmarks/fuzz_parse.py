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
import sys
import time
from collections import Counter

from benchmarks.fuzz_inputs import Inputs, make_input
from benchmarks.measure import write_result
from indexer.config import Config, ParseOptions, WalkOptions
from indexer.stages.decode import Decoded, decode
from indexer.stages.detect import detect
from indexer.types import FileRecord, ParsedFile, SkipReason
from pipelines.parsing.pool import parse_files

TIMEOUT_SECONDS = 2.0
STOPPED = ("took too long", "hung", "ran out of memory", "crashed", "parsing ")
"""How the reasons begin of grammars that cost their worker, or stopped by themselves; anything else is an exception."""


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
    if line := uncovered_line(inputs.read(record.path)[0], outcome):
        return f"line {line} is in no chunk"
    return "" if found.failure.startswith(STOPPED) else found.failure


if __name__ == "__main__":
    main()
