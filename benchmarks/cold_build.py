"""A first build of flask's .py files against a plain fastembed loop over the same chunks; memory at ten times the size.

    python -m benchmarks.cold_build

The baseline embeds alone, with the fp32 model; the build also walks, parses, reduces, indexes and commits.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.encode import chunk_texts
from benchmarks.inputs import CACHE, flask_sources, folder_bytes, standard_library
from benchmarks.measure import Run, median_ratio, run, write_result

ROUNDS = 3
INDEXER = Path(sys.executable).parent / "indexer"


def build(root: Path) -> Run:
    """Index a folder from nothing, without the cache."""
    shutil.rmtree(root / ".indexer", ignore_errors=True)
    return run([INDEXER, "build", root, "--no-cache", "--quiet", "--json"])


def main() -> None:
    """Measure and write the result."""
    flask = flask_sources()
    large = standard_library("ten_times_flask", size=10 * folder_bytes(flask))
    with tempfile.TemporaryDirectory() as scratch:
        texts = Path(scratch) / "texts.json"
        texts.write_text(json.dumps(chunk_texts(flask)), encoding="utf-8")
        fp32 = Path(scratch) / "fp32"
        export: list[str | Path] = [sys.executable, "-m", "pipelines.export_model", "--variant", "fp32", "--out", fp32]
        run([*export, "--packages", CACHE / "packages"])
        baseline: list[str | Path] = [sys.executable, "-m", "benchmarks.plain_fastembed", texts, fp32]
        ours, plain = [build(flask)], [run(baseline)]
        for _ in range(ROUNDS):
            ours.append(build(flask))
            plain.append(run(baseline))
    ours, plain = ours[1:], plain[1:]
    ten = build(large)
    report, large_report = json.loads(ours[-1].stdout), json.loads(ten.stdout)
    peak = max(one.peak_rss_mb for one in ours)
    figures = {
        "flask": {
            "bytes": folder_bytes(flask),
            "chunks": report["chunks"]["total"],
            "build_seconds": statistics.median(one.wall_seconds for one in ours),
            "plain_fastembed_seconds": statistics.median(one.wall_seconds for one in plain),
            "plain_over_build": median_ratio([one.wall_seconds for one in plain], [one.wall_seconds for one in ours]),
            "build_peak_rss_mb": peak,
            "build_peak_rss_mb_with_workers": max(one.peak_tree_rss_mb for one in ours),
            "plain_peak_rss_mb": max(one.peak_rss_mb for one in plain),
            "seconds_by_stage": report["seconds"],
        },
        "ten_times": {
            "bytes": folder_bytes(large),
            "chunks": large_report["chunks"]["total"],
            "build_seconds": ten.wall_seconds,
            "build_peak_rss_mb": ten.peak_rss_mb,
            "build_peak_rss_mb_with_workers": ten.peak_tree_rss_mb,
            "peak_rss_over_flask": ten.peak_rss_mb / peak,
            "seconds_by_stage": large_report["seconds"],
        },
        "rounds": ROUNDS,
    }
    print(write_result("cold_build", "python -m benchmarks.cold_build", figures))
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
