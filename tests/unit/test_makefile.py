"""`make search Q=…` passes on what it is given, whatever it looks like to make or a shell; CI runs make's commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"
PROGRAM = '#!/bin/sh\nfor argument in "$@"; do printf "%s\\n" "$argument"; done > arguments\n'


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize(
    "text", ["`touch x`", "$(touch x)", "$(shell touch x)", "a 'b' \"c\"; touch x #", "-x", "$$HOME"]
)
@pytest.mark.parametrize("by_environment", [False, True])
def test_no_command_is_found_in_a_query_or_a_path(tmp_path: Path, text: str, by_environment: bool) -> None:
    folder = tmp_path / "copy"
    (folder / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(MAKEFILE, folder)
    (folder / "pyproject.toml").touch()
    for name in ("indexer", "python"):
        program = folder / ".venv" / "bin" / name
        program.write_text(PROGRAM)
        program.chmod(0o755)
    (folder / ".venv" / ".installed").touch()
    given = {"Q": text, "REPO": f"some {text}"}
    settings = [] if by_environment else [f"{name}={value}" for name, value in given.items()]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    for target, expected in (
        ("search", ["search", "--root", given["REPO"], "--", given["Q"]]),
        ("index", ["build", "--", given["REPO"]]),
        ("status", ["status", "--", given["REPO"]]),
    ):
        subprocess.run(
            ["make", target, *settings],
            cwd=folder,
            check=False,
            capture_output=True,
            env=environment | (given if by_environment else {}),
        )
        assert (folder / "arguments").read_text().splitlines() == expected
    assert not (folder / "x").exists()


@pytest.mark.parametrize("target", ["$(STAMP)", "$(DEV_STAMP)", "lint", "test", "package"])
def test_ci_runs_without_make_what_a_target_runs(target: str) -> None:
    (recipe,) = re.findall(rf"^{re.escape(target)}:.*\n((?:\t.*\n)+)", MAKEFILE.read_text(), re.MULTILINE)
    commands = [line.strip().replace("$(BIN)", ".venv/bin").replace("$$", "$") for line in recipe.splitlines()]
    script = (MAKEFILE.parent / ".ci" / "run").read_text()
    assert [command for command in commands if command != "@touch $@" and command not in script] == []
