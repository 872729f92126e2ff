"""The real pre-commit runs the hooks of .pre-commit-hooks.yaml as a user's configuration names them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import PROGRAM, Cli
from tests.e2e.test_hooks import FILES, commit, found
from tests.trees import git, repository, write

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("pre_commit") is None, reason="needs pre-commit"),
]

SHIM = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "codebase-indexer"
version = "0"
"""

BACKEND = '''\
"""Builds a wheel whose one file is a script: the program under test, in place of an installation from a registry."""
import base64, hashlib, zipfile


def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "codebase_indexer-0-py3-none-any.whl"
    with zipfile.ZipFile(f"{{directory}}/{{name}}", "w") as wheel:
        info = "codebase_indexer-0.dist-info"
        files = {{
            "codebase_indexer-0.data/scripts/indexer": "#!/bin/sh\\nexec {program} \\"$@\\"\\n",
            f"{{info}}/METADATA": "Metadata-Version: 2.1\\nName: codebase-indexer\\nVersion: 0\\n",
            f"{{info}}/WHEEL": "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        }}
        record = ""
        for path, text in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100755 << 16
            wheel.writestr(entry, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{{path}},sha256={{digest}},{{len(text)}}\\n"
        wheel.writestr(f"{{info}}/RECORD", record + f"{{info}}/RECORD,,\\n")
    return name
'''

CONFIGURATION = """\
default_install_hook_types: [pre-commit, post-commit, post-checkout, post-merge, post-rewrite]
repos:
  - repo: {hooks}
    rev: {revision}
    hooks:
      - id: indexer-update
      - id: indexer-verify
"""


def pre_commit(root: Path, home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments],
        cwd=root,
        env={**os.environ, "PRE_COMMIT_HOME": str(home), "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the hooks installed as its configuration says, from a clone of the hooks' repository."""
    manifest = (ROOT / ".pre-commit-hooks.yaml").read_text()
    hooks = repository(
        tmp_path / "hooks",
        {".pre-commit-hooks.yaml": manifest, "pyproject.toml": SHIM, "backend.py": BACKEND.format(program=PROGRAM)},
    )
    configuration = CONFIGURATION.format(hooks=hooks, revision=git(hooks, "rev-parse", "HEAD"))
    root = repository(tmp_path / "root", FILES | {".pre-commit-config.yaml": configuration})
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    pre_commit(root, tmp_path / "home", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml"))
    pre_commit(root, tmp_path / "home", "install", "--install-hooks")
    return root


def test_a_partially_staged_file_is_indexed_as_it_is_committed(cli: Cli, root: Path, tmp_path: Path) -> None:
    assert {path.name for path in (root / ".git" / "hooks").iterdir() if path.suffix != ".sample"} == {
        "pre-commit", "post-commit", "post-checkout", "post-merge", "post-rewrite"
    }  # fmt: skip
    write(root, {"tea.py": "def brew_rooibos():\n    return 1\n"})
    git(root, "add", "tea.py")
    unstaged = "def brew_rooibos():\n    return 1\n\n\ndef steep_unstaged():\n    return 3\n"
    write(root, {"tea.py": unstaged})
    done = commit(cli, root, "commit", "-qm", "two")
    assert done.code == 0, done.err
    assert "Passed" in done.err + done.out and "files were modified" not in done.err + done.out
    assert (root / "tea.py").read_text() == unstaged
    assert git(root, "show", "HEAD:tea.py") == "def brew_rooibos():\n    return 1"
    assert "brew_rooibos" in found(cli, root, "brew rooibos")
    assert "unstaged" not in found(cli, root, "steep unstaged")
    status = cli("status", "--json", cwd=root).json
    assert (status["stale"], status["generation"]) == (0, "00000001")
    # After a checkout, a merge and a rebase the index is of what is checked out.
    assert commit(cli, root, "stash").code == 0
    assert commit(cli, root, "checkout", "-q", "-b", "side", "HEAD~1").code == 0
    assert "brew_rooibos" not in found(cli, root, "brew")
    assert commit(cli, root, "merge", "-q", "main").code == 0
    assert "brew_rooibos" in found(cli, root, "brew rooibos")
    assert pre_commit(root, tmp_path / "home", "run", "indexer-verify", "--hook-stage", "manual").count("Passed") == 1
