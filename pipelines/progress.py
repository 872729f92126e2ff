"""How far a build is, and where its time went: the seam to a display, and the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

NOTE_SECONDS = 1.0


class Progress(Protocol):
    """Where a build says how far it is."""

    def waiting(self, who: str) -> None:
        """Another process is writing the index, and the build waits for its end; `who` is a sentence without it."""

    def stage(self, name: str) -> None:
        """The build has entered a stage."""

    def parsed(self, files: int, total: int, chunks: int) -> None:
        """So many of all files to index are parsed, and gave so many chunks."""

    def vectors(self, chunks: int) -> None:
        """So many more chunks have their vector."""

    def searchable(self, chunks: int, seconds: float) -> None:
        """All chunks can be searched, so many seconds after the build began; their vectors are still to be upgraded."""

    def upgrading(self, chunks: int) -> None:
        """So many chunks are to have another vector; what `vectors` is told from here on counts towards them."""


class Silence:
    """A `Progress` that says nothing."""

    def waiting(self, who: str) -> None:
        """Ignore it."""

    def stage(self, name: str) -> None:
        """Ignore it."""

    def parsed(self, files: int, total: int, chunks: int) -> None:
        """Ignore it."""

    def vectors(self, chunks: int) -> None:
        """Ignore it."""

    def searchable(self, chunks: int, seconds: float) -> None:
        """Ignore it."""

    def upgrading(self, chunks: int) -> None:
        """Ignore it."""


class Noted:
    """A `Progress` that also notes in a line, every so many seconds, how many files are parsed."""

    def __init__(self, told: Progress, note: Callable[[str], None], *, every_seconds: float = NOTE_SECONDS) -> None:
        """Tell `told` everything, and `note` the line."""
        self._told = told
        self._note = note
        self._every = every_seconds
        self._last = time.monotonic()

    def waiting(self, who: str) -> None:
        """Pass it on."""
        self._told.waiting(who)

    def stage(self, name: str) -> None:
        """Pass it on."""
        self._told.stage(name)

    def parsed(self, files: int, total: int, chunks: int) -> None:
        """Pass it on, and note it when it is time."""
        self._told.parsed(files, total, chunks)
        if time.monotonic() - self._last >= self._every:
            self._last = time.monotonic()
            self._note(f"files parsed: {files} of {total}, chunks: {chunks}")

    def vectors(self, chunks: int) -> None:
        """Pass it on."""
        self._told.vectors(chunks)

    def searchable(self, chunks: int, seconds: float) -> None:
        """Pass it on."""
        self._told.searchable(chunks, seconds)

    def upgrading(self, chunks: int) -> None:
        """Pass it on."""
        self._told.upgrading(chunks)


class StageClock:
    """Seconds a stage, summed over all times it was entered, in order of first entry."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Count the block's time under `name`."""
        self._progress.stage(name)
        self.seconds.setdefault(name, 0.0)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start
