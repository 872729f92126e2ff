"""From ranked files to the hits that a search returns."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.search.features import Evidence, rarity
from indexer.search.passages import SHORTLIST, arrange, closer_look
from indexer.search.query import Query
from indexer.search.rank import RankedFile
from indexer.search.retrieve import SCORE_DECIMALS
from indexer.search.snippet import snippet
from indexer.stores.text.document import StoredChunk, source_path
from indexer.stores.text.index import TextIndex
from indexer.types import Hit


def best_hits(
    text: TextIndex, evidence: Evidence, ranked: Sequence[RankedFile], *, k: int, closely: bool
) -> tuple[Hit, ...]:
    """Return the best `k` chunks of the best files; `closely` the few best of each file are looked at."""
    query = evidence.query
    leading = ranked[:k]
    shares = dict(zip(query.words, rarity(evidence.scores)[0].tolist(), strict=True))
    documents = text.documents([i for file in leading for i in list(file.chunks)[: SHORTLIST if closely else 1]])
    looked: list[tuple[float, dict[int, float]]] = []
    for file in leading:
        first = [documents[chunk_id] for chunk_id in file.chunks if chunk_id in documents]
        chunks = closer_look(query, shares, file.chunks, first) if closely else file.chunks
        looked.append((file.score, chunks))
    chosen = arrange(looked, count=k)
    documents |= text.documents([chunk_id for _, chunk_id, _ in chosen if chunk_id not in documents])
    places = {name: {i: place for place, i in enumerate(found, 1)} for name, found in evidence.found.chunks.items()}
    return tuple(
        make_hit(
            documents[chunk_id],
            query,
            score=score,
            ranks={name: place[chunk_id] for name, place in places.items() if chunk_id in place},
            contributions=_with_rest(leading[file].contributions, score),
        )
        for file, chunk_id, score in chosen
    )


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
        id=chunk.id,
        path=source_path(chunk.path),
        start_line=chunk.start_line,
        end_line=chunk.end_line,
        language=chunk.language,
        kind=chunk.kind,
        name=chunk.name,
        qualified_name=chunk.qualified_name,
        signature=chunk.signature,
        doc=chunk.doc,
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
