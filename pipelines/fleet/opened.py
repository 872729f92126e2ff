"""A manifest of a fleet that is open, with the shards that were asked, for as long as calls use it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.config import VectorOptions
from indexer.errors import ConfigError
from indexer.stores.folder import Folder
from indexer.stores.generation.layout import reading
from indexer.stores.generation.reader import Generation

from .shard_space import ShardSpace
from .store import FREQUENCIES, OpenManifest

if TYPE_CHECKING:
    from indexer.stores.text.statistics import Term

    from .terms import TermTable


class OpenFleet:
    """A manifest, what was opened of its shards, and how many calls use it; closed by the last one once retired."""

    def __init__(self, fleet_dir: Path, opened: OpenManifest, vectors: VectorOptions | None) -> None:
        self.manifest = opened.manifest
        self.users = 0
        self._opened = opened
        self._fleet_dir = fleet_dir
        self._spaces = [ShardSpace(fleet_dir, self.manifest, shard, vectors) for shard in self.manifest.shards]
        self._table: TermTable | None = None
        self._is_retired = False
        self._lock = threading.Lock()

    def choose(self, repositories: Sequence[str]) -> list[ShardSpace]:
        """Return the shards of these repositories, or all; raises ConfigError for one that is not there."""
        known = {shard.repository for shard in self.manifest.shards}
        if missing := [name for name in repositories if name not in known]:
            raise ConfigError(f"there is no repository {', '.join(missing)} in the fleet; `fleet status` lists them")
        return [space for space in self._spaces if not repositories or space.shard.repository in repositories]

    def any_generation(self) -> Generation:
        """Return a shard's generation, which says what all were made with: one that is open, or the smallest."""
        is_open = [space for space in self._spaces if space.is_open]
        return (is_open[0] if is_open else min(self._spaces, key=lambda space: space.shard.index_bytes)).generation

    def frequencies(self, terms: Collection[Term]) -> dict[Term, int]:
        """Return how many chunks of all shards have each of the terms."""
        from .terms import TermTable

        with self._lock:
            if self._table is None:
                place = self._fleet_dir / FREQUENCIES
                with reading(place), Folder(self._fleet_dir) as fleet, fleet.folder(FREQUENCIES) as folder:
                    name = f"{self.manifest.number:08d}.terms"
                    self._table = TermTable(folder, name, expected=self.manifest.frequencies)
        return self._table.frequencies(terms, otherwise=1)

    def done(self) -> None:
        """Say that a call is done with it."""
        with self._lock:
            self.users -= 1
            self._close_unused()

    def retire(self) -> None:
        """Close it as soon as nobody uses it."""
        with self._lock:
            self._is_retired = True
            self._close_unused()

    def _close_unused(self) -> None:
        if self._is_retired and self.users <= 0:
            with ExitStack() as stack:
                stack.callback(self._opened.close)
                for space in self._spaces:
                    stack.callback(space.close)
                if self._table is not None:
                    self._table.close()
