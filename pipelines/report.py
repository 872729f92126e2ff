"""What a build did: counts, skips and seconds, as data, and the clock and the progress seam that a build reports to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import msgspec


class FileCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Files by what happened to them; `skipped` counts all files left out, not only those of this build."""

    added: int = 0
    modified: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: int = 0


class ChunkCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Chunks: all in the index, sent through the encoder, given a vector known before, and gone."""

    total: int = 0
    embedded: int = 0
    reused: int = 0
    removed: int = 0


class BuildReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one build; its JSON form is the command line's `build --json`.

    `committed` is false when nothing had changed. `rebuilt` says why the index was made anew, or is empty.
    `languages` counts chunks, `parse_errors` error nodes of the parser. `warnings` are sentences for a person.
    """

    generation: str
    digest: str
    committed: bool
    files: FileCounts
    chunks: ChunkCounts
    skips: dict[str, int]
    languages: dict[str, int]
    parse_errors: dict[str, int]
    seconds: dict[str, float]
    rebuilt: str = ""
    warnings: list[str] = []


class Progress(Protocol):
    """Where a build says how far it is."""

    def stage(self, name: str) -> None:
        """The build has entered a stage."""

    def files(self, done: int, total: int) -> None:
        """So many of the files to index are parsed, embedded and stored."""

    def chunks(self, done: int) -> None:
        """So many more chunks have their vector."""


class Silence:
    """A `Progress` that says nothing."""

    def stage(self, name: str) -> None:
        """Ignore it."""

    def files(self, done: int, total: int) -> None:
        """Ignore it."""

    def chunks(self, done: int) -> None:
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
