"""The layers of the house hold: imports point down, and one module alone imports each engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]


def test_import_contracts_hold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    exit_code = lint_imports(no_cache=True)
    assert exit_code == 0, capsys.readouterr().out
