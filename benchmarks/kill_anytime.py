"""Kill builds, collections, checks and repairs at random times, and see that nothing is torn, lost or left over.

Each attack edits a small tree at random, starts a command, and kills it with SIGKILL at a random moment of the time
that the command takes. Afterwards the old or the new state must be served whole: `verify` finds nothing. About every
third attack a build is run to its end: no lock is in its way, its digest is that of a clean build, a search finds the
state's own function, and nothing but the documented files is left. All vectors are then those of a clean build,
whether static ones were replaced in several commits, some of them before the kill, or not. The others start from what a
killed command left.
Commands that end before their moment are checked too, and not counted as kills.

Most commands are forked from a warm server (see benchmarks.fork_server), so that the kills fall into the command's own
work and not into imports; every tenth is the installed program, from its first instruction on.

python -m benchmarks.kill_anytime [KILLS]     default: 10,000
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.attacked_index import STATES, TIERED, AttackedIndex, attacked_index, replaced
from benchmarks.fork_server import added_up, in_lanes
from benchmarks.measure import write_result

KILLS = 10_000


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
WHOLE = 0.1
"""The share of commands that are the installed program."""
LATER = 1.02
"""How much later the next kill of a command may fall when this one came in time; else at its end at the latest.

So the moments follow a machine that is busy now and idle then, and about one in ten comes too late.
"""
BUILDS = 0.3
"""The share of attacks after which a build is run to its end."""


def main() -> None:
    """Run, write the result, and fail when anything was torn."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    figures = kill_commands(kills, seed=1)
    print(figures)
    if kills >= KILLS:
        print(write_result("kill_anytime", "python -m benchmarks.kill_anytime", figures))


def kill_commands(kills: int, *, seed: int) -> dict[str, object]:
    """Kill so many commands and return what was served afterwards; raises AssertionError when it was not whole."""
    start = time.perf_counter()
    counts = added_up(in_lanes(_lane, range(kills), seed))
    return {"torn": 0, **counts, "seconds": time.perf_counter() - start}


def _lane(lane: int, kills: Sequence[int], seed: int) -> dict[str, int]:
    """Kill so many commands on one index, one after the other."""
    rng = random.Random(f"{seed}:{lane}")
    counts: Counter[str] = Counter()
    weights = [victim.weight for victim in COMMANDS.values()]
    with attacked_index(rng, TIERED) as attacked:
        took: dict[tuple[str, bool], float] = {}
        served = attacked.assert_whole(*range(STATES))
        while counts["killed"] < len(kills):
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
                assert repaired.code == 0, repaired
            served = attacked.assert_whole(before, attacked.state)
            counts["served the old state" if served == before else "served the new state"] += 1
            if rng.random() < BUILDS:
                attacked.build()
                attacked.assert_tidy()
                served = attacked.state
                counts["built to the end"] += 1
    return counts


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
