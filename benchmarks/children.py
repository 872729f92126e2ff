"""The command line in a process of its own, run to the end or killed: forked from a warm server, or whole."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.fork_server import ForkedWorker, forked

LIMIT_SECONDS = 60.0
"""A command on a tree of a dozen files that takes longer hangs, on however slow a machine."""
NO_HIT = 7
CODES = frozenset({0, 1, 2, 3, 4, 5, 6, NO_HIT})
"""The documented exit codes of a program that nobody interrupted."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: exit code, negative for a signal, None when it hung; what it printed; how long it ran."""

    code: int | None
    out: str
    err: str
    seconds: float

    @property
    def json(self) -> Any:
        """The JSON object on stdout."""
        return msgspec.json.decode(self.out)

    @property
    def fault(self) -> str:
        """What is wrong with this end, which should be an answer or a named error; empty when nothing is."""
        if self.code is None:
            return "hung"
        if self.code < 0:
            return f"crashed with {signal.Signals(-self.code).name}"
        if "Traceback" in self.err or "unexpected error" in self.err:
            return f"unexpected: {self.err.strip()[-300:]}"
        if self.code not in CODES:
            return f"exit code {self.code}"
        if self.code not in (0, NO_HIT) and not (self.err + self.out).strip():
            return f"exit code {self.code} without a word"
        return ""


@dataclass(frozen=True, slots=True)
class Program:
    """Runs `indexer` in a child whose home folder is `home`; what it prints goes through `out` and `err` there.

    It works in `folder`, by default its home. It may take `memory_bytes` of address space, so that one that reads
    without end harms nobody.
    """

    home: Path
    folder: Path | None = None
    limit_seconds: float = LIMIT_SECONDS
    memory_bytes: int = 8 << 30

    def __call__(self, *arguments: str | Path, kill_after: float | None = None) -> Ended:
        """Run a forked one to the end, to the limit, or to a kill -9 after some seconds."""
        return self.run(be_program, arguments, kill_after=kill_after)

    def run(
        self,
        target: Callable[..., None],
        arguments: Iterable[str | Path],
        *more: object,
        kill_after: float | None = None,
    ) -> Ended:
        """Run target(arguments, this program, *more) in a forked child; it is `be_program`, or calls it."""
        seconds = self.limit_seconds if kill_after is None else kill_after
        code, in_time, took = forked(target, (list(map(str, arguments)), self, *more), seconds)
        return self._ended(code if in_time or kill_after is not None else None, took)

    def whole(self, *arguments: str | Path, under: Sequence[str | Path] = (), kill_after: float | None = None) -> Ended:
        """Run the installed program, by way of the command `under` if given; its memory has no limit."""
        for name in ("out", "err"):
            (self.home / name).unlink(missing_ok=True)
        start = time.perf_counter()
        with (self.home / "out").open("wb") as out, (self.home / "err").open("wb") as err:
            process = subprocess.Popen(
                [*under, Path(sys.executable).parent / "indexer", *arguments],
                cwd=self.folder or self.home,
                env={**os.environ, **surroundings(self.home)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            code: int | None = None
            try:
                code = process.wait(self.limit_seconds if kill_after is None else kill_after)
            except subprocess.TimeoutExpired:
                if kill_after is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                else:
                    process.kill()
                    code = process.wait()
        return self._ended(code, time.perf_counter() - start)

    def _ended(self, code: int | None, seconds: float) -> Ended:
        out, err = (
            path.read_text(encoding="utf-8", errors="replace") if (path := self.home / name).exists() else ""
            for name in ("out", "err")
        )
        return Ended(code, out, err, seconds)


def surroundings(home: Path) -> dict[str, str]:
    """Return the environment variables that make a folder the user's home."""
    folders = {"XDG_CACHE_HOME": ".cache", "XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share"}
    return {"HOME": str(home), "NO_COLOR": "1", **{name: str(home / path) for name, path in folders.items()}}


def be_program(arguments: Sequence[str], program: Program, started: Callable[[], None] = lambda: None) -> None:
    """Be the program, in this process, to its end; `started` is called just before it begins."""
    home = program.home
    os.chdir(program.folder or home)
    for number, name in ((1, "out"), (2, "err")):
        descriptor = os.open(home / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_AS, (program.memory_bytes, resource.RLIM_INFINITY))
    os.environ |= surroundings(home)
    sys.argv = ["indexer", *arguments]
    from pipelines.cli.main import main
    from pipelines.parsing import process

    process.start_worker = ForkedWorker
    started()
    main()
