"""The layers of the house hold: imports point down, and one module alone imports each engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]


def test_import_contracts_hold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    exit_code = lint_imports(no_cache=True)
    assert exit_code == 0, capsys.readouterr().out


def test_nothing_that_is_installed_needs_what_only_development_installs() -> None:
    """The command that makes the bundled encoder alone may: it runs in a checkout."""
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "pipelines").rglob("*.py")
        if path.name not in ("export_model.py", "graph.py")
    ]
    code = (
        "import sys, importlib; sys.modules.update(dict.fromkeys(('onnx', 'safetensors')));"
        " [importlib.import_module(name) for name in sys.argv[1:]]"
    )
    done = subprocess.run([sys.executable, "-c", code, *sorted(modules)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
