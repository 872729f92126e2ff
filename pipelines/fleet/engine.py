"""What runs shard builders, and the builder that they have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from indexer.closing import Closing
from indexer.errors import IndexerError

from .shard import Built, Outcome, ShardTask, build_shard

if TYPE_CHECKING:
    from ..parsing.pool import Workers

KEPT_BYTES = 32 << 20
"""Of source that a parse worker reads before there is a new one: a start takes 0.15 s, a hundredth of that."""


class Engine(Protocol):
    """Builds shards somewhere; the caller alone commits what they make."""

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[Outcome]:
        """Yield what became of each shard, as it comes; what is worth it was tried more than once (`tries.py`)."""


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


def as_sent(error: Exception) -> Exception:
    """Return an error in a form that another process can read: those of engines need not be picklable."""
    return error if isinstance(error, IndexerError | OSError) else IndexerError(f"{type(error).__name__}: {error}")


def largest_first(tasks: Sequence[ShardTask]) -> list[ShardTask]:
    """Return tasks in the order in which no builder is left with a large one at the end (Graham's LPT rule, 1969)."""
    return sorted(tasks, key=lambda task: (-task.size, task.id))
