"""A build in a process of its own, beside a server that goes on answering."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

NICENESS = 10
"""Added to the build's priority value, so that it takes what the agent's own work leaves."""

STOP_SECONDS = 10.0
"""So long may a build that is asked to stop take to discard what it staged."""

_LINE_CHARS = 300


class NotYetError(Exception):
    """There is no index to answer from; the message says what is being done about it."""


class Builder:
    """Runs `indexer build` with given arguments, one at a time; safe to share between threads.

    Settings of the environment are those of this process. Python adds no folder of the caller's to its path (-P): a
    repository may hold modules of any name.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._command = [sys.executable, "-P", "-m", "indexer", "build", *arguments]
        self._process: subprocess.Popen[str] | None = None
        self._last = ""
        self._lock = threading.Lock()

    @property
    def is_running(self) -> bool:
        """Whether a build is under way."""
        return self._process is not None and self._process.poll() is None

    @property
    def progress(self) -> str:
        """The last line that the build printed."""
        return self._last

    @property
    def failure(self) -> str:
        """Why the last build failed; empty where none did."""
        process = self._process
        if process is None or not process.poll():
            return ""
        return self._last or f"the build ended with exit code {process.returncode}"

    def start(self) -> None:
        """Start a build unless one is under way; what goes wrong is told by `failure`."""
        with self._lock:
            if self.is_running:
                return
            self._last = ""
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
            with suppress(OSError):  # it may have ended already
                os.setpriority(os.PRIO_PROCESS, self._process.pid, NICENESS)
            assert self._process.stderr is not None
            threading.Thread(target=self._follow, args=(self._process.stderr,), daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Wait for a build that is under way to end, but no longer than that."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)

    def stop(self) -> None:
        """End a build that is under way; the committed index stays as it is, and so do vectors in the cache."""
        with self._lock:
            if self.is_running:
                assert self._process is not None
                self._process.terminate()
                self.wait(STOP_SECONDS)
                self._process.kill()

    def _follow(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                self._last = line.strip()[:_LINE_CHARS] or self._last
