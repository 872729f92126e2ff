"""The first pass over a generation: chunks found by words, by meaning and by exact name, and files by their paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.search.filters import Selection
from indexer.search.query import Query

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.stores.generation.reader import Generation

FIELD_WEIGHTS: Mapping[str, float] = {
    "names": 2.0,
    "file_name": 2.0,
    "path_words": 1.0,
    "signature": 1.0,
    "doc": 1.0,
    "body": 1.5,
}
"""What a word counts in each field of the combined BM25."""
WHOLE_WEIGHTS: Mapping[str, float] = {"names": 2.0, "file_name": 2.0, "body": 1.0}
"""The same for whole identifiers."""
TEXT_LIMIT = 100
VECTOR_LIMIT = 100
NAME_LIMIT = 100
SCORE_DECIMALS = 4
"""What sums of single-precision numbers in any order agree on."""
LOOKED_UP = 4_000
"""Up to so many chunks are looked up one by one to see which a filter lets through, rather than asking for all."""
EXACT_FILTERED = 20_000
"""Up to so many chunks that a filter leaves, each one's vector is compared."""

Scores = dict[int, float]


@dataclass(frozen=True, slots=True)
class Found:
    """What the first pass found, best first: chunks with scores for each retriever asked, files by their paths."""

    chunks: Mapping[str, Scores]
    files: Mapping[str, float]
    path_of: Mapping[int, str]

    def rankings(self) -> dict[str, list[str]]:
        """Return the files in the order of each retriever, by their best chunk."""
        by_chunk = {
            name: list(dict.fromkeys(self.path_of[chunk_id] for chunk_id in scores if chunk_id in self.path_of))
            for name, scores in self.chunks.items()
        }
        return {**by_chunk, "path": list(self.files)}


def by_words(generation: Generation, query: Query, selection: Selection, *, limit: int = TEXT_LIMIT) -> Scores:
    """Return the best chunks by BM25 over all fields."""
    terms = {
        name: {word: gain * weight for word, gain in query.words.items()} for name, weight in FIELD_WEIGHTS.items()
    }
    for name, weight in WHOLE_WEIGHTS.items():
        for whole, gain in query.wholes.items():
            terms[name][whole] = terms[name].get(whole, 0.0) + gain * weight
    matches = generation.text.search(terms, limit=limit, filters=selection.filters, any_of=sorted(selection.only or ()))
    return {match.id: match.score for match in matches}


def by_meaning(
    generation: Generation, vector: NDArray[np.int8], selection: Selection, *, limit: int = VECTOR_LIMIT
) -> Scores:
    """Return the chunks nearest to int8[k] by cosine; with a filter, the nearest of those it lets through."""
    if selection.filters is None:
        found = generation.nearest(vector, limit=limit)
        return dict(zip(found.ids.tolist(), found.similarities.tolist(), strict=True))
    # Of those that let more through than are compared, only how they judge what was found is asked.
    allowed = allowed_chunks(generation, selection, limit=EXACT_FILTERED + 1)
    if len(allowed) <= EXACT_FILTERED:
        return _compare(generation, vector, sorted(allowed), limit=limit)
    wanted = limit
    while True:
        wanted *= 4
        found = generation.nearest(vector, limit=wanted)
        ids = found.ids.tolist()
        allowed = allowed_chunks(generation, selection, among=ids)
        pairs = zip(ids, found.similarities.tolist(), strict=True)
        kept = [(chunk_id, similarity) for chunk_id, similarity in pairs if chunk_id in allowed]
        if len(kept) >= limit or len(ids) < wanted:
            return dict(kept[:limit])


def by_name(generation: Generation, query: Query, selection: Selection) -> Scores:
    """Return the chunks whose name or qualified name is one that the query writes; qualified names count twice."""
    raw: dict[str, dict[str, float]] = {"name": {}, "qualified_name": {}}
    for name in query.names:
        raw["name"][name.lower()] = 1.0
    for name in query.qualified:
        raw["qualified_name"][name.lower()] = 2.0
    matches = generation.text.search(
        raw, limit=NAME_LIMIT, filters=selection.filters, any_of=sorted(selection.only or ())
    )
    return {match.id: match.score for match in matches}


def by_path(known: Mapping[str, Sequence[str]], query: Query) -> dict[str, float]:
    """Return the files that the query names, with the share of the shorter path's steps that both end with.

    `known` maps lower-cased file names to the paths of the files that have them. Paths of other machines (`/usr/lib/
    python3/site-packages/flask/app.py`) match by their ending.
    """
    found: dict[str, float] = {}
    for written in query.paths:
        steps = [step for step in written.lower().split("/") if step not in ("", ".", "..")]
        for path in known.get(steps[-1], ()) if steps else ():
            own = path.lower().split("/")
            same = 0
            while same < min(len(steps), len(own)) and own[-1 - same] == steps[-1 - same]:
                same += 1
            share = same / min(len(steps), len(own))
            found[path] = max(found.get(path, 0.0), share)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows, float32[n, k], with length 1; zero rows stay zero."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units: NDArray[np.float32] = rows / np.maximum(lengths, np.float32(1e-12))
    return units


def allowed_chunks(
    generation: Generation, selection: Selection, *, among: Sequence[int] | None = None, limit: int | None = None
) -> set[int]:
    """Return the chunks that the selection lets through: `among` these when given, no more than `limit` when given."""
    assert selection.filters is not None
    chunks = selection.only
    if among is not None:
        chunks = frozenset(among) if chunks is None else chunks.intersection(among)
    if chunks is None or len(chunks) > LOOKED_UP:
        every = generation.text.filter(selection.filters, limit=limit or generation.text.count)
        return set(every if chunks is None else chunks.intersection(every))
    return set(generation.text.filter(selection.filters, limit=len(chunks), any_of=sorted(chunks)) if chunks else ())


def _compare(generation: Generation, vector: NDArray[np.int8], ids: Sequence[int], *, limit: int) -> Scores:
    """Return the nearest of the given chunks, every one compared."""
    import numpy as np

    segments: dict[int, list[int]] = {}
    for chunk_id, segment in generation.catalog.segments_of(ids).items():
        segments.setdefault(segment, []).append(chunk_id)
    scored: list[tuple[float, int]] = []
    query = unit(vector.astype(np.float32)[None])[0]
    for segment, members in segments.items():
        cosines = unit(generation.vectors.get(segment, members).astype(np.float32)) @ query
        scored.extend(zip(cosines.tolist(), members, strict=True))
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return {chunk_id: similarity for similarity, chunk_id in scored[:limit]}
