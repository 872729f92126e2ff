"""What full builds measure of their own vectors, by projection: the share of float neighbours found, and what it costs.

python -m benchmarks.recall [FOLDER …] [--cache FOLDER]

Without folders: flask's Python files and 2 MB of the standard library; figures of given ones go into
recall_folders.json. Least, median and largest figure of all folders. Every text is embedded once and kept in the
cache, so seconds are those of a build that embeds nothing, the dearest case for the share that measuring takes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.inputs import flask_sources, standard_library
from benchmarks.measure import write_result
from indexer.config import Config, ProjectionOptions
from pipelines.build import build

PROJECTIONS = {
    "none": ProjectionOptions(mode="none"),
    "fit 128": ProjectionOptions(mode="fit", dims=128),
    **{f"bundled {dims}": ProjectionOptions(dims=dims) for dims in (256, 192, 128, 64, 32, 16)},
}


def main() -> None:
    """Build every folder with every projection, and write down the spread of what the builds report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()
    folders = arguments.folders or [flask_sources(), standard_library("library", size=2_000_000)]
    with tempfile.TemporaryDirectory() as scratch:
        cache = arguments.cache or Path(scratch, "cache")
        for folder in folders:
            build(folder, index_dir=Path(scratch, "warm", folder.name), cache_dir=cache)
        figures: dict[str, Any] = {"folders": len(folders)}
        for name, projection in PROJECTIONS.items():
            index_dir = Path(scratch, name)
            reports = [_measure(folder, projection, index_dir / folder.name, cache) for folder in folders]
            figures[name] = {key: _spread([report[key] for report in reports]) for key in reports[0]}
            print(name, figures[name], flush=True)
    name, given = ("recall_folders", " FOLDER …") if arguments.folders else ("recall", "")
    print(write_result(name, f"python -m benchmarks.recall{given}", figures))


def _measure(folder: Path, projection: ProjectionOptions, index_dir: Path, cache: Path) -> dict[str, float]:
    report = build(folder, config=Config(projection=projection), index_dir=index_dir, cache_dir=cache)
    assert report.recall is not None
    assert report.drift is not None
    return {
        "chunks": report.chunks.total,
        "recall": report.recall.recall,
        "overlap": report.recall.overlap,
        "energy": report.drift.energy,
        "measure_seconds": report.seconds["measure"],
        "all_seconds": sum(report.seconds.values()),
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"least": min(values), "median": statistics.median(values), "most": max(values)}


if __name__ == "__main__":
    main()
