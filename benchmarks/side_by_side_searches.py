"""Warm searches of two checkouts of this project by turns, question by question, each on a synthetic index of its own.

python -m benchmarks.side_by_side_searches OLD NEW [--sizes 10000 100000] [--dims 192]

OLD and NEW are folders with the code; the same interpreter and packages run both. The encoder's time is not counted. A
ratio is the median of those of each question, and processor time is told beside the wall's, so that a load that comes
and goes falls on both.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.measure import alternate, median_ratio, write_result

SIZES = (10_000, 100_000)
WARM_UP, QUESTIONS = 100, 300
_ANSWER = """
import json, sys, time
from pathlib import Path
import indexer
from benchmarks.search_latency import TimedEncoder
from indexer.config import VectorOptions
root, dims = Path(sys.argv[1]), int(sys.argv[2])
questions = json.loads((root / ".indexer" / "questions.json").read_bytes())
encoder = TimedEncoder(questions, dims)
vectors = encoder._vectors
encoder.encode = lambda texts, role="passage": vectors[texts[0]]
with indexer.open(root, encoder=encoder, vectors=VectorOptions()) as index:
    for text, _ in questions:
        sys.stdin.readline() or sys.exit()
        wall, cpu = time.perf_counter(), time.process_time()
        index.search(text)
        print(time.perf_counter() - wall, time.process_time() - cpu, flush=True)
"""


class Side:
    """A checkout with an index of its own, in a process that answers one question after the other."""

    def __init__(self, checkout: Path, root: Path, size: int, dims: int) -> None:
        """Make the index, and start."""
        environment = {**os.environ, "PYTHONPATH": str(checkout.absolute())}
        options = ["--make", "--sizes", str(size), "--dims", str(dims), "--keep", str(root)]
        make = [sys.executable, "-m", "benchmarks.search_latency", *options]
        subprocess.run(make, env=environment, cwd=root, check=True, stdout=subprocess.DEVNULL)
        command = [sys.executable, "-c", _ANSWER, str(root), str(dims)]
        self.process = subprocess.Popen(
            command, env=environment, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self) -> tuple[float, float]:
        """Search once, and return the seconds that it took, wall and processor."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        wall, cpu = map(float, self.process.stdout.readline().split())
        return wall, cpu

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def compare(checkouts: Sequence[Path], size: int, dims: int) -> dict[str, Any]:
    """Return medians in milliseconds of both, and the median ratio, wall and processor."""
    with ExitStack() as stack:
        sides = []
        for checkout in checkouts:
            root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="side-by-side-")))
            sides.append(Side(checkout, root, size, dims))
            stack.callback(sides[-1].close)
        old, new = (times[WARM_UP:] for times in alternate(*sides, rounds=WARM_UP + QUESTIONS))
    figures: dict[str, Any] = {}
    for place, name in enumerate(("wall", "cpu")):
        before, after = ([one[place] * 1e3 for one in times] for times in (old, new))
        figures[name] = {
            "old_p50_ms": statistics.median(before),
            "new_p50_ms": statistics.median(after),
            "ratio": median_ratio(after, before),
        }
    return figures


def main() -> None:
    """Compare at each size and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--dims", type=int, default=192)
    given = parser.parse_args()
    figures: dict[str, Any] = {"questions": QUESTIONS, "dims": given.dims}
    for size in given.sizes:
        figures[f"{size}_chunks"] = compare((given.old, given.new), size, given.dims)
        print(size, json.dumps(figures[f"{size}_chunks"]), flush=True)
    sizes = " ".join(map(str, given.sizes))
    write_result(
        "side_by_side_searches", f"python -m benchmarks.side_by_side_searches OLD NEW --sizes {sizes}", figures
    )


if __name__ == "__main__":
    main()
