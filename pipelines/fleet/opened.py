"""A manifest of a fleet that is open, with the shards that were asked, for as long as calls use it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from difflib import get_close_matches
from pathlib import Path

from indexer.config import VectorOptions
from indexer.errors import ConfigError, DamagedIndexError
from indexer.identity import changed_parts
from indexer.search.space import GenerationSpace
from indexer.stores.generation import residency
from indexer.stores.generation.layout import Current
from indexer.stores.generation.reader import Generation, open_numbered

from .manifest import FleetManifest, Shard
from .store import OpenManifest, shard_dir
from .union import ShardUnion

KEPT_UNIONS = 8
"""So many choices of repositories are kept open, besides all."""


class OpenShard:
    """A shard of a manifest, opened at the first need; safe to share between threads."""

    def __init__(self, fleet_dir: Path, manifest: FleetManifest, shard: Shard, vectors: VectorOptions | None) -> None:
        self.manifest = manifest
        self.shard = shard
        self._index_dir = shard_dir(fleet_dir, shard.id)
        self._vectors = vectors
        self._generation: Generation | None = None
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether it was asked anything."""
        return self._generation is not None

    @property
    def generation(self) -> Generation:
        """The generation that the manifest names; raises NoIndexError when it is gone, and DamagedIndexError."""
        with self._lock:
            if self._generation is None:
                current = Current(self.shard.generation, self.shard.checksum)
                generation = open_numbered(self._index_dir, current, options=self._vectors)
                try:
                    require_member(generation, self.manifest, self.shard)
                except BaseException:
                    generation.close()
                    raise
                self._generation = generation
            return self._generation

    def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            generation, self._generation = self._generation, None
        if generation is not None:
            generation.close()


def require_member(generation: Generation, fleet: FleetManifest, shard: Shard) -> None:
    """Raise DamagedIndexError unless a generation is the one that the manifest says, and made as the fleet is."""
    made = generation.manifest
    # Of no use where all vectors are the encoder's own.
    parts = [{**own, "static": ""} if made.upgraded == 1 else own for own in (made.made_with, fleet.made_with)]
    if (made.encoder, made.projection) != (fleet.encoder, fleet.projection):
        reason = "the encoder or the projection differs"
    elif (made.digest, made.counts.chunks) != (shard.digest, shard.chunks):
        reason = "it holds something else"
    else:
        reason = changed_parts(*parts)
    if reason:
        raise DamagedIndexError(
            f"shard {shard.id} ({generation.index_dir}) is not what the fleet's manifest says: {reason}",
            "run `indexer fleet build`",
        )


class OpenFleet:
    """A manifest, what was opened of its shards, and how many calls use it; closed by the last one once retired."""

    def __init__(
        self, fleet_dir: Path, opened: OpenManifest, vectors: VectorOptions | None, threads: Executor, count: int
    ) -> None:
        self.manifest = opened.manifest
        self.roots = {shard.repository: shard.root for shard in self.manifest.shards}
        self.users = 0
        self._opened = opened
        self._threads = threads
        self._count = count
        self._shards = [OpenShard(fleet_dir, self.manifest, shard, vectors) for shard in self.manifest.shards]
        self._unions: dict[frozenset[str], tuple[ShardUnion, GenerationSpace]] = {}
        self._is_retired = False
        self._lock = threading.Lock()

    def space(self, repositories: Sequence[str]) -> GenerationSpace:
        """Return the shards of these repositories, or of all, as one; raises ConfigError for one that is not there."""
        if missing := [name for name in repositories if name not in self.roots]:
            near = get_close_matches(missing[0], self.roots, n=1)
            hint = f"is it {near[0]}?" if near else "`fleet status --json` lists them"
            raise ConfigError(f"there is no repository {', '.join(missing)} in the fleet; {hint}")
        chosen = frozenset(repositories)
        with self._lock:
            if chosen not in self._unions:
                own = [shard for shard in self._shards if not chosen or shard.shard.repository in chosen]
                union = ShardUnion(own, self._threads, self._count)
                self._unions[chosen] = union, GenerationSpace(union)
            union, space = self._unions[chosen]
        union.open()
        return space

    def any_generation(self) -> Generation:
        """Return a shard's generation, which says what all were made with: one that is open, or the smallest."""
        is_open = [shard for shard in self._shards if shard.is_open]
        return (is_open[0] if is_open else min(self._shards, key=lambda own: own.shard.index_bytes)).generation

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
        if self.users > 0:
            return
        if len(self._unions) > KEPT_UNIONS:
            with residency.changing():
                self._unions = {some: union for some, union in self._unions.items() if not some}
        if self._is_retired:
            with residency.changing(), ExitStack() as stack:
                self._unions.clear()
                stack.callback(self._opened.close)
                for shard in self._shards:
                    stack.callback(shard.close)
