"""What is installed takes no name that a user's own packages may have, and is not misled by them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs, and packages of the user's own beside it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    site = folder / "site"
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    for name in ("pipelines", "configs"):
        (site / name).mkdir()
        (site / name / "__init__.py").write_text("OWNER = 'the user'\n")
    return site


def run(site: Path, code: str, *arguments: str | Path) -> str:
    """Run code that sees the installed packages first, away from the repository."""
    environment = {**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(site / "cache")}
    command = [sys.executable, "-P", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_but_the_library_is_at_the_top(installed: Path) -> None:
    names = {entry.name for entry in installed.iterdir()} - {"pipelines", "configs", "cache"}
    assert {name for name in names if not name.endswith(".dist-info")} == {"indexer"}


def test_a_users_own_pipelines_are_neither_broken_nor_in_the_way(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "tea.py").write_text('def brew():\n    """Brew a pot of tea."""\n    return 1\n' * 3)
    owner = "import pipelines, configs; print(pipelines.OWNER, configs.OWNER)"
    assert run(installed, owner) == "the user the user\n"
    main = "import sys; sys.argv[0] = 'indexer'; from indexer.__main__ import main; main()"
    report = json.loads(run(installed, main, "build", tmp_path, "--preset", "ci", "--json"))
    assert report["files"]["added"] == 1
    hits = json.loads(run(installed, main, "search", "brew tea", "--root", tmp_path, "--json"))["hits"]
    assert hits[0]["path"] == "tea.py"
    code = "import sys, pipelines, indexer; print(indexer.build(indexer.Path(sys.argv[1])).committed)"
    assert run(installed, code, tmp_path) == "False\n"
