"""Ask an index a hundred thousand odd queries and globs, and see that each is answered or refused by name, and quickly.

python -m benchmarks.fuzz_queries [--count 100000] [--seed 1] [--show N]

Inputs come from a grammar of what queries and globs are made of (words, names, paths, traces, quotes, classes,
alternatives, and far too many of each), a tenth from Hypothesis' strategy for any text. Half of them are read as
queries, and every tenth of these is searched for; half are globs that limit a search. Seconds are the processor's.
Whatever is neither answered nor a ConfigError, crashes, or takes more than LIMIT_SECONDS is listed under `harmed`, and
the program exits with 1. `--show N` writes input N to standard output.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.attacked_index import attacked_index
from benchmarks.fork_server import CONTEXT, in_lanes
from benchmarks.measure import write_result

COUNT = 100_000
LIMIT_SECONDS = 20.0
SLOW_SECONDS = 0.1
"""What no query and no glob may take to be read."""
SHOWN = 20
MEMORY_BYTES = 4 << 30
MAX_CHARS = 50_000
HYPOTHESIS_SHARE = 10

_WORDS = (
    "where is the index committed parse parseUrl http_client KeyError brew for while return id foo.bar x@ a.b/ A aB "
    "Foo::bar->baz#qux src/app/main.py ..\\lib\\x.cc:120 C:/x/y.go `code` @ / \\ . - _ :: -> ( [ { ` \" ' * $ ^ 1 ß İ "
    "é e\u0301 日本語 😀 \ud800 \u202e \0 \x1b[31m 99999999999999999999999999999999999999"
)
_LINES = (
    'File "a/b.py", line 3, in f',
    "Traceback (most recent call last):\n",
    "    at com.x.Y.z(Y.java:10)\n",
    "```python\nx = 1\n```",
    "'quoted text'",
    '"two words"',
    "\n",
    "\t",
)
_GLOBS = (
    "* ** ? / // **/ /** ! \\ [ ] [! [a-z] [z-a] [] []] [a&&b] [a--b] [[:alpha:]] [^/] [\\] [\\d] { } , {a,b} {,} "
    "{a,{b,c}} {1..9} ( ) | + . $ ^ ~ # & - src a *.py .* .. ./ é \0 \ud800 \u202e {2,} *? x{99999}"
)


Outcome = tuple[int, float, str]
"""An input's number, the seconds that it took to be read, and what came of it."""


