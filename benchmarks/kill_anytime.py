"""Kill builds, collections, checks and repairs at random times, and see that nothing is torn, lost or left over.

Each attack edits a small tree at random, starts a command, and kills it with SIGKILL at a random moment of the time
that the command takes. Afterwards the old or the new state must be served whole: `verify` finds nothing. About every
third attack a build is run to its end: no lock is in its way, its digest is that of a clean build, a search finds the
state's own function, and nothing but the documented files is left. The others start from what a killed command left.
Commands that end before their moment are checked too, and not counted as kills.

python -m benchmarks.kill_anytime [KILLS]     default: 10,000
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Sequence

from benchmarks.attacked_index import STATES, AttackedIndex, attacked_index, replaced
from benchmarks.children import added_up, in_lanes
from benchmarks.measure import write_result

KILLS = 10_000
COMMANDS: dict[str, tuple[str, ...]] = {
    "build": ("build",),
    "build --full": ("build", "--full"),
    "gc": ("gc", "--keep", "1"),
    "verify": ("verify",),
    "repair vectors": ("repair",),
    "repair from the sources": ("repair",),
}
WEIGHTS = (8, 4, 2, 1, 2, 2)
"""Most kills go to what writes most."""
DAMAGE = {"repair vectors": "vectors/*.vectors", "repair from the sources": "text/*.store"}
"""What is damaged first, so that a repair has work."""
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
    with attacked_index(rng) as attacked:
        took = {name: _took(attacked, name) for name in COMMANDS}
        served = attacked.assert_whole(*range(STATES))
        while counts["killed"] < len(kills):
            name = rng.choices(list(COMMANDS), WEIGHTS)[0]
            before = served
            attacked.edit(rng.randrange(STATES))
            damaged = _damage(attacked, name)
            done = attacked.program(*attacked.command(*COMMANDS[name]), kill_after=rng.uniform(0, took[name]))
            assert done.code == -9 or not done.fault, (name, done)
            counts["killed" if done.code == -9 else "done before the kill"] += 1
            counts[f"killed: {name}"] += done.code == -9
            if damaged:
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


def _took(attacked: AttackedIndex, name: str) -> float:
    """Return the seconds that a command takes with something to do."""
    attacked.edit((attacked.state + 1) % STATES)
    _damage(attacked, name)
    start = time.perf_counter()
    done = attacked.run(*COMMANDS[name])
    took = time.perf_counter() - start
    assert done.code == 0, (name, done)
    return took


def _damage(attacked: AttackedIndex, name: str) -> bool:
    """Alter a file of the served generation where the command is there to mend it; return whether one was altered."""
    if name not in DAMAGE:
        return False
    path = sorted(attacked.generation.glob(DAMAGE[name]))[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    replaced(path, bytes(content))
    return True


if __name__ == "__main__":
    main()
