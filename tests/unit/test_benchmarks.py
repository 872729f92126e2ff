"""`make bench` runs every benchmark, or says why not."""

from __future__ import annotations

from pathlib import Path

import benchmarks
from benchmarks.__main__ import ALL, NEED_MORE
from benchmarks.measure import alternate

PARTS = {"plain_fastembed", "plain_sentence_transformers"}
"""Programs that a benchmark runs."""


def test_every_benchmark_is_run_or_named() -> None:
    folder = Path(benchmarks.__path__[0])
    programs = {
        path.stem for path in folder.glob("*.py") if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    }
    assert programs - {"__main__"} - PARTS == {*ALL, *NEED_MORE}


def test_what_runs_by_turns_begins_by_turns() -> None:
    order: list[str] = []

    def work(name: str) -> str:
        order.append(name)
        return f"{name}{len(order)}"

    assert alternate(lambda: work("a"), lambda: work("b"), rounds=2) == (["a3", "a6"], ["b4", "b5"])
    assert "".join(order) == "ababba"
