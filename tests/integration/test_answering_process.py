"""The process that answers agents starts where they work, in repositories of anybody; it imports nothing from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.config import Config, EncoderOptions
from pipelines.build import build
from pipelines.serve.process import AnsweringProcess, Folder


def test_the_process_that_answers_imports_nothing_from_where_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, mark = tmp_path / "code", tmp_path / "imported"
    root.mkdir()
    for name in ("multiprocessing", "pickle", "signal", "numpy", "msgspec"):
        (root / f"{name}.py").write_text(f"open({str(mark)!r}, 'a').write({name!r})\n")
    build(root, config=Config(encoder=EncoderOptions(name="hashing")))
    monkeypatch.chdir(root)
    process = AnsweringProcess([Folder("code", root, builds=False)])
    try:
        assert "5 files" in process.ask("status", {})
    finally:
        process.stop()
    assert not mark.exists()
