"""The text index: BM25 over a chunk's fields, and all that is known of the chunk, in Tantivy.

Text fields hold terms of indexer.languages.analyzer, joined by spaces; what a person reads is in the stored fields of
indexer.stores.text.document. Search sees deleted documents' statistics until their
segment is merged, so term weights are corrected to those of the living, and a text index with many dead is rewritten.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, cast

import tantivy

from indexer.stores.text.check import SegmentStats, check_files, segment_stats
from indexer.stores.text.document import StoredChunk, decode_stored
from indexer.stores.text.document_store import Stored
from indexer.stores.text.files import damage, readable
from indexer.stores.text.queries import (
    Filters,
    among,
    either,
    group_query,
    limited,
    limits,
    register_tokenizer,
    term_query,
)

_SCORE_DECIMALS = 4
"""What a sum of single-precision numbers in any order agrees on."""
_TIES = 32
"""How many more are fetched than asked for, to see whether a tie reaches over the end."""
_MANY_TIES = 1024
"""How many more are fetched when it does; who is picked from an even larger tie depends on where documents lie."""
_CORRECTIONS = 10_000
MASK_BITS = 24
"""How many groups one answer of `holding` covers."""


class Match(NamedTuple):
    """A chunk that a query found, and its score."""

    id: int
    score: float


class TextIndex:
    """A committed text index, read-only and safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Open the folder; raises DamagedIndexError when Tantivy can't."""
        self._path = path
        self._stores = check_files(path)
        with damage(path), readable(path) as folder:
            self._index = tantivy.Index.open(str(folder))
            # No thread that watches the folder: what is committed never changes.
            self._index.config_reader("manual")
            register_tokenizer(self._index)
            self._searcher = self._index.searcher()
        self._schema = self._index.schema
        self._corrections: dict[tuple[str, str], float] = {}

    @property
    def count(self) -> int:
        """The number of living documents."""
        return int(self._searcher.num_docs)

    @cached_property
    def stats(self) -> SegmentStats:
        """How many documents and segments there are, dead ones included."""
        return segment_stats(self._path)

    def search(
        self,
        terms: Mapping[str, Mapping[str, float]],
        *,
        limit: int,
        filters: Filters | None = None,
        any_of: Sequence[int] = (),
    ) -> list[Match]:
        """Return the best chunks by weighted BM25, best first, equal scores by id.

        `terms` maps a field to its terms and their weights: analysed terms for WORD_FIELDS, whole values for
        RAW_FIELDS. `any_of` limits the search to these chunk ids.
        """
        query = self._weighted(terms)
        return [] if query is None else self._matches(limited(query, limits(self._schema, filters, any_of)), limit)

    def scores(
        self, asked: Sequence[Mapping[str, Mapping[str, float]]], *, limit: int, filters: Filters | None = None
    ) -> list[tuple[list[int], list[float]]]:
        """Return for each query, as `search` takes them, the ids and the weighted BM25 of up to `limit` chunks that
        match, in no order."""
        clauses = limits(self._schema, filters)
        queries = [self._weighted(terms) for terms in asked]
        return [([], []) if query is None else self._unordered(limited(query, clauses), limit) for query in queries]

    def holding(
        self, groups: Sequence[Sequence[tuple[str, Sequence[str]]]], *, limit: int, filters: Filters | None = None
    ) -> list[tuple[list[int], list[float]]]:
        """Return which chunks hold which groups, up to `limit` chunks, in no order.

        A group is held by a chunk that has any of its (field, terms): one term, or several near each other, which only
        `names` and `body` can tell. For each MASK_BITS groups in turn the ids of the chunks that hold any of them are
        returned, and numbers whose n-th bit says whether a chunk holds the n-th.
        """
        clauses = limits(self._schema, filters)
        answers = []
        for first in range(0, len(groups), MASK_BITS):
            # Each group adds a power of two of its own to the score, which single precision holds exactly up to 24.
            parts = [
                tantivy.Query.const_score_query(group_query(self._schema, group), float(1 << bit))
                for bit, group in enumerate(groups[first : first + MASK_BITS])
            ]
            answers.append(self._unordered(limited(either(parts), clauses), limit))
        return answers

    def filter(self, filters: Filters, *, limit: int, any_of: Sequence[int] = ()) -> list[int]:
        """Return the ids of up to `limit` chunks that the filters let through, in no order; see `search`."""
        query = limited(tantivy.Query.all_query(), limits(self._schema, filters, any_of))
        return self._unordered(query, limit)[0] if limit > 0 else []

    def find(self, field: str, value: str, *, limit: int = 1000) -> list[int]:
        """Return the ids of chunks whose raw field is exactly this value."""
        return [match.id for match in self._matches(term_query(self._schema, field, value), limit)]

    def documents(self, ids: Sequence[int]) -> dict[int, StoredChunk]:
        """Return what is stored of the given chunks, by id; unknown ids are left out."""
        with damage(self._path):
            documents = {chunk_id: decode_stored(found.stored) for chunk_id, found in self._documents(ids)}
            if any(document.id != chunk_id for chunk_id, document in documents.items()):
                raise ValueError("a document is stored under another id than its own")
            return documents

    def embeddings(self, ids: Sequence[int]) -> dict[int, bytes]:
        """Return the `embedding` bytes of the given chunks, by id."""
        with damage(self._path):
            return {chunk_id: found.embedding for chunk_id, found in self._documents(ids)}

    def scan(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield id, stored bytes and embedding bytes of every living document."""
        step = 4096
        total = self.count
        for offset in range(0, total, step):
            with damage(self._path):
                found = self._searcher.search(tantivy.Query.all_query(), step, count=False, offset=offset)
                addresses = [address for _, address in found.hits]
                ids = self._searcher.fast_field_values("id", addresses)
                documents = [self._stored(address) for address in addresses]
            for chunk_id, document in zip(_ids(ids), documents, strict=True):
                yield chunk_id, document.stored, document.embedding

    def ids(self) -> set[int]:
        """Return the ids of all living documents."""
        return {match.id for match in self._matches(tantivy.Query.all_query(), max(1, self.count))}

    def _documents(self, ids: Sequence[int]) -> Iterator[tuple[int, Stored]]:
        if not ids:
            return
        with damage(self._path):
            found = self._searcher.search(among(self._schema, "id", ids), len(ids), count=False)
            addresses = [address for _, address in found.hits]
            for chunk_id, address in zip(
                _ids(self._searcher.fast_field_values("id", addresses)), addresses, strict=True
            ):
                yield chunk_id, self._stored(address)

    def _stored(self, address: tantivy.DocAddress) -> Stored:
        return self._stores[address.segment_ord].get(address.doc)

    def _matches(self, query: tantivy.Query, limit: int) -> list[Match]:
        """Return the best `limit`; Tantivy breaks ties by where a document lies, this by id: history can't matter."""
        best: list[tuple[float, int]] = []
        for fetch in (limit + _TIES, limit + _MANY_TIES) if limit > 0 else ():
            ids, scores = self._unordered(query, fetch)
            best = [(-round(score, _SCORE_DECIMALS), chunk_id) for score, chunk_id in zip(scores, ids, strict=True)]
            if len(best) < fetch or best[-1][0] > best[limit - 1][0]:
                break
        return [Match(chunk_id, -negative) for negative, chunk_id in sorted(best)[:limit]]

    def _unordered(self, query: tantivy.Query, limit: int) -> tuple[list[int], list[float]]:
        with damage(self._path):
            hits = self._searcher.search(query, limit, count=False).hits
            ids = _ids(self._searcher.fast_field_values("id", [address for _, address in hits]))
        return ids, [score for score, _ in hits]

    def _weighted(self, terms: Mapping[str, Mapping[str, float]]) -> tantivy.Query | None:
        parts = [
            tantivy.Query.boost_query(term_query(self._schema, field, term), weight * correction)
            for field, weighted in terms.items()
            for term, weight in weighted.items()
            if (correction := self._correction(field, term)) > 0
        ]
        return either(parts) if parts else None

    def _correction(self, field: str, term: str) -> float:
        """Return by what to multiply Tantivy's weight of a term, to count only living documents; 0 when none has it.

        Inverse document frequency as Tantivy computes it, ln(1 + (N - n + 0.5) / (n + 0.5)) (Robertson and Zaragoza
        2009), over the living and over all. The mean field length can't be corrected: it still counts the dead.
        """
        key = (field, term)
        known = self._corrections.get(key)
        if known is None:
            with damage(self._path):
                seen = self._searcher.doc_freq(field, term)
                known = 1.0 if seen else 0.0
                if seen and self.stats.dead:
                    living = int(self._searcher.search(term_query(self._schema, field, term), 1, count=True).count)  # type: ignore[attr-defined]
                    known = _idf(living, self.count) / _idf(seen, self.stats.documents) if living else 0.0
            if len(self._corrections) >= _CORRECTIONS:
                self._corrections.clear()
            self._corrections[key] = known
        return known


def _idf(documents: int, total: int) -> float:
    return math.log(1 + (total - documents + 0.5) / (documents + 0.5))


def _ids(values: Sequence[int | float | bool | None]) -> list[int]:
    if None in values:
        raise ValueError("a document has no id")
    return cast(list[int], values)
