#!/usr/bin/env python3
"""A bounded cache with statistics."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar, overload

K = TypeVar("K")
DEFAULT_CAPACITY = 128  # entries
_registry: dict[str, "Cache[str, bytes]"] = {}
type Loader[V] = Callable[[str], V]
type Key = str | bytes


# What became of a lookup.
@dataclass(frozen=True)
class Outcome:
    hit: bool
    age: float = 0.0
    tags: list[str] = field(default_factory=list)


class Cache(Generic[K]):
    """Least recently used entries are dropped first.

    Not safe for threads.
    """

    __slots__ = ("_entries", "capacity")
    evictions = 0

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self._entries: OrderedDict[K, bytes] = OrderedDict()
        self.capacity = capacity

    @property
    def full(self) -> bool:
        return len(self._entries) >= self.capacity

    @overload
    def get(self, key: K) -> bytes: ...
    @overload
    def get(self, key: K, default: bytes) -> bytes: ...
    def get(self, key, default=b""):
        r'''Return the value, or `default`; a backslash \d stays.'''
        return self._entries.get(key, default)

    def __getitem__(
        self,
        key: K,  # must be hashable
        /,
    ) -> bytes:
        # Moves the entry to the fresh end.
        self._entries.move_to_end(key)
        return self._entries[key]

    class Statistics:
        """Counters."""

        def größe(self) -> int:
            """Bytes held, measured when asked."""
            return 0


def memoize(capacity: int):
    """Decorate a coroutine function."""

    def decorate(function):
        async def wrapper(*args, **kwargs):
            return await function(*args, **kwargs)

        return wrapper

    return decorate


async def warm(cache: Cache[str], *names: str) -> None:
    await asyncio.gather(*(cache.load(name) for name in names))


if __name__ == "__main__":
    asyncio.run(warm(Cache()))


def test_eviction(tmp_path):
    assert Cache(1).evictions == 0


class TestCache:
    def test_full(self):
        assert not Cache(1).full
