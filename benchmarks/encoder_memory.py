"""Peak memory of a build under encoder.memory_limit, with batches that would not fit in it otherwise.

    python -m benchmarks.encoder_memory

One full build of flask's package for each limit, its cache empty, with 16,384 tokens a batch asked for. Resident memory
of the process and of its whole tree, as benchmarks.measure has it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.children import surroundings
from benchmarks.inputs import flask_sources
from benchmarks.measure import run, write_result

LIMITS = ("", "450MB", "600MB", "900MB")
ASKED_TOKENS = 16_384


def main() -> None:
    """Measure and write the result."""
    figures: dict[str, Any] = {"asked_tokens_a_batch": ASKED_TOKENS}
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "flask"
        shutil.copytree(next(flask_sources().rglob("src/flask")), root)
        for limit in LIMITS:
            home = Path(temporary) / f"home{limit}"
            home.mkdir()
            settings = ["--set", f"encoder.token_budget={ASKED_TOKENS}"]
            if limit:
                settings += ["--set", f"encoder.memory_limit={limit}"]
            indexer = Path(sys.executable).parent / "indexer"
            command: list[str | Path] = [indexer, "build", root, "--index-dir", home / "index", "--no-cache", *settings]
            done = run(command, env=surroundings(home))
            figures[limit or "no limit"] = {
                "peak_rss_mb": done.peak_rss_mb,
                "peak_rss_mb_with_workers": done.peak_tree_rss_mb,
                "wall_seconds": done.wall_seconds,
            }
            print(limit or "no limit", figures[limit or "no limit"], flush=True)
    write_result("encoder_memory", "python -m benchmarks.encoder_memory", figures)


if __name__ == "__main__":
    main()
