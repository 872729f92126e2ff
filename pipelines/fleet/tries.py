"""Which shards wait to be built, which are tried again, and when."""

from __future__ import annotations

import time
from collections.abc import Sequence

from indexer.errors import ConfigError, DamagedIndexError, ModelError, RecallError, SourceError

from .manifest import Failure, of_shard
from .shard import ShardTask

ATTEMPTS = 3
"""How often a shard is tried before it counts as failed."""
FIRST_WAIT_SECONDS = 0.5
"""How long the second try waits; each one after that waits twice as long."""

_FINAL = (ConfigError, SourceError, ModelError, DamagedIndexError, RecallError)
"""Errors of the input or the settings, which do not pass as a machine's troubles may."""


class Tries:
    """Shards that are still to be built, in order; those that failed come again after a while."""

    def __init__(self, tasks: Sequence[ShardTask]) -> None:
        """Let every task wait for its first try."""
        self._waiting = list(tasks)
        self._later: list[tuple[float, ShardTask]] = []
        self._failed = dict.fromkeys((task.id for task in tasks), 0)

    def __bool__(self) -> bool:
        """Whether a shard waits, for a builder or for its time."""
        return bool(self._waiting or self._later)

    def take(self, most: int) -> list[ShardTask]:
        """Return the next shards to build, of those whose time has come; none where `most` is below one."""
        now = time.monotonic()
        self._waiting += [task for due, task in self._later if due <= now]
        self._later = [(due, task) for due, task in self._later if due > now]
        taken, self._waiting = self._waiting[: max(0, most)], self._waiting[max(0, most) :]
        return taken

    @property
    def due(self) -> float | None:
        """When the next of those whose time had not come is to be tried again, by the monotonic clock."""
        return min((due for due, _ in self._later), default=None)

    def failed(self, task: ShardTask, error: BaseException) -> Failure | None:
        """Try a shard again later, or return why it is given up."""
        self._failed[task.id] += 1
        if self._failed[task.id] >= ATTEMPTS or isinstance(error, _FINAL):
            told = of_shard(error) if isinstance(error, DamagedIndexError) else error
            return Failure(id=task.id, message=str(told) or type(error).__name__)
        self._later.append((time.monotonic() + wait_seconds(self._failed[task.id]), task))
        return None


def wait_seconds(attempt: int) -> float:
    """Return how long to wait before another try, after so many that failed."""
    return float(FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
