"""Shard builders as actors of a Ray cluster: this machine, or several that share the fleet's folder and the sources.

Plain actors, and not ray.data: what is built lies on shared storage already, so there are no rows to move or to batch,
and each shard that an actor or a node took with it is known here, and is tried again alone.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
import ray
from ray.exceptions import RayError, RayTaskError

from indexer.errors import IndexerError

from ..spawned import safe_path
from .engine import ShardBuilder, largest_first
from .shard import Built, Outcome, ShardTask, shared_out
from .tries import Tries

_cluster: Any = ray
"""Ray, where it says less of its types than is asked for here."""

LOST_SECONDS = 120.0
"""How long to wait for a cluster that has no place for any builder."""


@contextmanager
def cluster(address: str | None = None) -> Iterator[None]:
    """Be joined to the cluster at an address, or to one of this machine alone, unless some cluster is joined already.

    Raises IndexerError for a cluster that can't be used.
    """
    if ray.is_initialized():
        yield
        return
    try:
        # Ray lets its workers import from the driver's folder, which may be a stranger's.
        with safe_path(), chdir(Path(__file__).parents[2]):
            ray.init(
                address=address,
                include_dashboard=None if address else False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise IndexerError(f"Ray: {address or 'a cluster of this machine'}: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


class RayEngine:
    """An actor a core of the cluster, each with one shard at a time; encoders load once an actor.

    Only what to build and its digests and counts pass through here. An actor or a node that is lost loses the shards
    in flight alone.
    """

    def __init__(self, *, address: str | None = None, jobs: int = 0, cores_each: int = 1) -> None:
        """Join the cluster at `address`, or else start one of this machine; of `jobs` actors, 0 being all that fit."""
        self._address = address
        self._jobs = jobs
        self._cores_each = cores_each

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[Outcome]:
        """Yield what became of each shard, as it comes; raises IndexerError for a cluster that can't be used."""
        with cluster(self._address):
            yield from self._run(tasks)

    def _run(self, tasks: Sequence[ShardTask]) -> Iterator[Outcome]:
        tries = Tries(
            [
                replace(task, config=shared_out(task.config, cores=self._cores_each, builders=1))
                for task in largest_first(tasks)
            ]
        )
        busy: dict[Any, tuple[Any, ShardTask]] = {}
        idle: list[Any] = []
        last = time.monotonic()
        try:
            while tries or busy:
                for task in tries.take(self._places() - len(busy)) if tries else ():
                    actor = idle.pop() if idle else _Actor.options(num_cpus=self._cores_each).remote()
                    busy[actor.build.remote(task)] = (actor, task)
                done, _ = ray.wait(list(busy), timeout=0.2) if busy else ([], None)
                if not busy:
                    time.sleep(0.1)
                last = time.monotonic() if done or busy else last
                if time.monotonic() - last > LOST_SECONDS and not busy:
                    raise IndexerError(f"Ray: no node has had a free core for {LOST_SECONDS:.0f} s")
                for reference in done:
                    actor, task = busy.pop(reference)
                    answer = _answer(reference)
                    if isinstance(answer, RayError):
                        _forget(actor)
                    else:
                        idle.append(actor)
                    if isinstance(answer, Built):
                        yield answer
                    elif failure := tries.failed(task, answer):
                        yield failure
        finally:
            for actor in [*idle, *(actor for actor, _ in busy.values())]:
                _forget(actor)

    def _places(self) -> int:
        """Return how many actors fit on the cluster as it is now."""
        fits = int(_cluster.cluster_resources().get("CPU", 0)) // self._cores_each
        return min(fits, self._jobs) if self._jobs else fits


_Actor: Any = ray.remote(max_restarts=0, max_task_retries=0)(ShardBuilder)


def _answer(reference: Any) -> Built | Exception:
    try:
        found: Built | Exception = ray.get(reference)
    except RayTaskError as error:
        return IndexerError(str(error.cause))
    except RayError as error:
        return error
    return found


def _forget(actor: Any) -> None:
    with suppress(RayError, ValueError):
        ray.kill(actor)
