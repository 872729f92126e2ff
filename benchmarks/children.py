"""The command line in short-lived processes, forked from a server that has the engines loaded.

A start costs milliseconds instead of the interpreter's and the imports' time, so that thousands of attacks take minutes,
and a crash or a hang costs one process. Needs fork: Linux or macOS.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

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
            return f"hung for {LIMIT_SECONDS:.0f} s"
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
    """Runs `indexer` in a child whose output goes through files in `scratch`, and whose home folder lies there too."""

    scratch: Path

    def __call__(self, *arguments: str | Path, kill_after: float | None = None) -> Ended:
        """Run to the end, to the limit, or to a kill -9 after some seconds."""
        process = CONTEXT.Process(target=_run, args=(list(map(str, arguments)), self.scratch))
        process.start()
        process.join(LIMIT_SECONDS if kill_after is None else kill_after)
        running = process.is_alive()
        if running:
            process.kill()
            process.join()
        code = None if running and kill_after is None else process.exitcode
        process.close()
        out, err = (
            path.read_text(encoding="utf-8", errors="replace") if (path := self.scratch / name).exists() else ""
            for name in ("out", "err")
        )
        return Ended(code, out, err)


def _run(arguments: list[str], scratch: Path) -> None:
    """Be the program, in this process."""
    os.chdir(scratch)
    for number, name in ((1, "out"), (2, "err")):
        descriptor = os.open(scratch / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ |= {"HOME": str(scratch / "home"), "XDG_CACHE_HOME": str(scratch / "cache"), "NO_COLOR": "1"}
    sys.argv = ["indexer", *arguments]
    from pipelines.cli.main import main

    main()


def in_lanes(work: Callable[[int, int], T], count: int, *, lanes: int = 0) -> list[T]:
    """Call work(lane, its share of count) in as many threads as there are cores, and return what each gave.

    The threads wait for processes, so the work is done by all cores.
    """
    lanes = min(lanes or os.cpu_count() or 1, count)
    shares = [count // lanes + (lane < count % lanes) for lane in range(lanes)]
    with ThreadPoolExecutor(lanes) as pool:
        return list(pool.map(work, range(lanes), shares))


def added_up(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Return the sums of counts by name, names in order."""
    total: dict[str, int] = {}
    for part in counts:
        for name, number in part.items():
            total[name] = total.get(name, 0) + number
    return dict(sorted(total.items()))
