"""Shard builders one after the other in this process: for few shards, and to compare pools with."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from .engine import ATTEMPTS, failure_text, is_worth_another_try, wait_seconds
from .manifest import Failure
from .shard import Outcome, ShardTask, build_shard


class SerialEngine:
    """Builds shards in order, each with all cores."""

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[Outcome]:
        """Yield what became of each shard, as it comes."""
        for task in tasks:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    yield build_shard(task)
                    break
                except Exception as error:
                    if attempt == ATTEMPTS or not is_worth_another_try(error):
                        yield Failure(id=task.id, message=failure_text(error))
                        break
                    time.sleep(wait_seconds(attempt))
