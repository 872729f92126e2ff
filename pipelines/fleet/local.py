"""Shard builders as processes on this machine: the default engine.

Each has one shard at a time, so that a process that dies loses that one alone, and all end with the process that
started them, however that ends: a shard's lock is then free.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait

from indexer.cores import cores

from ..spawned import start
from .engine import ShardBuilder, largest_first
from .shard import Built, Outcome, ShardTask, shared_out
from .tries import Tries

_SPAWN = multiprocessing.get_context("spawn")
LAST_SECONDS = 5.0
"""How long a builder that was told to end may take."""


class LocalEngine:
    """A builder a core, each with a core to itself; with fewer shards than cores each has more."""

    def __init__(self, *, jobs: int = 0) -> None:
        """Use so many processes; 0 is one a core."""
        self._jobs = jobs

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[Outcome]:
        """Yield what became of each shard, as it comes."""
        jobs = min(self._jobs or cores(), len(tasks))
        tries = Tries(
            [
                replace(task, config=shared_out(task.config, cores=cores(), builders=jobs))
                for task in largest_first(tasks)
            ]
        )
        with ExitStack() as stack:
            builders = [_Builder(stack) for _ in range(jobs)]
            while tries or any(builder.task for builder in builders):
                idle = [builder for builder in builders if builder.task is None]
                for builder, task in zip(idle, tries.take(len(idle)), strict=False):
                    builder.give(task)
                for builder in _answering(builders, until=tries.due):
                    task, answer = builder.receive()
                    if isinstance(answer, Built):
                        yield answer
                    elif failure := tries.failed(task, answer):
                        yield failure


class _Builder:
    """A process that builds shards, started anew when it died; ended with the stack."""

    def __init__(self, stack: ExitStack) -> None:
        self.task: ShardTask | None = None
        self._start()
        stack.callback(self._stop)

    def give(self, task: ShardTask) -> None:
        """Let it build a shard."""
        self.task = task
        with suppress(OSError):  # that it is gone shows when its answer is awaited
            self.connection.send(task)

    def receive(self) -> tuple[ShardTask, Built | Exception]:
        """Return the shard and what came of it: an error where the builder failed, or died."""
        assert self.task is not None
        task, self.task = self.task, None
        try:
            answer: Built | Exception = self.connection.recv()
        except (EOFError, OSError):
            self._stop()
            answer = ChildProcessError(f"the builder's process died ({self._process.exitcode}); is memory short?")
            self._start()
        return task, answer

    def _start(self) -> None:
        self.connection, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs,), name="indexer fleet: builder")
        start(self._process)
        theirs.close()

    def _stop(self) -> None:
        self.connection.close()
        if self.task is not None:
            self._process.kill()
        self._process.join(LAST_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _answering(builders: Sequence[_Builder], *, until: float | None) -> list[_Builder]:
    """Wait until a builder has answered, or died, or until a moment, by the monotonic clock; return those that did."""
    busy = {builder.connection: builder for builder in builders if builder.task is not None}
    timeout = None if until is None else max(0.0, until - time.monotonic())
    if not busy:
        time.sleep(timeout or 0.0)
        return []
    return [busy[connection] for connection in wait(list(busy), timeout) if isinstance(connection, Connection)]


def _serve(connection: Connection) -> None:
    """Build each shard that is sent, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with ShardBuilder() as builder, suppress(EOFError, OSError):
        while True:
            connection.send(builder.build(connection.recv()))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
