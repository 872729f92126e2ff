"""The attacks of benchmarks/ in short: none ends a command otherwise than with an answer or a named error, or harms an
index. `make bench` runs them at length, and says what each does."""

from __future__ import annotations

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("needs fork", allow_module_level=True)

from benchmarks.damage_index import damage
from benchmarks.fuzz_queries import fuzz
from benchmarks.io_errors import can_trace, fail_calls

pytestmark = pytest.mark.slow


def test_io_errors_that_python_meets_are_named_and_leave_the_index_whole() -> None:
    done = fail_calls(every=7, traced=False)
    assert done["harmed"] == []
    assert done["ended with a named error"]


@pytest.mark.skipif(not can_trace(), reason="strace is missing or may not trace")
def test_io_errors_that_engines_meet_are_named_and_leave_the_index_whole() -> None:
    done = fail_calls(every=60, traced=True)
    assert done["harmed"] == []
    assert done["ended with a named error"]


def test_altered_files_give_no_other_answer_and_no_crash() -> None:
    done = damage(60, seed=2, manifests=False)
    assert done["harmed"] == []
    assert done["search exit 4"]


def test_altered_manifests_with_right_checksums_give_no_crash() -> None:
    done = damage(100, seed=2, manifests=True)
    assert done["harmed"] == []
    assert done["search exit 4"]


def test_odd_queries_and_globs_are_answered_or_refused() -> None:
    done = fuzz(3000, seed=2)
    assert done["harmed"] == []
    assert done["uncounted"] == 0
