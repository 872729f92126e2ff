"""`make bench` runs every benchmark, or says why not."""

from __future__ import annotations

from pathlib import Path

import benchmarks
from benchmarks.__main__ import ALL, NEED_MORE

PARTS = {"plain_fastembed"}
"""Programs that a benchmark runs."""


def test_every_benchmark_is_run_or_named() -> None:
    folder = Path(benchmarks.__path__[0])
    programs = {
        path.stem for path in folder.glob("*.py") if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    }
    assert programs - {"__main__"} - PARTS == {*ALL, *NEED_MORE}
