"""Commands killed at random times; `python -m benchmarks.kill_anytime` does this ten thousand times."""

from __future__ import annotations

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("needs kill -9 and fork", allow_module_level=True)

from benchmarks.kill_anytime import kill_commands


@pytest.mark.slow
def test_nothing_is_torn_lost_or_left_by_a_hundred_kills() -> None:
    done = kill_commands(100, seed=2)
    assert done["harmed"] == []
    assert done["killed"] == 100