def main() -> None:
    """Run, write the result, and fail when anything did harm."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, metavar="N")
    options = parser.parse_args()
    if options.show is not None:
        sys.stdout.buffer.write(make_input(options.seed, options.show).encode("utf-8", "surrogatepass"))
        return
    figures = fuzz(options.count, seed=options.seed)
    print(figures)
    if options.count >= COUNT:
        print(write_result("fuzz_queries", f"python -m benchmarks.fuzz_queries --seed {options.seed}", figures))
    sys.exit(bool(figures["harmed"]))


def fuzz(count: int, *, seed: int) -> dict[str, Any]:
    """Ask so many inputs and return outcomes, the slowest, and what did harm."""
    start = time.perf_counter()
    with attacked_index(random.Random(seed)) as attacked:
        done = in_lanes(_lane, range(count), seed, attacked.index_dir, attacked.folder)
        outcomes = [outcome for lane in done for outcome in lane]
    figures: dict[str, Any] = {"inputs": count, "uncounted": count - len(outcomes)}
    for kind, parity in (("queries", 0), ("globs", 1)):
        found = [outcome for outcome in outcomes if outcome[0] % 2 == parity]
        slowest = max(found, key=lambda outcome: outcome[1])
        slow = [number for number, seconds, _ in found if seconds > SLOW_SECONDS]
        figures[kind] = {
            **Counter(what.split(":")[0] for _, _, what in found),
            "slowest seconds": slowest[1],
            "slowest input": slowest[0],
            "slow": len(slow),
            "slow inputs": slow[:SHOWN],
        }
    named = ("answered", "refused")
    figures["harmed"] = [f"{number}: {what}" for number, _, what in sorted(outcomes) if not what.startswith(named)]
    return {**figures, "seconds": time.perf_counter() - start}


def make_input(seed: int, number: int) -> str:
    """Return one input, the same for the same seed and number: a query when the number is even, else a glob."""
    rng = random.Random(f"{seed}:{number}")
    if number // 2 % HYPOTHESIS_SHARE == 0:
        return _any_text(rng)
    pieces = _GLOBS.split(" ") if number % 2 else [*_WORDS.split(" "), *_LINES]
    kind = rng.randrange(8)
    if kind == 0:
        return (rng.choice(pieces) * rng.choice((10, 1000, 8000, MAX_CHARS)))[:MAX_CHARS]
    if kind == 1:
        part = "".join(rng.choices(pieces, k=rng.randrange(2, 6)))
        return (part * rng.choice((10, 100, 8000)))[:MAX_CHARS]
    if kind == 2:
        ends = rng.choice((("[", "]"), ("{a,", "}"), ("(", ")"), ('"', '"'), ("```\n", "\n```"), ("`", "`")))
        depth = rng.choice((3, 30, 300, 3000))
        return (ends[0] * depth + rng.choice(pieces) + ends[1] * depth)[:MAX_CHARS]
    between = rng.choice(("", "/")) if number % 2 else rng.choice((" ", "", "\n", "."))
    return between.join(rng.choices(pieces, k=rng.choice((1, 3, 10, 50, 500))))[:MAX_CHARS]


def _any_text(rng: random.Random) -> str:
    """Return what Hypothesis takes for a text: any code points, surrogates among them, odd ones more often."""
    from hypothesis import HealthCheck, given, seed, settings
    from hypothesis import strategies as st

    texts: list[str] = []

    @seed(rng.randrange(1 << 32))
    @settings(max_examples=3, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.text(st.characters(), min_size=rng.choice((0, 1, 50)), max_size=200))
    def draw(text: str) -> None:
        texts.append(text)

    draw()
    return texts[-1]


def _lane(lane: int, numbers: Sequence[int], seed: int, index_dir: Path, folder: Path) -> list[Outcome]:
    """Return the outcome of each input; one that ends its process is named, and the next one goes on."""
    log = folder / f"log-{lane}"
    left, outcomes = list(numbers), []
    while left:
        log.unlink(missing_ok=True)
        process = CONTEXT.Process(target=_ask_all, args=(left, seed, index_dir, log))
        process.start()
        process.join()
        done = [line.split("\t") for line in log.read_text(encoding="utf-8").splitlines()]
        for number, *rest in done:
            if rest:
                outcomes.append((int(number), float(rest[0]), rest[1]))
            else:
                outcomes.append(
                    (int(number), LIMIT_SECONDS, f"ended the process or hung: exit code {process.exitcode}")
                )
        assert done or process.exitcode == 0, f"the process ended before its first input: {process.exitcode}"
        left = left[len(done) :]
    return outcomes


def _ask_all(numbers: Sequence[int], seed: int, index_dir: Path, log: Path) -> None:
    """Ask in this process, which ends when an input takes too long; log each number before and its outcome after."""
    import indexer
    from indexer.config import EncoderOptions

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.RLIM_INFINITY))
    with (
        indexer.open(index_dir, options=EncoderOptions(name="hashing")) as index,
        log.open("w", encoding="utf-8") as lines,
        open(os.devnull, "w") as nowhere,  # noqa: PTH123
    ):
        for number in numbers:
            text = make_input(seed, number)
            faulthandler.dump_traceback_later(LIMIT_SECONDS, exit=True, file=nowhere)
            lines.write(str(number))
            lines.flush()
            if number % 2:
                seconds, what = _timed(partial(index.search, "part", k=3, mode="text", paths=(text,)))
            else:
                seconds, what = _timed(partial(_read, text))
                if number % 20 == 0 and what == "answered":
                    _, what = _timed(partial(index.search, text, k=3))
            lines.write(f"\t{seconds:.6f}\t{what}\n")
        faulthandler.cancel_dump_traceback_later()


def _read(text: str) -> object:
    """Read a query as a search does before it asks an index."""
    from indexer.search.literals import read_literals
    from indexer.search.query import read_query

    literals = read_literals(read_query(text))
    return literals.constant, literals.is_message, literals.is_telling


def _timed(ask: Callable[[], object]) -> tuple[float, str]:
    """Return the seconds of this thread's processor time, and what came of it in one line."""
    from indexer.errors import ConfigError

    start = time.thread_time()
    try:
        ask()
        what = "answered"
    except ConfigError:
        what = "refused"
    except BaseException as error:  # a panic of an engine derives from BaseException alone
        what = f"{type(error).__name__}: {ascii(str(error))[:200]}"
    return time.thread_time() - start, what


if __name__ == "__main__":
    main()
