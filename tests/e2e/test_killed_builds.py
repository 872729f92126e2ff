"""Builds killed at random times; benchmarks/kill_anytime.py does this two hundred times."""

from __future__ import annotations

import sys

import pytest

from benchmarks.kill_anytime import kill_builds


@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
def test_nothing_is_torn_by_a_few_kills() -> None:
    assert kill_builds(5, seed=2)["torn"] == 0
