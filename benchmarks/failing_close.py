"""Let a close of a build fail as on Linux, where the descriptor is gone whatever the system answers.

strace answers in the system's place, so a close that it fails leaves the file open and locked, which no system does. A
library that is loaded before C's closes, and then fails. What calls the C library's close is met: Python, SQLite, the
engines; what calls inside the C library (the end of a listing) is not.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.attacked_index import AttackedIndex
from benchmarks.children import Ended

SOURCE = Path(__file__).with_suffix(".c")


def compiled(folder: Path) -> Path | None:
    """Return the library, compiled into a folder; None where there is no compiler or no Linux."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    library = folder / "failing_close.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE], check=True)
    return library


class Close(NamedTuple):
    """A close of a descriptor whose path counts: which one of its process it was, the path, and whether it failed."""

    number: int
    path: str
    failed: bool


def build(attacked: AttackedIndex, library: Path, number: int, start: str = "") -> tuple[Ended, list[Close]]:
    """Build while the close of that number fails in each process (0: none); return the end, and what was closed.

    Those count whose path, relative to the attacked folder, starts with `start`.
    """
    log = attacked.folder / "closed"
    log.unlink(missing_ok=True)
    under = (
        "env",
        f"LD_PRELOAD={library}",
        f"FAILING_CLOSE_START={attacked.folder}/{start}",
        f"FAILING_CLOSE_NUMBER={number}",
        f"FAILING_CLOSE_LOG={log}",
    )
    done = attacked.program.whole(*attacked.command("build", "--json"), under=under)
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = [line.split(" ", 2) for line in text.splitlines()]
    return done, [Close(int(own), path, word == "failed") for word, own, path in lines]
