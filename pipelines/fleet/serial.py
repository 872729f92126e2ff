"""Shard builders one after the other in this process: for few shards, and to compare pools with."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from .shard import Outcome, ShardTask, build_shard
from .tries import Tries


class SerialEngine:
    """Builds shards in order, each with all cores."""

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[Outcome]:
        """Yield what became of each shard, as it comes."""
        tries = Tries(tasks)
        while tries:
            taken = tries.take(1)
            if not taken and (due := tries.due):
                time.sleep(max(0.0, due - time.monotonic()))
            for task in taken:
                try:
                    yield build_shard(task)
                except Exception as error:
                    if failure := tries.failed(task, error):
                        yield failure
