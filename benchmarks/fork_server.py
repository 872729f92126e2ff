"""A server that forks: processes that start with the modules loaded.

A command served this way is a process of its own, with its own worker processes, threads, files and locks, which a
signal ends like any other. It differs from the installed program in what the server did before: the interpreter is up
and the modules are imported, and nothing else has happened, as the server runs no thread, opens no index and takes no
lock. Its parse workers are forked from it in the same way. A start costs milliseconds instead of the interpreter's and
the imports' time, so that thousands of attacks take minutes, and a crash or a hang costs one process.
`benchmarks.children` says what runs so, and can run the installed program as well. Needs fork: Linux or macOS.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from typing import IO, TypeVar

S = TypeVar("S")
T = TypeVar("T")

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "__main__",
        "benchmarks.attacked_index",
        "benchmarks.measure",
        "pipelines.build",
        "pipelines.check.chunks",
        "pipelines.check.repair",
        "pipelines.cli.build",
        "pipelines.cli.explain",
        "pipelines.cli.gc",
        "pipelines.cli.main",
        "pipelines.cli.repair",
        "pipelines.cli.search",
        "pipelines.cli.status",
        "pipelines.cli.verify",
        "pipelines.parsing.encoded",
        "pipelines.parsing.pool",
        "pipelines.parsing.worker",
        "pipelines.quality.measure",
        "pipelines.quality.projection",
        "pipelines.upgrade",
        "pipelines.vectors",
        "indexer.encoders.bundle",
        "indexer.encoders.hashing",
        "indexer.encoders.static",
        "indexer.index",
        "indexer.search.features",
        "indexer.stores.generation.restore",
        "indexer.stores.generation.staging",
        "indexer.stores.text.index",
        "indexer.stores.vectors.segments",
        "filelock",
        "platformdirs",
    ]
)

WORTH_A_LANE = 100
"""Each lane makes an index of its own first, which takes as long as some dozens of attacks."""
WAIT_SECONDS = 60.0
"""A worker that was killed and takes longer to end hangs in the system."""


def forked(target: Callable[..., None], arguments: tuple[object, ...], seconds: float) -> tuple[int, bool, float]:
    """Run target(*arguments) in a forked process, killed after some seconds.

    Returns its exit code, negative for a signal, whether it ended in time, and the seconds that it ran.
    """
    server = _server()
    server.send((target, arguments, seconds))
    code, in_time, took = server.recv()
    return code, in_time, took


@cache
def _server() -> Connection:
    """Return the way to this process's server, which is started when it is first needed, and ends with it."""
    ours, theirs = CONTEXT.Pipe()
    CONTEXT.Process(target=_serve, args=(theirs,)).start()
    theirs.close()
    Finalize(None, ours.close, exitpriority=0)  # before this process waits for the server's end
    return ours


def _serve(requests: Connection) -> None:
    """Fork a child for each request, wait for it, kill it when its seconds are over; answer how that went."""
    fork = multiprocessing.get_context("fork")
    with suppress(EOFError):
        while True:
            target, arguments, seconds = requests.recv()
            start = time.perf_counter()
            child = fork.Process(target=target, args=arguments)
            child.start()
            child.join(seconds)
            in_time = child.exitcode is not None
            child.kill()
            child.join()
            requests.send((child.exitcode, in_time, time.perf_counter() - start))
            child.close()


class ForkedWorker:
    """A parse worker that its command forked: the same process without an interpreter's start and its imports."""

    def __init__(self, descriptor: int, errors: IO[bytes]) -> None:
        """Serve a socket; what the worker writes to stderr goes to `errors`."""
        self.returncode: int | None = None
        self._pid = os.fork()
        if self._pid == 0:
            try:
                _serve_parsing(descriptor, errors.fileno())
            finally:
                os._exit(1)

    def kill(self) -> None:
        """End it."""
        if self.returncode is None:
            os.kill(self._pid, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code; raises subprocess.TimeoutExpired."""
        limit = time.monotonic() + (WAIT_SECONDS if timeout is None else timeout)
        while self.returncode is None:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > limit:
                raise subprocess.TimeoutExpired("a forked worker", timeout or WAIT_SECONDS)
            else:
                time.sleep(0.001)
        return self.returncode


def _serve_parsing(descriptor: int, errors: int) -> None:
    """Be a parse worker that holds nothing of its command's: neither its files nor, with them, its locks."""
    from pipelines.parsing.worker import serve

    os.dup2(errors, 2)
    os.dup2(descriptor, 3)
    os.closerange(4, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.setpgid(0, 0)
    for number in (0, 1):
        os.dup2(os.open(os.devnull, os.O_RDWR), number)
    serve(3)
    os._exit(0)


def in_lanes(work: Callable[..., T], items: Sequence[S], *more: object, lanes: int | None = None) -> list[T]:
    """Call work(lane, its share of the items, *more) in so many processes, and return what each gave.

    By default that is one a core that has WORTH_A_LANE items. Processes, as one that waits for a child takes the exit
    codes of those that its other threads wait for.
    """
    lanes = lanes or max(1, min(os.cpu_count() or 1, len(items) // WORTH_A_LANE))
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
