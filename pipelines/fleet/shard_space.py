"""A shard of a fleet as a search sees it, opened when it is first asked."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace as with_fields
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.config import VectorOptions
from indexer.errors import DamagedIndexError
from indexer.identity import changed_parts
from indexer.search.candidates import Asked, Found
from indexer.search.literals import Literals
from indexer.search.query import Query
from indexer.search.scoring import FileScores
from indexer.search.space import Filter, GenerationSpace
from indexer.search.standing import Standing
from indexer.stores.folder import Folder
from indexer.stores.generation.layout import Current, reading
from indexer.stores.generation.reader import Generation, open_numbered
from indexer.stores.text.document import StoredChunk

from .manifest import FleetManifest, Shard
from .store import TERMS, shard_dir

if TYPE_CHECKING:
    from indexer.stores.text.statistics import Term

    from .terms import TermTable


class ShardSpace:
    """A shard as a `Searchable`, opened at the first question; safe to share between threads."""

    def __init__(self, fleet_dir: Path, manifest: FleetManifest, shard: Shard, vectors: VectorOptions | None) -> None:
        self.shard = shard
        self._fleet_dir = fleet_dir
        self._table: TermTable | None = None
        self._index_dir = shard_dir(fleet_dir, shard.id)
        self._manifest = manifest
        self._vectors = vectors
        self._space: GenerationSpace | None = None
        self._lock = threading.Lock()

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return self.shard.chunks

    @property
    def upgraded(self) -> float:
        """Which part of the chunks has the encoder's own vector, 0 to 1."""
        return self.shard.upgraded

    @property
    def is_open(self) -> bool:
        """Whether it was asked anything."""
        return self._space is not None

    @property
    def generation(self) -> Generation:
        """The generation that the manifest names; raises NoIndexError when it is gone, and DamagedIndexError."""
        return self._opened().generation

    def frequencies(self, terms: Collection[Term]) -> dict[Term, int]:
        """Return how many chunks have each of the terms."""
        return self._opened().frequencies(terms)

    def first_pass(self, asked: Asked, chosen: Filter) -> Found:
        """Return the chunks and files that the retrievers put first."""
        return self._opened().first_pass(self._knowing(asked), chosen)

    def paths_of(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the paths of the files that chunks are in, by chunk."""
        return self._opened().paths_of(ids)

    def second_pass(self, asked: Asked, chosen: Filter, paths: Sequence[str]) -> FileScores:
        """Return the scores of all chunks of the given files."""
        return self._opened().second_pass(self._knowing(asked), chosen, paths)

    def standing(self, query: Query, literals: Literals, chosen: Filter) -> list[Standing]:
        """Return the chunks in which the query, or a part of it that only code is written as, stands."""
        return self._opened().standing(query, literals, chosen)

    def documents(self, ids: Sequence[int]) -> dict[int, StoredChunk]:
        """Return what is stored of chunks, by id; unknown ids are left out."""
        return self._opened().documents(ids)

    def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            space, self._space = self._space, None
        if space is not None:
            space.generation.close()
        if self._table is not None:
            self._table.close()

    def _knowing(self, asked: Asked) -> Asked:
        """Return what is asked, with how many chunks of this shard have each term."""
        if not asked.words:
            return asked
        self._opened()
        assert self._table is not None
        own = self._table.frequencies(asked.statistics.frequencies.keys(), otherwise=0)
        return with_fields(asked, statistics=asked.statistics._replace(own=own))

    def _opened(self) -> GenerationSpace:
        with self._lock:
            if self._space is None:
                current = Current(self.shard.generation, self.shard.checksum)
                generation = open_numbered(self._index_dir, current, options=self._vectors)
                try:
                    self._check(generation)
                    self._table = self._open_table()
                except BaseException:
                    generation.close()
                    raise
                self._space = GenerationSpace(generation)
            return self._space

    def _open_table(self) -> TermTable:
        from .terms import TermTable

        path = self._fleet_dir / TERMS
        with reading(path), Folder(self._fleet_dir) as fleet, fleet.folder(TERMS) as folder:
            return TermTable(folder, f"{self.shard.terms}.terms")

    def _check(self, generation: Generation) -> None:
        """Raise DamagedIndexError unless a generation is the one that the manifest says, and made as the fleet is."""
        made, fleet = generation.manifest, self._manifest
        # Of no use where all vectors are the encoder's own.
        parts = [{**own, "static": ""} if made.upgraded == 1 else own for own in (made.made_with, fleet.made_with)]
        if (made.encoder, made.projection) != (fleet.encoder, fleet.projection):
            reason = "the encoder or the projection differs"
        elif (made.digest, made.counts.chunks) != (self.shard.digest, self.shard.chunks):
            reason = "it holds something else"
        else:
            reason = changed_parts(*parts)
        if reason:
            raise DamagedIndexError(
                f"shard {self.shard.id} ({self._index_dir}) is not what the fleet's manifest says: {reason}; "
                "run `indexer fleet build`"
            )
