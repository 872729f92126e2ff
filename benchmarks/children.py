"""The command line in short-lived processes, forked from a server that has the engines loaded.

A start costs milliseconds instead of the interpreter's and the imports' time, so that thousands of attacks take
minutes, and a crash or a hang costs one process. Needs fork: Linux or macOS.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

S = TypeVar("S")
T = TypeVar("T")

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "__main__",
        "pipelines.cli.build",
        "pipelines.cli.gc",
        "pipelines.cli.main",
        "pipelines.cli.repair",
        "pipelines.cli.search",
        "pipelines.cli.verify",
        "pipelines.parsing.pool",
        "pipelines.quality.measure",
        "pipelines.vectors",
        "pipelines.check.chunks",
        "indexer.encoders.hashing",
        "indexer.stores.generation.staging",
        "indexer.stores.text.index",
        "indexer.stores.vectors.segments",
    ]
)

LIMIT_SECONDS = 60.0
"""A command on a tree of a dozen files that takes longer hangs, on however slow a machine."""
CODES = frozenset({0, 1, 2, 3, 4, 5, 6})
"""The documented exit codes of a program that nobody interrupted."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, negative for a signal, None when it hung; and what it printed."""

    code: int | None
    out: str
    err: str

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
        if self.code and not self.err.strip():
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
        """Run to the end, to the limit, or to a kill -9 after some seconds."""
        return self.run(be_program, arguments, kill_after=kill_after)

    def run(
        self,
        target: Callable[..., None],
        arguments: Iterable[str | Path],
        *more: object,
        kill_after: float | None = None,
    ) -> Ended:
        """Run target(arguments, this program, *more) in the child; it is `be_program`, or calls it."""
        process = CONTEXT.Process(target=target, args=(list(map(str, arguments)), self, *more))
        process.start()
        process.join(self.limit_seconds if kill_after is None else kill_after)
        running = process.is_alive()
        if running:
            process.kill()
            process.join()
        code = None if running and kill_after is None else process.exitcode
        process.close()
        out, err = (
            path.read_text(encoding="utf-8", errors="replace") if (path := self.home / name).exists() else ""
            for name in ("out", "err")
        )
        return Ended(code, out, err)


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

    started()
    main()


def in_lanes(work: Callable[..., T], items: Sequence[S], *more: object) -> list[T]:
    """Call work(lane, its share of the items, *more) in a process a core, and return what each gave.

    Processes, as one that waits for a child takes the exit codes of those that its other threads wait for.
    """
    lanes = max(1, min(os.cpu_count() or 1, len(items)))
    with ProcessPoolExecutor(lanes, mp_context=CONTEXT) as pool:
        started = [pool.submit(work, lane, items[lane::lanes], *more) for lane in range(lanes)]
        return [lane.result() for lane in started]


def added_up(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Return the sums of counts by name, names in order."""
    total: dict[str, int] = {}
    for part in counts:
        for name, number in part.items():
            total[name] = total.get(name, 0) + number
    return dict(sorted(total.items()))
