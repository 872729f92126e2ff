"""The text index: BM25 over a chunk's fields, and all that is known of the chunk, in Tantivy.

Text fields hold terms of indexer.languages.analyzer, joined by spaces; what a person reads is in the stored fields of
indexer.stores.text.document.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import tantivy

from indexer.stores.text.check import SegmentStats, check_files
from indexer.stores.text.document import StoredChunk, decode_stored
from indexer.stores.text.document_store import LEAST_BLOCKS, MOST_BLOCKS, MOST_STORES, DocumentStore, Stored
from indexer.stores.text.files import damage, readable
from indexer.stores.text.hits import Hits, Passing
from indexer.stores.text.queries import (
    MARGIN,
    Filters,
    either,
    limited,
    limits,
    register_tokenizer,
    term_query,
    weighing,
)
from indexer.stores.text.statistics import Frequencies, Statistics, Term
from indexer.stores.text.union import as_one

MASK_BITS = 24
"""How many words in one field each an answer of `holding` covers."""
_MOST_BYTES = 4 << 20
"""So many stored bytes of chunks are kept as they were decoded, about twice that: questions that follow one another ask
for places that overlap, in a repository of a thousand chunks for little else after ten; then the memory starts anew."""


class TextIndex:
    """A committed text index, or several as one, read-only and safe to share between threads."""

    def __init__(self, *paths: Path) -> None:
        """Open a folder, or several as one index; raises DamagedIndexError when Tantivy can't."""
        self._path = path = Path(os.path.commonpath(paths))
        self._stores: list[DocumentStore] = []
        self._folders: list[int] = []
        for place, own in enumerate(paths):
            self._stores += check_files(own)
            self._folders += [place] * (len(self._stores) - len(self._folders))
        for store in self._stores:
            store.most_blocks = max(LEAST_BLOCKS, MOST_BLOCKS * MOST_STORES // max(MOST_STORES, len(self._stores)))
        with damage(path), readable(path) if len(paths) == 1 else as_one(paths) as folder:
            self._index = tantivy.Index.open(str(folder))
            # No thread that watches the folder: what is committed never changes.
            self._index.config_reader("manual")
            register_tokenizer(self._index)
            self._searcher = self._index.searcher()
        self._schema = self._index.schema
        self._frequencies = Frequencies(paths, self._searcher)
        self._decoded: dict[int, StoredChunk] = {}
        self._decoded_bytes = 0
        self._is_several = len(paths) > 1
        self._hits = Hits(self._searcher, path, is_several=self._is_several)

    @property
    def count(self) -> int:
        """The number of living documents."""
        return int(self._searcher.num_docs)

    @property
    def stats(self) -> SegmentStats:
        """How many documents and segments there are, dead ones included."""
        return self._frequencies.stats

    def search(
        self,
        terms: Mapping[str, Mapping[str, float]],
        *,
        limit: int,
        filters: Filters | None = None,
        any_of: Sequence[int] = (),
        passing: Passing | None = None,
        statistics: Statistics | None = None,
    ) -> dict[int, float]:
        """Return the best chunks with their scores by weighted BM25, best first, equal scores by id.

        `terms` maps a field to its terms and their weights: analysed terms for WORD_FIELDS, whole values for
        RAW_FIELDS. `any_of` limits the search to these chunk ids, `passing` to those that it returns. `statistics` are
        those that terms are weighed by; default: this index's own, of its living documents.
        """
        query = self._weighted(terms, statistics)
        if query is None:
            return {}
        found = limited(query, limits(self._schema, filters, any_of))
        # What of it is read is asked for again, with all chunks of its file; of several indexes, first whose it is.
        return self._hits.passing(found, limit, passing, remember=self._is_several)

    def holding(
        self, words: Sequence[str], fields: Sequence[str], *, limit: int, filters: Filters | None = None
    ) -> list[tuple[list[int], list[float]]]:
        """Return which chunks have which words in any of the fields, up to `limit` chunks, in no order.

        Of so many words at a time as MASK_BITS are enough for, one a field: the ids of the chunks that have any, and
        numbers whose lowest bits say which fields have the first word, the next ones which have the second.
        """
        clauses = limits(self._schema, filters)
        answers = []
        step = MASK_BITS // len(fields)
        for first in range(0, len(words), step):
            # Each adds a power of two of its own to the score, which single precision holds exactly up to 24.
            terms = [(field, word) for word in words[first : first + step] for field in fields]
            parts = [
                tantivy.Query.const_score_query(term_query(self._schema, *term), float(1 << bit))
                for bit, term in enumerate(terms)
            ]
            answers.append(self._hits.unordered(limited(either(parts), clauses), limit, remember=True))
        return answers

    def holding_all(
        self,
        words: Sequence[str],
        field: str,
        *,
        limit: int,
        filters: Filters | None = None,
        any_of: Sequence[int] = (),
        passing: Passing | None = None,
    ) -> dict[int, float]:
        """Return the best `limit` chunks by BM25, with it, among those that have every one of the terms in a field."""
        # The rarest first: a segment that lacks it is done. The order changes no sum, which Tantivy takes in its own.
        known = self.frequencies([(field, word) for word in words])
        rarest = sorted(known, key=lambda term: known[term])
        if not known[rarest[0]]:
            return {}
        every = [(tantivy.Occur.Must, term_query(self._schema, *term)) for term in rarest]
        query = tantivy.Query.boolean_query([*limits(self._schema, filters, any_of), *every])
        return self._hits.passing(query, limit, passing)

    def holding_most(
        self,
        weights: Mapping[str, float],
        field: str,
        *,
        least: float,
        limit: int,
        filters: Filters | None = None,
        any_of: Sequence[int] = (),
        passing: Passing | None = None,
    ) -> dict[int, float]:
        """Return the `limit` chunks whose terms in a field weigh most together, with that: `least` or more.

        A term counts once, however often it comes.
        """
        clauses = limits(self._schema, filters, any_of)
        total = sum(weights.values())
        found: dict[int, float] = {}
        # Of several indexes, which may hold copies of a file, so many often have all the words: these are found sooner.
        is_tried = self._is_several and least < total * (1 - MARGIN)
        for wanted in (total, least) if is_tried else (least,):
            query = tantivy.Query.boolean_query([*clauses, *weighing(self._schema, weights, field, least=wanted)])
            found = self._hits.passing(query, limit, passing, of_sums=True) if weights else {}
            if len(found) >= limit:
                break
        return {chunk_id: weight for chunk_id, weight in found.items() if weight >= least}

    def frequencies(self, terms: Iterable[Term]) -> dict[Term, int]:
        """Return how many living documents have each of the terms."""
        return self._frequencies.living(terms)

    def vocabulary(self, field: str) -> list[tuple[str, int]]:
        """Return every term of a field with the number of living documents that have it, the most frequent first."""
        living = tantivy.Query.all_query() if self.stats.dead else None
        with damage(self._path):
            found: list[tuple[str, int]] = self._searcher.terms_with_prefix(field, "", filter_query=living)
        return found

    def filter(self, filters: Filters, *, limit: int, any_of: Sequence[int] = (), remember: bool = False) -> list[int]:
        """Return the ids of up to `limit` chunks that the filters let through, in no order; see `search`.

        `remember` where they lie, if they will be read.
        """
        query = limited(tantivy.Query.all_query(), limits(self._schema, filters, any_of))
        return self._hits.unordered(query, limit, remember=remember)[0] if limit > 0 else []

    def find(self, field: str, value: str, *, limit: int = 1000) -> list[int]:
        """Return the ids of chunks whose raw field is exactly this value."""
        is_there = self.frequencies([(field, value)])[field, value]
        return list(self._hits.best(term_query(self._schema, field, value), limit)) if is_there else []

    def documents(self, ids: Sequence[int]) -> dict[int, StoredChunk]:
        """Return what is stored of the given chunks, by id; unknown ids are left out."""
        known = self._decoded
        found = {chunk_id: known.get(chunk_id) for chunk_id in ids}
        with damage(self._path):
            for chunk_id, address in self._hits.addresses([chunk_id for chunk_id, own in found.items() if own is None]):
                stored = self._stored(address).stored
                found[chunk_id] = document = decode_stored(stored)
                if document.id != chunk_id:
                    raise ValueError("a document is stored under another id than its own")
                if self._is_several:
                    continue  # of so many chunks few come again
                self._decoded_bytes += len(stored)
                if self._decoded_bytes > _MOST_BYTES:
                    known = self._decoded = {}
                    self._decoded_bytes = len(stored)
                known[chunk_id] = document
        return {chunk_id: document for chunk_id, document in found.items() if document is not None}

    def folders_of(self, ids: Sequence[int]) -> dict[int, int]:
        """Return in which of the folders, by place, each of the given chunks is; unknown ids are left out."""
        with damage(self._path):
            addresses = self._hits.addresses(ids)
            return {chunk_id: self._folders[address.segment_ord] for chunk_id, address in addresses}

    def let_go(self) -> None:
        """Let go of the pages of documents that were read."""
        for store in self._stores:
            store.let_go()

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
                ids = self._hits.ids_at(addresses)
                documents = [self._stored(address) for address in addresses]
            self.let_go()  # stores are read once, from end to end
            for chunk_id, document in zip(ids, documents, strict=True):
                yield chunk_id, document.stored, document.embedding

    def _documents(self, ids: Sequence[int]) -> Iterator[tuple[int, Stored]]:
        with damage(self._path):
            for chunk_id, address in self._hits.addresses(ids):
                yield chunk_id, self._stored(address)

    def _stored(self, address: tantivy.DocAddress) -> Stored:
        return self._stores[address.segment_ord].get(address.doc)

    def _weighted(
        self, terms: Mapping[str, Mapping[str, float]], statistics: Statistics | None
    ) -> tantivy.Query | None:
        own = [(field, term) for field, weighted in terms.items() for term in weighted]
        parts = [
            tantivy.Query.boost_query(term_query(self._schema, field, term), terms[field][term] * correction)
            for (field, term), correction in self._frequencies.corrections(own, statistics).items()
        ]
        return either(parts) if parts else None
