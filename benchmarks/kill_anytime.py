"""Kill builds, collections, checks and repairs at random times, and see that nothing is torn, lost or left over.

Each attack edits a small tree at random, starts a command, and kills it with SIGKILL at a random moment of the time
that the command takes. Afterwards the old or the new state must be served whole: `verify` finds nothing. About every
third attack a build is run to its end: no lock is in its way, its digest is that of a clean build, a search finds the
state's own function, and nothing but the documented files is left. All vectors are then those of a clean build,
whether static ones were replaced in several commits, some of them before the kill, or not. The others start from what a
killed command left.
Commands that end before their moment are checked too, and not counted as kills.

Most commands are forked from a warm server (see benchmarks.fork_server), so that the kills fall into the command's own
work and not into imports; every twentieth is the installed program, from its first instruction on.

python -m benchmarks.kill_anytime [--kills 10000] [--lanes N] [--resume]

The result is written after each round of 500 kills, so that a run that is cut off leaves a true count; `--resume` adds
to it. What was not whole is listed under `harmed`, a copy of that index is kept in a temporary folder, and the program
goes on with a new one, and exits with 1 at its end.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from benchmarks.attacked_index import TIERED, AttackedIndex, attacked_index, replaced
from benchmarks.fork_server import added_up, in_lanes
from benchmarks.measure import RESULTS, added, write_result

KILLS, ROUND = 10_000, 500
STATES = 6


@dataclass(frozen=True, slots=True)
class Victim:
    """A command to kill, and its share of the kills; so that it has work, a command before it, or a damaged file."""

    command: tuple[str, ...]
    weight: int
    first: tuple[str, ...] = ()
    damaged: str = ""


FAST = ("build", "--fast", "--no-cache")
"""Static vectors for whatever is new: what was computed before is not taken from the cache."""
COMMANDS = {
    "build": Victim(("build",), 8),
    "build --fast": Victim(FAST, 4),
    "build --full": Victim(("build", "--full"), 4),
    "upgrade": Victim(("build",), 4, first=FAST),
    "build and upgrade": Victim(("build", "--no-cache"), 1),
    "gc": Victim(("gc", "--keep", "1"), 2),
    "verify": Victim(("verify",), 1),
    "repair vectors": Victim(("repair",), 2, damaged="vectors/*.vectors"),
    "repair from the sources": Victim(("repair",), 2, damaged="text/*.store"),
}
WHOLE = 0.05
"""The share of commands that are the installed program."""
LATER = 1.02
"""How much later the next kill of a command may fall when this one came in time; else at its end at the latest.

So the moments follow a machine that is busy now and idle then, and about one in ten comes too late.
"""
BUILDS = 0.3
"""The share of attacks after which a build is run to its end."""


def main() -> None:
    """Run, write the result round by round, and fail when anything was torn."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--lanes", type=int, help="processes that kill side by side; default: one a core")
    parser.add_argument("--resume", action="store_true", help="add to the result that is there")
    options = parser.parse_args()
    figures: dict[str, Any] = {"rounds": 0, "killed": 0, "harmed": []}
    if options.resume:
        figures = msgspec.json.decode((RESULTS / "kill_anytime.json").read_bytes())["figures"]
    while figures["killed"] < options.kills:
        left = min(ROUND, options.kills - figures["killed"])
        done = kill_commands(left, seed=figures["rounds"], lanes=options.lanes)
        figures = added(figures, {"rounds": 1, **done})
        print(write_result("kill_anytime", "python -m benchmarks.kill_anytime", figures), figures, flush=True)
    sys.exit(bool(figures["harmed"]))


def kill_commands(kills: int, *, seed: int, lanes: int | None = None) -> dict[str, Any]:
    """Kill so many commands and return what was served afterwards, and what was not whole."""
    start = time.perf_counter()
    done = in_lanes(_lane, range(kills), seed, lanes=lanes)
    harmed = [line for _, lines in done for line in lines]
    return {**added_up(counts for counts, _ in done), "harmed": harmed, "seconds": time.perf_counter() - start}


def _lane(lane: int, kills: Sequence[int], seed: int) -> tuple[dict[str, int], list[str]]:
    """Kill so many commands; return the counts, and what was not whole."""
    rng = random.Random(f"{seed}:{lane}")
    counts: Counter[str] = Counter()
    harmed: list[str] = []
    while counts["killed"] < len(kills):
        with attacked_index(rng, TIERED, states=STATES) as attacked:
            try:
                _attack(attacked, len(kills), rng, counts)
            except AssertionError as error:
                kept = tempfile.mkdtemp(prefix="harmed-")
                shutil.copytree(attacked.folder, kept, symlinks=True, dirs_exist_ok=True)
                harmed.append(f"round {seed}, {counts['killed']}: {error}".replace(str(attacked.folder), "")[:500])
                print(harmed[-1], "kept in", kept, file=sys.stderr, flush=True)
    return counts, harmed


def _attack(attacked: AttackedIndex, kills: int, rng: random.Random, counts: Counter[str]) -> None:
    """Kill commands on one index, one after the other, until so many are counted; raises AssertionError."""
    weights = [victim.weight for victim in COMMANDS.values()]
    took: dict[tuple[str, bool], float] = {}
    served = attacked.assert_whole(*range(STATES))
    while counts["killed"] < kills:
        name, whole = rng.choices(list(COMMANDS), weights)[0], rng.random() < WHOLE
        victim, before = COMMANDS[name], served
        attacked.edit(rng.randrange(STATES))
        _give_work(attacked, victim)
        if victim.first:
            before = attacked.state
        # The first of its kind runs to its end, which tells how long that takes.
        moment = rng.uniform(0, took[name, whole]) if (name, whole) in took else None
        done = attacked.run(*victim.command, whole=whole, kill_after=moment)
        assert done.code == -9 or not done.fault, (name, done)
        killed = done.code == -9
        took[name, whole] = LATER * took[name, whole] if killed else done.seconds
        counts["killed" if killed else "done before the kill"] += 1
        counts[f"killed: {name}"] += killed
        counts["killed: the installed program"] += killed and whole
        if victim.damaged:
            repaired = attacked.run("repair")
            assert repaired.code == 0, (name, repaired)
        served = attacked.assert_whole(before, attacked.state)
        counts["served the old state" if served == before else "served the new state"] += 1
        if rng.random() < BUILDS:
            attacked.build()
            attacked.assert_tidy()
            served = attacked.state
            counts["built to the end"] += 1


def _give_work(attacked: AttackedIndex, victim: Victim) -> None:
    """Run what comes first, and alter a file of the served generation where the command is there to mend it."""
    if victim.first:
        done = attacked.run(*victim.first)
        assert done.code == 0, done
    if victim.damaged:
        path = sorted(attacked.generation.glob(victim.damaged))[0]
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        replaced(path, bytes(content))


if __name__ == "__main__":
    main()
