"""The parent's side of one worker process: start it, talk to it, and say how it ended.

No wait here is without a limit. A batch is sent to a worker that has answered all of the one before, so the worker is
not writing, and reads. One that does neither (stopped, or waiting for a device, so that its own timers can't end it)
fails the read or the write after `limit` seconds, and is killed.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import IO, Protocol

from indexer.config import Config
from indexer.encoders.registry import Variant
from indexer.errors import IndexerError
from indexer.types import FileRecord

from .messages import OUT_OF_MEMORY, READY, WALL_GRACE, Batch, Outcome, Settings

_BOOT = f"""
import gc, sys
gc.disable()  # until it serves: imports leave no cycles that would be worth a search
sys.path[:] = {{path!r}}
from {__package__}.worker import serve
serve({{descriptor}})
"""
LAST_SECONDS = 5.0
"""How long a worker that closed its connection, or was killed, may take to end."""

START_SECONDS = 60.0
"""How long a worker may take to import the parser and greet, on a busy machine too."""

_DAY = 86_400.0
"""Longer than anyone waits; the system takes no limit of a month."""

STALLED = "stopped answering"
"""What is said of a worker that neither answers nor ends."""


class Started(Protocol):
    """A worker that was started: what is used of `subprocess.Popen`."""

    returncode: int | None

    def kill(self) -> None:
        """End it."""

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code; raises subprocess.TimeoutExpired."""


def _start(descriptor: int, errors: IO[bytes]) -> Started:
    """Start an interpreter that serves the socket `descriptor` and writes to stderr into `errors`; raises OSError."""
    return subprocess.Popen(
        # Isolated, so that no file in the working directory is imported in place of a library.
        [sys.executable, "-I", "-c", _BOOT.format(path=sys.path, descriptor=descriptor)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        pass_fds=(descriptor,),
        process_group=0,  # Ctrl-C is the parent's to handle
    )


start_worker: Callable[[int, IO[bytes]], Started] = _start
"""Starts a worker process; attacks that start thousands of them put a fork in its place."""

_SIGNALS = {
    "SIGPROF": "took too long (parse.timeout_seconds)",
    "SIGALRM": "hung (parse.timeout_seconds)",
}


class WorkerDied(Exception):  # noqa: N818 - an event that the pool expects
    """The process ended; `timed_out` tells whether the file that it was at ran out of time."""

    def __init__(self, cause: str, *, timed_out: bool) -> None:
        super().__init__(cause)
        self.timed_out = timed_out


class WorkerProcess:
    """A worker and the positions of the files that it has not answered for, in order.

    `errors` is a file for what it writes to stderr. `deadline`, by the monotonic clock, is when it must have sent its
    next message: longer than its own timers let a file take. Raises IndexerError when it can't be started.
    """

    def __init__(self, config: Config, errors: IO[bytes]) -> None:
        """Start the process, which imports what it needs, and waits to be told what to load."""
        self.tasks: deque[int] = deque()
        self.together = False
        self._errors = errors
        self._ready = False
        self._cause = ""
        self._limit = _limit(config)
        self.deadline = time.monotonic() + START_SECONDS
        ours, theirs = socket.socketpair()
        with theirs:
            _limit_waits(ours, max(self._limit, START_SECONDS))
            self.connection = Connection(ours.detach())
            try:
                self._process = start_worker(theirs.fileno(), errors)
            except OSError as error:
                self.connection.close()
                raise IndexerError(f"a parser process can't be started ({error}); lower parse.workers") from error

    def load(self, variant: Variant | None) -> None:
        """Tell the process, before anything else, which encoder it will be asked for."""
        self._send(variant)

    @property
    def is_idle(self) -> bool:
        """Whether it can be told what to work on next: it has answered for all files, and has not ended."""
        return not self.tasks and not self.connection.closed

    def begin(self, settings: Settings) -> None:
        """Tell the process what it works on."""
        self._limit = _limit(settings.config)
        self.deadline = time.monotonic() + START_SECONDS
        self._send(settings)

    def give(self, positions: Sequence[int], records: Sequence[FileRecord], *, together: bool) -> None:
        """Send one batch of files, to be answered `together` or one by one; the one before must have been answered."""
        self.tasks.extend(positions)
        self.together = together
        if self._ready:
            self.deadline = time.monotonic() + self._limit
        self._send(Batch(list(records), together))

    def receive(self) -> list[Outcome]:
        """Return the next outcomes, none after the worker's greeting; wait until the deadline at most.

        Raises WorkerDied, and IndexerError when the worker never came up.
        """
        try:
            if not self.connection.poll(max(0.0, self.deadline - time.monotonic())):
                raise BlockingIOError
            message = self.connection.recv()
        except BlockingIOError:
            self.stop()
            self._cause = STALLED
            raise self._death() from None
        except Exception:  # the end of the stream, or a message that a dying process left half written
            with suppress(subprocess.TimeoutExpired):  # it is going, and its own exit code tells more than our kill
                self._process.wait(LAST_SECONDS)
            self.stop()
            raise self._death() from None
        self.deadline = time.monotonic() + self._limit
        if isinstance(message, list):
            return message
        self._ready = message == READY
        return []

    def stop(self) -> None:
        """End the process, if it still runs, and leave no zombie, unless the system can't end it either."""
        self.connection.close()
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(LAST_SECONDS)

    def _send(self, message: object) -> None:
        try:
            self.connection.send(message)
        except (BrokenPipeError, ConnectionResetError):
            pass  # that a worker is gone shows when its answer is awaited
        except BlockingIOError:
            # Part of the message is on its way: whoever waits for the answer finds the process dead, and why.
            self._process.kill()
            self._cause = STALLED
        except OSError as error:
            raise IndexerError(f"nothing can be sent to a parser process ({error}); lower parse.workers") from error
        except (pickle.PicklingError, TypeError, ValueError, AttributeError) as error:
            raise IndexerError(f"a source can't be sent to a parser process ({error}); report this as a bug") from error

    def _death(self) -> WorkerDied | IndexerError:
        """Return how the process ended."""
        code = self._process.returncode
        cause = self._cause or (STALLED if code is None else _cause(code))
        if not self._ready:
            return IndexerError(f"a parser process did not start: {self._last_words() or cause}")
        return WorkerDied(cause, timed_out=cause in _SIGNALS.values())

    def _last_words(self) -> str:
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), 2000, max(0, size - 2000)).decode("utf-8", "replace").strip()


def _limit(config: Config) -> float:
    """Return how many seconds a worker may need between two messages: longer than its own timers let a file take."""
    return min(WALL_GRACE * config.parse.timeout_seconds, _DAY) + LAST_SECONDS


def _limit_waits(end: socket.socket, seconds: float) -> None:
    """Let the system fail a read or a write that waits longer with BlockingIOError."""
    whole = int(seconds)
    limit = struct.pack("@ll", whole, int((seconds - whole) * 1e6))
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


def _cause(code: int) -> str:
    """Say how a process ended."""
    if code == OUT_OF_MEMORY:
        return "ran out of memory (parse.memory_megabytes)"
    if code >= 0:
        return f"the parser's process ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # a real-time signal has a number alone
        name = f"signal {-code}"
    return _SIGNALS.get(name, f"crashed with {name}")
