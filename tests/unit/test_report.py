"""What a person is told of a build, in words that are right for one and for many."""

from __future__ import annotations

import pytest

from pipelines.report import counted, upgraded_text


def test_one_is_not_many() -> None:
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]


@pytest.mark.parametrize(
    ("upgraded", "percent"), [(0.0, "0%"), (0.25, "25%"), (0.29, "29%"), (4739 / 4740, "99%"), (0.994, "99%")]
)
def test_not_all_vectors_are_called_all(upgraded: float, percent: str) -> None:
    assert upgraded_text(upgraded) == f"{percent} are the encoder's own, the others static"
    assert upgraded_text(1.0) == ""
