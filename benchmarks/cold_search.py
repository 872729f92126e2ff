"""A search in a new process, its query read by the transformer and by the static table, in turn; whole processes.

python -m benchmarks.cold_search

What static queries cost in quality is in static_encoder.md, and in the results of benchmarks.retrieval with --queries.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.inputs import flask_sources
from benchmarks.measure import Run, alternate, median_ratio, run, write_result

ROUNDS = 11
INDEXER = Path(sys.executable).parent / "indexer"
QUERY = "where is the configuration read"


def main() -> None:
    """Measure and write the result."""
    root = flask_sources()
    with tempfile.TemporaryDirectory() as scratch:
        index = Path(scratch) / "index"
        run([INDEXER, "build", root, "--index-dir", index, "--fast", "--no-cache", "--quiet"])
        search: list[str | Path] = [INDEXER, "search", QUERY, "--root", root, "--index-dir", index, "--json"]
        own, static = alternate(lambda: run(search), lambda: run([*search, "--fast"]), rounds=ROUNDS)
    bare = statistics.median(run([sys.executable, "-c", "pass"]).wall_seconds for _ in range(ROUNDS))
    figures = {
        "rounds": ROUNDS,
        "bare_interpreter_seconds": bare,
        "transformer": _medians(own),
        "static": _medians(static),
        "static_over_transformer_wall": median_ratio(
            [one.wall_seconds for one in static], [one.wall_seconds for one in own]
        ),
        "static_over_transformer_cpu": median_ratio(
            [one.cpu_seconds for one in static], [one.cpu_seconds for one in own]
        ),
    }
    print(write_result("cold_search", "python -m benchmarks.cold_search", figures), figures)


def _medians(runs: list[Run]) -> dict[str, float]:
    return {
        "wall_seconds": statistics.median(one.wall_seconds for one in runs),
        "cpu_seconds": statistics.median(one.cpu_seconds for one in runs),
        "peak_rss_mb": max(one.peak_rss_mb for one in runs),
    }


if __name__ == "__main__":
    main()
