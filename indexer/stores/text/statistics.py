"""How many documents have a term, of one text index or of several, and what a term weighs for it.

Tantivy counts deleted documents until their segment is merged, so its weights are corrected to those of the living, and
a text index with many dead is rewritten.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from indexer.stores.text.check import SegmentStats, segment_stats
from indexer.stores.text.document import utf8
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

    def living(self, terms: Iterable[Term]) -> dict[Term, int]:
        """Return how many living documents have each of the terms."""
        known = self._known
        found = {term: known.get(term, -1) for term in terms}
        missing = [term for term, count in found.items() if count < 0]
        if missing:
            with damage(self._path):
                asked = {term: self._count(term) for term in missing}
            if len(known) + len(asked) > _MOST:
                self._known = known = {}
            known.update(asked)
            found.update(asked)
        return found

    def corrections(self, terms: Iterable[Term], statistics: Statistics | None) -> dict[Term, float]:
        """Return by what to multiply Tantivy's weight of each of the terms that some living document has.

        Tantivy weighs it by ln(1 + (N - n + 0.5) / (n + 0.5)) (Robertson and Zaragoza 2009) over all documents, the
        dead too; wanted are the statistics given, or the living. The mean field length can't be corrected.
        """
        living = {term: count for term, count in self.living(terms).items() if count}
        documents, wanted = statistics or Statistics(int(self._searcher.num_docs), living)
        is_own = not self.stats.dead and documents == self.stats.documents
        corrections = {}
        for term, count in living.items():
            if is_own and wanted[term] == count:
                corrections[term] = 1.0
            else:
                with damage(self._path):
                    seen = self._frequency(term)
                corrections[term] = _idf(wanted[term], documents) / _idf(seen, self.stats.documents)
        return corrections

    def _frequency(self, term: Term) -> int:
        field, text = term
        return int(self._searcher.doc_freq(field, utf8(text)))

    def _count(self, term: Term) -> int:
        count = self._frequency(term)
        if count and self.stats.dead:
            found = self._searcher.search(term_query(schema(), *term), 1, count=True)
            count = int(found.count)  # type: ignore[attr-defined]
        return count


def _idf(documents: int, total: int) -> float:
    return math.log(1 + (total - documents + 0.5) / (documents + 0.5))
