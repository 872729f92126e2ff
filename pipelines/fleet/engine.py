"""What runs shard builders, and what they have in common: which errors are worth another try, and how long to wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from indexer.closing import Closing
from indexer.errors import ConfigError, DamagedIndexError, IndexerError, ModelError, RecallError, SourceError

from .shard import Built, Outcome, ShardTask, build_shard

if TYPE_CHECKING:
    from ..parsing.pool import Workers

ATTEMPTS = 3
"""How often a shard is tried before it counts as failed."""
FIRST_WAIT_SECONDS = 0.5
"""How long the second try waits; each one after that waits twice as long."""
KEPT_BYTES = 32 << 20
"""Of source that a parse worker reads before there is a new one: a start takes 0.15 s, a hundredth of that."""

_FINAL = (ConfigError, SourceError, ModelError, DamagedIndexError, RecallError)


class Engine(Protocol):
    """Builds shards somewhere; the caller alone commits what they make."""

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[Outcome]:
        """Yield what became of each shard, as it comes; what is worth it was tried ATTEMPTS times."""


class ShardBuilder(Closing):
    """Builds one shard after the other in a process of its own, which keeps its parse workers from one to the next."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._workers: Workers | None = None

    def build(self, task: ShardTask) -> Built | Exception:
        """Build a shard; return what was raised, for errors to arrive as they are."""
        from ..parsing.pool import Workers

        self._workers = self._workers or Workers(task.config, keep_bytes=KEPT_BYTES)
        try:
            return build_shard(task, self._workers)
        except Exception as error:
            return as_sent(error)

    def close(self) -> None:
        """End the parse workers."""
        if self._workers is not None:
            self._workers.close()


def is_worth_another_try(error: BaseException) -> bool:
    """Whether a builder's error may pass: a machine's trouble, and not that of the input or the settings."""
    return not isinstance(error, _FINAL)


def wait_seconds(attempt: int) -> float:
    """Return how long to wait before another try, after so many that failed."""
    return float(FIRST_WAIT_SECONDS * 2 ** (attempt - 1))


def as_sent(error: Exception) -> Exception:
    """Return an error in a form that another process can read: those of engines need not be picklable."""
    return error if isinstance(error, IndexerError | OSError) else IndexerError(f"{type(error).__name__}: {error}")


def failure_text(error: BaseException) -> str:
    """Return an error as a sentence for a person."""
    return str(error) or type(error).__name__


def largest_first(tasks: Sequence[ShardTask]) -> list[ShardTask]:
    """Return tasks in the order in which no builder is left with a large one at the end (Graham's LPT rule, 1969)."""
    return sorted(tasks, key=lambda task: (-task.size, task.id))
