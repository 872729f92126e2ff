"""How many documents have a term, of one text index or of several, and what a term weighs for it.

Tantivy counts deleted documents until their segment is merged, so its weights are corrected to those of the living, and
a text index with many dead is rewritten.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from indexer.stores.text.check import SegmentStats, segment_stats
from indexer.stores.text.files import damage
from indexer.stores.text.queries import schema, term_query

if TYPE_CHECKING:
    import tantivy

_MOST = 10_000
"""How many terms are remembered."""

Term = tuple[str, str]
"""A field and a term in it."""


class Statistics(NamedTuple):
    """How many documents there are, and how many of them have each term: scores of several indexes compare by them.

    A term that is not in `frequencies` is in no document.
    """

    documents: int
    frequencies: Mapping[Term, int]


class Frequencies:
    """The frequencies of terms in one committed text index, remembered."""

    def __init__(self, paths: Sequence[Path], searcher: tantivy.Searcher) -> None:
        """Ask the searcher of the index in these folders."""
        self._paths = paths
        self._path = Path(os.path.commonpath(paths))
        self._searcher = searcher
        self._known: dict[Term, int] = {}

    @cached_property
    def stats(self) -> SegmentStats:
        """How many documents and segments there are, dead ones included."""
        return SegmentStats(*map(sum, zip(*map(segment_stats, self._paths), strict=True)))

    def living(self, term: Term) -> int:
        """Return how many living documents have a term."""
        known = self._known.get(term)
        if known is None:
            with damage(self._path):
                known = self._searcher.doc_freq(*term)
                if known and self.stats.dead:
                    found = self._searcher.search(term_query(schema(), *term), 1, count=True)
                    known = int(found.count)  # type: ignore[attr-defined]
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[term] = known
        return known

    def correction(self, term: Term, statistics: Statistics | None) -> float:
        """Return by what to multiply Tantivy's weight of a term, 0 when no document has it.

        Tantivy weighs it by ln(1 + (N - n + 0.5) / (n + 0.5)) (Robertson and Zaragoza 2009) over all documents, the
        dead too; wanted are the statistics given, or the living. The mean field length can't be corrected.
        """
        living = self.living(term)
        if not living:
            return 0.0
        count = int(self._searcher.num_docs)
        wanted = statistics or Statistics(count, {term: living})
        if not self.stats.dead and wanted.documents == count and wanted.frequencies[term] == living:
            return 1.0
        with damage(self._path):
            seen = self._searcher.doc_freq(*term)
        return _idf(wanted.frequencies[term], wanted.documents) / _idf(seen, self.stats.documents)


def _idf(documents: int, total: int) -> float:
    return math.log(1 + (total - documents + 0.5) / (documents + 0.5))
