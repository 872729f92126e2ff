"""From ranked files to the hits that a search returns, each with the lines that show best why it was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import fsum

from indexer.languages.analyzer import terms
from indexer.search.candidates import SCORE_DECIMALS
from indexer.search.features import Evidence, rarity
from indexer.search.passages import SHORTLIST, arrange, closer_look
from indexer.search.query import Query
from indexer.search.ranking import Model, RankedFile
from indexer.search.standing import NOTHING_FIRST, First
from indexer.stores.text.document import StoredChunk, chunk_fields
from indexer.types import Hit

SNIPPET_LINES = 8

Documents = Callable[[int, Sequence[int]], dict[int, StoredChunk]]
"""Returns the stored chunks of a space by id: is given the space's place, and ids."""


def best_hits(
    documents: Documents,
    evidence: Evidence,
    ranked: Sequence[RankedFile],
    passages: Model | None,
    *,
    k: int,
    first: First = NOTHING_FIRST,
) -> tuple[Hit, ...]:
    """Return the best `k` chunks: those that come `first`, then those of the best files.

    With `passages` the few best of each file are looked at closely.
    """
    query, leading = evidence.asked.query, ranked[:k]
    stored: dict[tuple[int, int], StoredChunk] = {}

    def fetch(wanted: Sequence[tuple[int, int]]) -> None:
        for space in range(len(evidence.found)):
            own = [chunk_id for at, chunk_id in wanted if at == space and (at, chunk_id) not in stored]
            stored.update(((space, chunk_id), chunk) for chunk_id, chunk in documents(space, own).items())

    fetch([(file.space, i) for file in leading for i in list(file.chunks)[: SHORTLIST if passages else 1]])
    looked: list[tuple[float, dict[int, float]]] = []
    shares = rarity(evidence)
    for file in leading:
        read = [stored[file.space, i] for i in file.chunks if (file.space, i) in stored]
        chunks = closer_look(query, shares, file.chunks, read, passages.weights) if passages else file.chunks
        looked.append((file.score, chunks))
    chosen = arrange(looked, count=k)
    fetch([(leading[place].space, chunk_id) for place, chunk_id, _ in chosen])
    ranks = [
        {name: {i: rank for rank, i in enumerate(scores, 1)} for name, scores in own.chunks.items()}
        for own in evidence.found
    ]

    def hit(space: int, chunk: StoredChunk, score: float, contributions: dict[str, float]) -> Hit:
        own = {name: found[chunk.id] for name, found in ranks[space].items() if chunk.id in found}
        return make_hit(chunk, query, score=score, ranks=own, contributions=contributions)

    # What stands in a text by chance comes after the best of the ranking, all else before it.
    lead = [(leading[place].space, chunk_id) for place, chunk_id, _ in chosen[: first.after]]
    standing = [entry for entry in first.chunks if (entry[0], entry[1].chunk.id) not in lead]
    known = {(space, own.chunk.id) for space, own in standing}
    hits: list[Hit] = []
    for place, chunk_id, score in chosen:
        file = leading[place]
        if (file.space, chunk_id) not in known:
            found = stored[file.space, chunk_id]
            hits.append(hit(file.space, found, score, _with_rest(file.contributions, score)))
    before = len(lead)
    top = hits[before - 1].score if before else max((own.score for own in hits), default=0.0) + 1.0
    hits[before:before] = [hit(space, own.chunk, top, {"stands": top}) for space, own in standing]
    return tuple(hits[:k])


def make_hit(
    chunk: StoredChunk,
    query: Query | None,
    *,
    score: float,
    ranks: dict[str, int],
    contributions: dict[str, float],
) -> Hit:
    """Return a stored chunk as a hit, with the lines of it that answer the query best."""
    shown, line = snippet(chunk.text, query, start_line=chunk.start_line)
    if chunk.text.count("\n") != chunk.end_line - chunk.start_line:
        line = 0  # an outline, whose lines don't follow one another in the file
    return Hit(
        **chunk_fields(chunk),
        snippet=shown,
        snippet_line=line,
        score=score,
        ranks=ranks,
        contributions=contributions,
    )


def _with_rest(contributions: dict[str, float], score: float) -> dict[str, float]:
    """Return the parts of a file's score, and what a later chunk of it has less as a part of its own."""
    rest = round(score - sum(contributions.values()), SCORE_DECIMALS)
    return {**contributions, "later_chunk": rest} if contributions and rest < -0.01 else contributions


def snippet(text: str, query: Query | None, *, start_line: int, lines: int = SNIPPET_LINES) -> tuple[str, int]:
    """Return up to `lines` lines of a chunk's text and the number of the first of them.

    The window that holds most of the query's words, the earliest of the best; without a query the chunk's start.
    """
    rows = text.split("\n")
    if query is None or len(rows) <= lines:
        return "\n".join(rows[:lines]), start_line
    asked = {**query.words, **query.wholes}
    present = [asked.keys() & terms(row) for row in rows]
    best, best_gain = 0, -1.0
    for start in range(len(rows) - lines + 1):
        if start and not present[start + lines - 1]:
            continue  # it can't hold more than the one before
        # An exact sum, since the order of a set changes from process to process.
        gain = fsum(asked[term] for term in set[str]().union(*present[start : start + lines]))
        if gain > best_gain:
            best, best_gain = start, gain
    return "\n".join(rows[best : best + lines]), start_line + best
