"""The command line as a user has it, and real code to index: parts of the standard library."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(sys.executable).parent / "indexer"
PACKAGES = ("asyncio", "email", "http")


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        assert self.code == 0, self.err
        return json.loads(self.out)


@dataclass(frozen=True)
class Cli:
    """Runs `indexer` in its own process, with a cache folder of its own."""

    cache: Path

    def __call__(self, *arguments: str | Path, cwd: Path | None = None, stdin: str | None = None) -> Done:
        """Run to the end and return exit code and output."""
        folders = {f"XDG_{name}_HOME": str(self.cache) for name in ("CACHE", "CONFIG", "DATA")}
        done = subprocess.run(
            [str(PROGRAM), *map(str, arguments)],
            cwd=cwd,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
            env={**os.environ, **folders, "NO_COLOR": "1"},
        )
        return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command line."""
    return Cli(tmp_path_factory.mktemp("cache"))


def copy_standard_library(target: Path) -> None:
    """Copy the packages that the tests index."""
    library = Path(sysconfig.get_path("stdlib"))
    for name in PACKAGES:
        shutil.copytree(library / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """A folder with the standard library's asyncio, email and http, indexed; tests leave it as they find it."""
    root = tmp_path_factory.mktemp("library")
    copy_standard_library(root)
    assert cli("build", root, "--quiet").code == 0
    return root
