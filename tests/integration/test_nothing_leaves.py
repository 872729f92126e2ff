"""Nothing leaves the machine, and nothing is written but the index and the embedding cache.

onnxruntime from 1.29 on would write a device id and an event database under the user's cache folder, and connect.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-c", "from pipelines.cli.main import main; main()"]
LONG_SECONDS = 6
"""A device id is written within a second of the import, and a connection attempted soon after."""


def surroundings(folder: Path) -> list[str]:
    """Every file in a folder but the index and the sources."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return sorted(name for name in names if not name.startswith("work/"))


def without_telemetry_set(home: Path, setting: str | None) -> dict[str, str]:
    """Return the environment of a user whose home is empty."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    setting_of = {} if setting is None else {"ORT_DISABLE_TELEMETRY": setting}
    return {**kept, **setting_of, "HOME": str(home), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


@pytest.mark.parametrize("setting", [None, "0"])
def test_no_command_connects_or_leaves_a_file(tmp_path: Path, setting: str | None) -> None:
    root, calls = tmp_path / "work" / "root", tmp_path / "work" / "calls"
    root.mkdir(parents=True)
    (root / "code.py").write_text("def parse_header(line):\n    return line.split(':')\n")
    strace = ["strace", "-f", "-q", "-e", "trace=socket,connect", "-o", str(calls), "-A"]
    watched = [*(strace if shutil.which("strace") else []), *PROGRAM]
    environment = without_telemetry_set(tmp_path, setting)

    for arguments in (["build", str(root)], ["search", "parse a header", "--root", str(root)]):
        done = subprocess.run(
            [*watched, *arguments], capture_output=True, text=True, check=False, env=environment, timeout=300
        )
        assert done.returncode == 0, done.stderr
    with subprocess.Popen(
        [*watched, "search", "--batch", "-", "--root", str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as batch:
        assert batch.stdin is not None and batch.stdout is not None
        for number in range(3):
            batch.stdin.write(json.dumps({"id": str(number), "query": "split a line"}) + "\n")
            batch.stdin.flush()
            time.sleep(LONG_SECONDS / 3)
        batch.stdin.close()
        assert len(batch.stdout.readlines()) == 3

    assert batch.returncode == 0
    left = [name for name in surroundings(tmp_path) if "/embeddings-" not in name]
    assert left == []
    if shutil.which("strace"):
        made = calls.read_text().splitlines()
        assert any("+++ exited" in line for line in made)
        assert [line for line in made if "AF_INET" in line] == []
