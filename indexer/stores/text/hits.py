"""Which chunks a query finds, and where they lie."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np
import tantivy

from indexer.stores.text.files import damage
from indexer.stores.text.queries import among, schema

_SCORE_DECIMALS = 4
"""What a sum of single-precision numbers in any order agrees on."""
_TIES = 32
"""How many more are fetched than asked for, to see whether a tie reaches over the end."""
_TIES_OF_SEVERAL = 128
"""The same of several indexes, which may hold copies of a file."""
_MANY_TIES = 1024
"""How many more are fetched when it does; who is picked from an even larger tie depends on where documents lie.
Of several indexes at once where weights are sums of few numbers, as most such ties reach over the end."""
_MOST_ADDRESSES = 1 << 13
"""Where so many chunks lie is remembered, 1 MB: what a search finds it reads soon; then the memory starts anew."""

Passing = Callable[[Sequence[int]], Collection[int]]
"""Returns those of the given chunks that may be found."""
_Found = list[tuple[float, tantivy.DocAddress]]
"""Scores and where documents lie, the highest first."""


class Hits:
    """Asks an index, or several as one, and remembers where what was found lies."""

    def __init__(self, searcher: tantivy.Searcher, path: Path, *, is_several: bool) -> None:
        """Ask this searcher; errors name the folder."""
        self._searcher = searcher
        self._path = path
        self._known: dict[int, tantivy.DocAddress] = {}
        self._ties, self._ties_of_sums = (_TIES_OF_SEVERAL, _MANY_TIES) if is_several else (_TIES, _TIES)

    def passing(
        self,
        query: tantivy.Query,
        limit: int,
        passing: Passing | None,
        *,
        remember: bool = True,
        of_sums: bool = False,
    ) -> dict[int, float]:
        """Return the best `limit` that pass; more are asked for until so many do. See `best`."""
        if passing is None:
            return self.best(query, limit, remember=remember, of_sums=of_sums)
        wanted = limit
        while True:
            wanted *= 2
            found = self.best(query, wanted, of_sums=of_sums)
            passed = passing(list(found))
            if len(passed) >= limit or len(found) < wanted:
                return dict(islice(((key, score) for key, score in found.items() if key in passed), limit))

    def best(
        self, query: tantivy.Query, limit: int, *, remember: bool = True, of_sums: bool = False
    ) -> dict[int, float]:
        """Return the best `limit`; Tantivy breaks ties by where a document lies, this by id: history can't matter.

        `of_sums` says that scores are sums of few numbers. `remember` where they lie, if they will be read.
        """
        hits: _Found = []
        scores = np.empty(0)
        ties = self._ties_of_sums if of_sums else self._ties
        for fetch in sorted({limit + ties, limit + _MANY_TIES}) if limit > 0 else ():
            hits = self._found(query, fetch)
            scores = np.array([score for score, _ in hits]).round(_SCORE_DECIMALS)
            if len(hits) < fetch or scores[-1] < scores[limit - 1]:
                break
        # Which documents they are is asked of those alone that can be among the best.
        scores = scores[scores >= scores[:limit].min(initial=np.inf)]
        ids = np.array(self._ids_of(hits[: len(scores)], remember=remember), np.uint64)
        order = np.lexsort((ids, -scores))[:limit]
        return dict(zip(ids[order].tolist(), scores[order].tolist(), strict=True))

    def unordered(self, query: tantivy.Query, limit: int, *, remember: bool = False) -> tuple[list[int], list[float]]:
        """Return up to `limit` chunks with their scores, in no order."""
        hits = self._found(query, limit)
        return self._ids_of(hits, remember=remember), [score for score, _ in hits]

    def addresses(self, ids: Sequence[int]) -> list[tuple[int, tantivy.DocAddress]]:
        """Return where the given chunks lie; unknown ids are left out."""
        known = self._known
        found = {chunk_id: known[chunk_id] for chunk_id in ids if chunk_id in known}
        missing = [chunk_id for chunk_id in ids if chunk_id not in found]
        if missing:
            asked = self._searcher.search(among(schema(), "id", missing), len(missing) + 1, count=False)
            addresses = [address for _, address in asked.hits]
            there = self.ids_at(addresses)
            if len({*there}) < len(there):
                raise ValueError("has two documents of one id")
            found.update(zip(there, addresses, strict=True))
        return [(chunk_id, found[chunk_id]) for chunk_id in ids if chunk_id in found]

    def ids_at(self, addresses: list[tantivy.DocAddress]) -> list[int]:
        """Return the ids of the documents that lie there; raises ValueError for one without."""
        values = self._searcher.fast_field_values("id", addresses)
        if None in values:
            raise ValueError("a document has no id")
        return cast(list[int], values)

    def _found(self, query: tantivy.Query, limit: int) -> _Found:
        with damage(self._path):
            return cast(_Found, self._searcher.search(query, limit, count=False).hits)

    def _ids_of(self, hits: _Found, *, remember: bool) -> list[int]:
        addresses = [address for _, address in hits]
        with damage(self._path):
            ids = self.ids_at(addresses) if hits else []
        if remember:
            if len(self._known) + len(ids) > _MOST_ADDRESSES:
                self._known = {}
            self._known.update(islice(zip(ids, addresses, strict=True), _MOST_ADDRESSES))
        return ids
