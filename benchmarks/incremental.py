"""Whole-process seconds of a build that finds nothing changed, and of one that finds one function changed.

python -m benchmarks.incremental
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.inputs import flask_sources
from benchmarks.measure import run, write_result

ROUNDS = 11
INDEXER = Path(sys.executable).parent / "indexer"


def main() -> None:
    """Measure and write the result."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "flask"
        shutil.copytree(flask_sources(), root, ignore=shutil.ignore_patterns(".indexer"))
        build: list[str | Path] = [INDEXER, "build", root, "--no-cache", "--quiet", "--json"]
        run(build)
        # Files written within two seconds of a build are read once more by the next.
        run(build)
        interpreter = [run([sys.executable, "-c", "pass"]).wall_seconds for _ in range(ROUNDS)]
        unchanged = [run(build).wall_seconds for _ in range(ROUNDS)]
        changed, embedded = [], set()
        edited = root / "src" / "flask" / "helpers.py"
        original = edited.read_text(encoding="utf-8")
        for round_number in range(ROUNDS):
            marker = f'def get_debug_flag() -> bool:\n    """Marker {round_number}."""\n'
            edited.write_text(original.replace("def get_debug_flag() -> bool:\n", marker), encoding="utf-8")
            done = run(build)
            changed.append(done.wall_seconds)
            embedded.add(json.loads(done.stdout)["chunks"]["embedded"])
    figures = {
        "bare_interpreter_seconds": statistics.median(interpreter),
        "unchanged_seconds": statistics.median(unchanged),
        "unchanged_seconds_max": max(unchanged),
        "one_function_changed_seconds": statistics.median(changed),
        "one_function_changed_seconds_max": max(changed),
        "chunks_embedded_for_one_function": sorted(embedded),
        "rounds": ROUNDS,
    }
    print(write_result("incremental", "python -m benchmarks.incremental", figures), figures)


if __name__ == "__main__":
    main()
