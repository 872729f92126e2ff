"""Calls of a search that need not wait for each other: one by one, or at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

Together = Callable[[Sequence[Callable[[], Any]]], list[Any]]
"""Makes calls, at least one, and returns what they return."""


def one_by_one(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make calls in their order."""
    return [call() for call in calls]


def at_once(threads: Executor) -> Together:
    """Return what makes the last call itself and lets threads make the others, which may not wait for threads."""

    def together(calls: Sequence[Callable[[], Any]]) -> list[Any]:
        begun = [threads.submit(call) for call in calls[:-1]]
        last = calls[-1]()
        return [*(future.result() for future in begun), last]

    return together
