"""Whole-process seconds of a build that finds nothing changed, and of one that finds one function changed.

python -m benchmarks.incremental [--rounds N]

Beside a bare interpreter and `git status` of the same tree, in turn, since machines differ and drift. A function is
changed twice a round: for a build that stops at static vectors (--fast), and for one that also upgrades.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.inputs import flask_sources
from benchmarks.measure import run, write_result

INDEXER = Path(sys.executable).parent / "indexer"
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgSign=false")
RACY_SECONDS = 2.1
"""Files written within two seconds of a build are read once more by the next."""


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    walls: dict[str, list[float]] = {
        name: []
        for name in ("bare_interpreter", "git_status", "unchanged", "one_function_fast", "one_function_upgraded")
    }
    embedded = set()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "flask"
        shutil.copytree(flask_sources(), root, ignore=shutil.ignore_patterns(".indexer"))
        for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "all")):
            subprocess.run([*GIT, *command], cwd=root, check=True)
        build: list[str | Path] = [INDEXER, "build", root, "--no-cache", "--quiet", "--json"]
        run(build)
        time.sleep(RACY_SECONDS)
        run(build)
        edited = root / "src" / "flask" / "helpers.py"
        original = edited.read_text(encoding="utf-8")
        for number in range(rounds):
            walls["bare_interpreter"].append(run([sys.executable, "-c", "pass"]).wall_seconds)
            walls["git_status"].append(run(["git", "status", "--short"], cwd=root).wall_seconds)
            walls["unchanged"].append(run(build).wall_seconds)
            for name, flags in (("one_function_fast", ["--fast"]), ("one_function_upgraded", [])):
                marker = f'def get_debug_flag() -> bool:\n    """Marker {number} {name}."""\n'
                edited.write_text(original.replace("def get_debug_flag() -> bool:\n", marker), encoding="utf-8")
                done = run([*build, *flags])
                walls[name].append(done.wall_seconds)
                embedded.add(json.loads(done.stdout)["chunks"]["embedded"])
            time.sleep(RACY_SECONDS)
            run(build)
    bare = statistics.median(walls["bare_interpreter"])
    figures = {
        **{f"{name}_seconds": statistics.median(own) for name, own in walls.items()},
        **{f"{name}_seconds_max": max(own) for name, own in walls.items()},
        **{f"{name}_over_bare_interpreter": statistics.median(own) / bare for name, own in walls.items()},
        "chunks_embedded_for_one_function": sorted(embedded),
        "rounds": rounds,
    }
    print(write_result("incremental", "python -m benchmarks.incremental", figures), figures)


if __name__ == "__main__":
    main()
