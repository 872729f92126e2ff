"""A first searchable index of some trees, each beside a peer's command, as whole processes.

    python -m benchmarks.first_index [--rounds N] [--flag=--fast] TREE... [-- PEER ARGUMENT... {tree}]

Everything after `--` is the peer's command, {tree} in it the tree's path; whatever it keeps of a tree must be off or
removed by the command itself. Runs alternate; medians, and the medians of the ratios pair by pair, are quoted. MB are
those of the indexed files. The index folder is one of its own, so that the trees stay as they are.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Run, median_ratio, run, write_result

INDEXER = Path(sys.executable).parent / "indexer"


def measure(tree: Path, flags: Sequence[str], peer: Sequence[str], *, rounds: int, scratch: Path) -> dict[str, Any]:
    """Return the figures of one tree; the first round is not counted."""
    index = scratch / "index"
    command: list[str | Path] = [
        INDEXER,
        "build",
        tree,
        "--index-dir",
        index,
        "--no-cache",
        "--quiet",
        "--json",
        *flags,
    ]
    beside = [part.replace("{tree}", str(tree)) for part in peer]
    ours: list[Run] = []
    theirs: list[Run] = []
    for number in range(rounds + 1):
        for own in (True, False) if number % 2 else (False, True):
            if own:
                shutil.rmtree(index, ignore_errors=True)
                ours.append(run(command))
            elif peer:
                theirs.append(run(beside))
    ours, theirs = ours[1:], theirs[1:]
    report = json.loads(ours[-1].stdout)
    figures: dict[str, Any] = {
        "bytes": report["bytes"],
        "chunks": report["chunks"]["total"],
        "digest": report["digest"],
        "ours": _medians(ours),
        "megabytes_per_second": report["bytes"] / 1e6 / statistics.median(one.wall_seconds for one in ours),
        "seconds_by_stage": report["seconds"],
    }
    if theirs:
        our_walls, their_walls = ([one.wall_seconds for one in runs] for runs in (ours, theirs))
        figures["peer"] = _medians(theirs)
        figures["ours_over_peer_wall"] = median_ratio(our_walls, their_walls)
        figures["ours_over_peer_cpu"] = median_ratio(
            [one.cpu_seconds for one in ours], [one.cpu_seconds for one in theirs]
        )
    return figures


def _medians(runs: Sequence[Run]) -> dict[str, float]:
    return {
        "wall_seconds": statistics.median(one.wall_seconds for one in runs),
        "cpu_seconds": statistics.median(one.cpu_seconds for one in runs),
        "peak_rss_mb": max(one.peak_rss_mb for one in runs),
        "peak_rss_mb_with_workers": max(one.peak_tree_rss_mb for one in runs),
    }


def main() -> None:
    """Measure and write the result."""
    arguments, peer = sys.argv[1:], []
    if "--" in arguments:
        place = arguments.index("--")
        arguments, peer = arguments[:place], arguments[place + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--flag", action="append", default=[], help="added to our build; may be repeated")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        figures = {
            tree.resolve().name: measure(tree.resolve(), chosen.flag, peer, rounds=chosen.rounds, scratch=Path(scratch))
            for tree in chosen.trees
        }
    result = {"rounds": chosen.rounds, "flags": chosen.flag, "peer": Path(peer[0]).name if peer else "", **figures}
    print(write_result("first_index", "python -m benchmarks.first_index TREE... -- PEER", result))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
