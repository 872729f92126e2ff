"""Build, search and a long batch open no network socket, and write nothing but the index and the cache.

What a process writes is seen in its home folder; what it opens, and which sockets, where strace is there to tell.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from benchmarks.io_errors import can_trace
from benchmarks.snapshot import snapshot
from tests.e2e.conftest import PROGRAM

QUERIES = 1000
BATCH = "".join(json.dumps({"id": n, "query": f"where is tea number {n} brewed"}) + "\n" for n in range(QUERIES))
OURS = ("repository/.indexer", ".cache/codebase-indexer")
_WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC")
_OPENED = re.compile(r'openat\((?:AT_FDCWD|\d+)(?:<([^>]*)>)?, "([^"]*)", ([A-Z_|0-9]+)')
_SOCKET = re.compile(r"\b(?:socket|socketpair)\((\w+)")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home folder with a repository in it."""
    home = tmp_path / "home"
    repository = home / "repository"
    repository.mkdir(parents=True)
    for number in range(20):
        text = f"def brew_{number}(tea):\n    return tea.pour({number})\n\n\ndef steep_{number}(tea):\n    return tea\n"
        (repository / f"tea_{number}.py").write_text(text)
    for name in (".bashrc", ".config/other/kept", ".cache/other/kept", "tmp/kept"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("kept\n")
    return home


def run(home: Path, *arguments: str, tracer: tuple[str, ...] = (), stdin: str = "") -> str:
    """Run a command in the repository as this user, and return what it printed."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_", "TMPDIR"))}
    done = subprocess.run(
        [*tracer, str(PROGRAM), *arguments],
        cwd=home / "repository",
        env={**inherited, "HOME": str(home), "TMPDIR": str(home / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done
    return done.stdout


def commands() -> list[tuple[tuple[str, ...], str]]:
    """What a user runs, and what is typed into it."""
    return [
        (("build", "."), ""),
        (("search", "where is tea brewed"), ""),
        (("search", "--batch", "-"), BATCH),
        (("verify", "--deep"), ""),
        (("build", ".", "--full"), ""),
    ]


def test_the_home_folder_holds_what_it_held_and_our_cache(home: Path) -> None:
    before = snapshot(home, without=OURS)
    for arguments, stdin in commands():
        out = run(home, *arguments, stdin=stdin)
        assert snapshot(home, without=OURS) == before, arguments
        assert "--batch" not in arguments or len(out.splitlines()) == QUERIES
    assert (home / ".cache" / "codebase-indexer").is_dir()


@pytest.mark.skipif(not can_trace(), reason="strace is missing or may not trace")
def test_no_network_socket_is_opened_and_no_other_file_is_opened_to_write(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "trace"
    tracer = ("strace", "-f", "-y", "-qq", "--seccomp-bpf", "-e", "trace=%network,openat", "-o", str(log))
    for arguments, stdin in commands():
        run(home, *arguments, tracer=tracer, stdin=stdin)
        lines = log.read_text(errors="replace").splitlines()
        sockets = {match[1] for line in lines if (match := _SOCKET.search(line))}
        assert sockets <= {"AF_UNIX"}, arguments
        opened = [match for line in lines if (match := _OPENED.search(line))]
        assert any(match[2].endswith(".py") or match[2].endswith(".pyc") for match in opened)
        written = {
            os.path.normpath(f"{match[1] or ''}/{match[2]}" if match[2][:1] != "/" else match[2])
            for match in opened
            if _WRITES.search(match[3])
        }
        elsewhere = {path for path in written if not _is_ours(path, home)}
        assert not elsewhere, arguments


def _is_ours(path: str, home: Path) -> bool:
    """Whether a path lies in the index, in the cache, among the temporary files, or is no file."""
    folders = (*(home / name for name in OURS), home / "tmp")
    return path in ("/dev/null", "/dev/tty") or any(Path(path).is_relative_to(folder) for folder in folders)
