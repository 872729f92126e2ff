"""Progress on stderr: a live bar on a terminal, and a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..progress import Progress
from .console import echo, is_quiet
from .log import is_json

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

PLAIN_INTERVAL_SECONDS = 3.0
RATE_WINDOW_START_SECONDS = 0.5
"""A rate over less time than this is noise, and is not shown."""


class _Counts:
    """What both displays show: files parsed of all, chunks done, chunks a second, seconds to go.

    How many chunks there will be is estimated from the files parsed so far.
    """

    def __init__(self) -> None:
        self.name = ""
        self.chunks_done = 0
        self.chunks_expected = 0.0
        self._files = ""
        self._first_chunk = 0.0

    def add_parsed(self, files: int, total: int, chunks: int) -> None:
        self._files = f"{files}/{total} files"
        self.chunks_expected = max(1.0, chunks / max(1, files) * total)

    def add_vectors(self, chunks: int) -> None:
        if not self._first_chunk:
            self._first_chunk = time.monotonic()
        self.chunks_done += chunks

    def start_upgrade(self, chunks: int) -> None:
        self._files = ""
        self._first_chunk = 0.0
        self.chunks_done = 0
        self.chunks_expected = float(chunks)

    def line(self) -> str:
        parts = [self.name]
        if self._files:
            parts.append(self._files)
        if self.chunks_done:
            of_all = "" if self._files or not self.chunks_expected else f"/{self.chunks_expected:.0f}"
            parts.append(f"{self.chunks_done}{of_all} chunks")
            elapsed = time.monotonic() - self._first_chunk
            if elapsed > RATE_WINDOW_START_SECONDS and self.chunks_expected:
                rate = self.chunks_done / elapsed
                parts.append(f"{rate:.0f} chunks/s")
                left = max(0.0, self.chunks_expected - self.chunks_done) / rate
                parts.append(f"ETA {left:.0f} s")
        return "  ".join(parts)


class PlainProgress:
    """A line every few seconds, for logs."""

    def __init__(self) -> None:
        self._counts = _Counts()
        self._last = time.monotonic()

    def waiting(self, who: str) -> None:
        """Print it: nothing else moves until that one ends."""
        echo(waiting_text(who), err=True)

    def stage(self, name: str) -> None:
        """Remember the stage; print when it is time."""
        self._counts.name = name
        self._tick()

    def parsed(self, files: int, total: int, chunks: int) -> None:
        """Count files; print when it is time."""
        self._counts.add_parsed(files, total, chunks)
        self._tick()

    def vectors(self, chunks: int) -> None:
        """Count chunks; print when it is time."""
        self._counts.add_vectors(chunks)
        self._tick()

    def searchable(self, chunks: int, seconds: float) -> None:
        """Print it: this is what a person waits for."""
        echo(searchable_text(chunks, seconds), err=True)

    def upgrading(self, chunks: int) -> None:
        """Count from the start; print when it is time."""
        self._counts.start_upgrade(chunks)
        self._tick()

    def _tick(self) -> None:
        if time.monotonic() - self._last >= PLAIN_INTERVAL_SECONDS:
            self._last = time.monotonic()
            echo(self._counts.line(), err=True)


class LiveProgress:
    """A bar that redraws itself; rich is loaded at the first call, so that a run without work stays cheap."""

    def __init__(self) -> None:
        self._counts = _Counts()
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def waiting(self, who: str) -> None:
        """Print it above the bar: nothing else moves until that one ends."""
        self.close()
        self._bar = None
        echo(waiting_text(who), err=True)

    def stage(self, name: str) -> None:
        """Show the stage."""
        self._counts.name = name
        self._draw()

    def parsed(self, files: int, total: int, chunks: int) -> None:
        """Count files."""
        self._counts.add_parsed(files, total, chunks)
        self._draw()

    def vectors(self, chunks: int) -> None:
        """Move the bar."""
        self._counts.add_vectors(chunks)
        self._draw()

    def searchable(self, chunks: int, seconds: float) -> None:
        """Print it above the bar: this is what a person waits for."""
        self.close()
        self._bar = None
        echo(searchable_text(chunks, seconds), err=True)

    def upgrading(self, chunks: int) -> None:
        """Start the bar anew."""
        self._counts.start_upgrade(chunks)
        self._draw()

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.stop()

    def _draw(self) -> None:
        if not self._counts.chunks_expected:
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            columns = (BarColumn(bar_width=30), TextColumn("{task.description}"))
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("")
        assert self._task is not None
        counts = self._counts
        self._bar.update(
            self._task, description=counts.line(), completed=counts.chunks_done, total=counts.chunks_expected
        )


def waiting_text(who: str) -> str:
    """Say what the build waits for."""
    return f"{who}; waiting for it to end"


def searchable_text(chunks: int, seconds: float) -> str:
    """Say that all can be searched, and what goes on meanwhile."""
    return (
        f"searchable after {seconds:.1f} s: {chunks} chunks; "
        "their vectors are being made better now, and whenever this is stopped, the next build goes on"
    )


@contextmanager
def progress() -> Iterator[Progress | None]:
    """Give the progress display that fits stderr, or None when asked to be quiet."""
    if is_quiet():
        yield None
    elif sys.stderr.isatty() and not is_json():
        live = LiveProgress()
        try:
            yield live
        finally:
            live.close()
    else:
        yield PlainProgress()
