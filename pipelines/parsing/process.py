"""The parent's side of one worker process: start it, talk to it, and say how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Pipe
from typing import IO

from indexer.errors import IndexerError
from pipelines.parsing.worker import OUT_OF_MEMORY, READY, Outcome, Settings, Task

_BOOT = "import sys; sys.path[:] = {path!r}; from pipelines.parsing.worker import serve; serve({descriptor})"
LAST_SECONDS = 5.0
"""How long a worker that closed its connection may take to end."""

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

    `errors` is a file for what it writes to stderr.
    """

    def __init__(self, settings: Settings, errors: IO[bytes]) -> None:
        self.tasks: deque[int] = deque()
        self._errors = errors
        self._ready = False
        self.connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                # Isolated, so that no file in the working directory is imported in place of a library.
                [sys.executable, "-I", "-c", _BOOT.format(path=sys.path, descriptor=theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(theirs.fileno(),),
                process_group=0,  # Ctrl-C is the parent's to handle
            )
        self._send(settings)

    def give(self, positions: Sequence[int], tasks: Sequence[Task]) -> None:
        """Send one batch; the worker must have answered the one before."""
        self.tasks.extend(positions)
        self._send(list(tasks))

    def receive(self) -> Outcome | None:
        """Return the next outcome, or None after the worker's greeting.

        Raises WorkerDied, and IndexerError when the worker never came up.
        """
        try:
            message = self.connection.recv()
        except Exception:  # the end of the stream, or a message that a dying process left half written
            with suppress(subprocess.TimeoutExpired):  # it is going, and its own exit code tells more than our kill
                self._process.wait(LAST_SECONDS)
            self.stop()
            code = self._process.returncode
            if not self._ready:
                raise IndexerError(f"a parser process did not start: {self._last_words() or _cause(code)}") from None
            timed_out = code < 0 and signal.Signals(-code).name in _SIGNALS
            raise WorkerDied(_cause(code), timed_out=timed_out) from None
        if isinstance(message, Outcome):
            return message
        self._ready = message == READY
        return None

    def stop(self) -> None:
        """End the process, if it still runs, and leave no zombie."""
        self.connection.close()
        self._process.kill()
        self._process.wait()

    def _send(self, message: object) -> None:
        with suppress(OSError):  # that a worker is gone shows when its answer is awaited
            self.connection.send(message)

    def _last_words(self) -> str:
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), 2000, max(0, size - 2000)).decode("utf-8", "replace").strip()


def _cause(code: int) -> str:
    """Say how a process ended."""
    if code == OUT_OF_MEMORY:
        return "ran out of memory (parse.memory_megabytes)"
    if code >= 0:
        return f"the parser's process ended with exit code {code}"
    name = signal.Signals(-code).name
    return _SIGNALS.get(name, f"crashed with {name}")
