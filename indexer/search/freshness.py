"""How far a generation is behind its files, asked no more often than a searcher that runs for long can afford."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from indexer.stores.generation.reader import Generation

CountStale = Callable[[Generation], int | None]
"""Returns how many files changed since a generation was built, or None where there is nothing to compare with."""

KEEP_SECONDS = 2.0
"""Short for a person who saves a file and asks again."""
MAX_SHARE = 0.1
"""Of the time that may go into looking: what took long is kept longer."""


class Freshness:
    """Answers as `count` did less than `keep_seconds` ago for the same generation; safe to share between threads."""

    def __init__(
        self,
        count: CountStale,
        *,
        keep_seconds: float = KEEP_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask `count`; an answer that took long is kept so long that looking takes a tenth of the time at most."""
        self._count = count
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._answer: int | None = None
        self._asked_of = ""
        self._kept_until = 0.0

    def stale(self, generation: Generation) -> int | None:
        """Return how many files changed since the generation was built, as of a moment ago."""
        with self._lock:
            began = self._clock()
            if self._asked_of != generation.manifest.checksum or began >= self._kept_until:
                self._answer = self._count(generation)
                self._asked_of = generation.manifest.checksum
                ended = self._clock()
                self._kept_until = ended + max(self._keep_seconds, (ended - began) * (1 / MAX_SHARE - 1))
            return self._answer
