"""The attacks of benchmarks/ in short: none ends a command otherwise than with an answer or a named error, or harms an
index. `make bench` runs them at length, and says what each does."""

from __future__ import annotations

import random
import shutil
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs fork", allow_module_level=True)

from benchmarks import failing_close
from benchmarks.attacked_index import attacked_index, restored
from benchmarks.damage_index import damage
from benchmarks.fuzz_queries import fuzz
from benchmarks.io_errors import can_trace, fail_calls

pytestmark = pytest.mark.slow


def test_io_errors_that_python_meets_are_named_and_leave_the_index_whole() -> None:
    *_, done = fail_calls(every=11, traced=False, closes=False)
    assert done["harmed"] == []
    assert done["ended with a named error"]


@pytest.mark.skipif(not can_trace(), reason="strace is missing or may not trace")
def test_io_errors_that_engines_meet_are_named_and_leave_the_index_whole() -> None:
    *_, done = fail_calls(every=60, traced=True, closes=False)
    assert done["harmed"] == []
    assert done["ended with a named error"]


def test_a_close_that_fails_is_named_or_harmless(tmp_path: Path) -> None:
    library = failing_close.compiled(tmp_path)
    if library is None:
        pytest.skip("needs Linux and a C compiler")
    with attacked_index(random.Random(1)) as attacked:
        saved = attacked.folder / "saved"
        shutil.copytree(attacked.index_dir, saved)
        attacked.edit(1)
        served = attacked.generation.relative_to(attacked.index_dir)
        for number, name in (
            (1, "staging/next/catalog"),
            (2, "staging/next/catalog"),
            (1, f"{served}/generation.json"),
        ):
            restored(attacked.index_dir, saved)
            done, closed = failing_close.build(attacked, library, number, f"root/.indexer/{name}")
            assert not done.fault, (name, done)
            assert any(close.failed for close in closed)
            attacked.assert_whole(0, 1)


def test_altered_files_give_no_other_answer_and_no_crash() -> None:
    done = damage(range(60), seed=2, manifests=False)
    assert done["harmed"] == []
    assert done["search exit 4"]


def test_altered_manifests_with_right_checksums_give_no_crash() -> None:
    done = damage(range(100), seed=2, manifests=True)
    assert done["harmed"] == []
    assert done["search exit 4"]


def test_odd_queries_and_globs_are_answered_or_refused() -> None:
    done = fuzz(3000, seed=2)
    assert done["harmed"] == []
    assert done["uncounted"] == 0
