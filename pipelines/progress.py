"""How far a build is, and where its time went: the seam to a display, and the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Where a build says how far it is."""

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
