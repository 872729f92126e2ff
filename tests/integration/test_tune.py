"""What a process may use of a machine is what its encoder is tuned for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexer.config import Config, EncoderOptions
from pipelines.models.tune import tune
from pipelines.settings.tuned import this_host

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system has no such limit")


@pytest.mark.parametrize(("allowed", "threads"), [({0}, {1}), ({0, 1, 5}, {1, 2, 3})])
def test_only_cores_that_the_process_may_use_are_tried(
    allowed: set[int], threads: set[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tea.py").write_text("def brew(leaves):\n    return steep(leaves)\n")
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: allowed)
    config = Config(encoder=EncoderOptions(name="hashing"))
    report = tune(tmp_path, config, kept_in=tmp_path / "tuned.json", host=this_host(), seconds=0)
    assert {own.threads for own in report.tried} == threads
    assert report.before is not None and report.before.threads == len(allowed)
    assert report.host.endswith(f", {len(allowed)} cores")
