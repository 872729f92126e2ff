"""What a person is told of a build, in words that are right for one and for many."""

from __future__ import annotations

import pytest

from pipelines.quality.figures import Drift, Recall
from pipelines.report_text import counted, drift_text, recall_text, upgraded_text


def test_one_is_not_many() -> None:
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    drift = Drift(texts=1, energy=0.5)
    assert drift_text(drift) == "the projection keeps 50.0% of 1 text, nothing added since"
    assert drift_text(drift.plus(1, 0.25)).endswith("50.0% of 1 text, 25.0% of 1 text added since")
    assert drift_text(drift.plus(2, 0.5)).endswith("25.0% of 2 texts added since")
    assert recall_text(Recall(queries=1, texts=1, depth=25, recall=1.0, overlap=1.0)).endswith("(1 of 1 text asked)")


@pytest.mark.parametrize(
    ("upgraded", "percent"), [(0.0, "0%"), (0.25, "25%"), (0.29, "29%"), (4739 / 4740, "99%"), (0.994, "99%")]
)
def test_not_all_vectors_are_called_all(upgraded: float, percent: str) -> None:
    assert upgraded_text(upgraded) == f"{percent} are the encoder's own, the others static"
    assert upgraded_text(1.0) == ""
