"""The command line as a user has it, and real code to index: parts of the standard library."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(sys.executable).parent / "indexer"
MODULES = ("asyncio/[flrt]*.py", "email/*.py", "http/*.py")


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

    def __call__(self, *arguments: str | Path, cwd: Path | None = None, stdin: str = "") -> Done:
        """Run to the end, forked from a warm server where the system can, and return exit code and output."""
        if sys.platform == "win32":
            return self.whole(*arguments, cwd=cwd, stdin=stdin)
        from tests.forked import run_forked

        return Done(*run_forked(list(map(str, arguments)), cwd=cwd, environment=self._environment, stdin=stdin))

    def whole(
        self, *arguments: str | Path, cwd: Path | None = None, stdin: str = "", file_bytes: int | None = None
    ) -> Done:
        """Run the installed program to the end and return exit code and output.

        With `file_bytes` the system refuses to let a file grow further, as a full disk does.
        """
        environment = self._environment
        if file_bytes is not None:
            # Python does not notice that a module's bytecode was cut off.
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
        done = subprocess.run(
            [str(PROGRAM), *map(str, arguments)],
            cwd=cwd,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
            env=environment,
            preexec_fn=None if file_bytes is None else partial(_limit_files, file_bytes),
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @property
    def _environment(self) -> dict[str, str]:
        folders = {f"XDG_{name}_HOME": str(self.cache) for name in ("CACHE", "CONFIG", "DATA")}
        return {**os.environ, **folders, "NO_COLOR": "1"}


def _limit_files(size: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.fixture(scope="session")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command line."""
    return Cli(tmp_path_factory.mktemp("cache"))


def copy_standard_library(target: Path) -> None:
    """Copy the modules that the tests index."""
    library = Path(sysconfig.get_path("stdlib"))
    for pattern in MODULES:
        for path in library.glob(pattern):
            copied = target / path.relative_to(library)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copied)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """A folder with parts of the standard library, indexed; tests leave it as they find it."""
    root = tmp_path_factory.mktemp("library")
    copy_standard_library(root)
    assert cli.whole("build", root, "--quiet").code == 0
    return root
