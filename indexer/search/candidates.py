"""The first pass: chunks found by words, by meaning and by exact name, files by their paths, and which files lead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import merge, nlargest
from itertools import chain, islice
from typing import TYPE_CHECKING

from indexer.search.filters import Selection
from indexer.search.query import Query, QueryKind
from indexer.search.together import Together, one_by_one

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.search.content import Content
    from indexer.stores.text.statistics import Statistics

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
LIMITS: Mapping[str, int] = {"text": TEXT_LIMIT, "vector": VECTOR_LIMIT, "name": NAME_LIMIT}
"""How many chunks each retriever finds."""
SCORE_DECIMALS = 4
"""What sums of single-precision numbers in any order agree on."""
LOOKED_UP = 4_000
"""Up to so many chunks are looked up one by one to see which a filter lets through, rather than asking for all."""
EXACT_FILTERED = 20_000
"""Up to so many chunks that a filter leaves, each one's vector is compared."""
FLOORS: Mapping[str, float] = {"minilm": 0.37, "static": 0.37}
"""By encoder, the cosine below which 95 of 100 made-up queries have their nearest chunk (benchmarks/nonsense.py)."""
RANK_CONSTANT = 10
"""The k of 1 / (k + rank). The paper's 60 is for lists of a thousand; here the first ten matter."""
RETRIEVER_WEIGHTS: Mapping[QueryKind, Mapping[str, float]] = {
    QueryKind.SYMBOL: {"text": 1.0, "vector": 0.5, "name": 2.0, "path": 1.0},
    QueryKind.PATH: {"text": 0.5, "vector": 0.25, "name": 0.5, "path": 4.0},
    QueryKind.NATURAL: {"text": 1.0, "vector": 2.0, "name": 0.5, "path": 1.0},
    QueryKind.ERROR: {"text": 1.0, "vector": 0.5, "name": 0.5, "path": 1.5},
    QueryKind.CODE: {"text": 1.0, "vector": 1.0, "name": 0.5, "path": 0.5},
}
"""How much each retriever counts for each kind of query."""
LONG_TEXT_WEIGHTS: Mapping[str, float] = {"text": 1.0, "vector": 1.0, "name": 0.5, "path": 1.0}
"""The same for a long text in plain words: its vector is of its opening alone."""

FileKey = tuple[int, str]
"""A file among all spaces: the place of its space, and its path there."""
Scores = dict[int, float]
Terms = dict[str, dict[str, float]]
"""Weighted terms by field."""
QueryVector = Callable[[], "NDArray[np.int8]"]
"""Returns a query's vector, int8[k], and waits for it while it is being made; raises ModelError."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What every space is asked: a query, its vector unless only words count, and whether words do.

    `statistics` are those of all spaces together. `static_offset` is added to the cosines of static vectors. `together`
    makes calls that need not wait for each other.
    """

    query: Query
    vector: QueryVector | None
    words: bool
    statistics: Statistics
    static_offset: float = 0.0
    together: Together = one_by_one


@dataclass(frozen=True, slots=True)
class Found:
    """What the first pass found in one space, best first: chunks with scores for each retriever asked, files by their
    paths."""

    chunks: Mapping[str, Scores]
    files: Mapping[str, float]
    path_of: Mapping[int, str]


def word_terms(query: Query) -> Terms:
    """Return the terms of the combined BM25 over all fields."""
    terms = {
        name: {word: gain * weight for word, gain in query.words.items()} for name, weight in FIELD_WEIGHTS.items()
    }
    for name, weight in WHOLE_WEIGHTS.items():
        for whole, gain in query.wholes.items():
            terms[name][whole] = terms[name].get(whole, 0.0) + gain * weight
    return terms


def name_terms(query: Query) -> Terms:
    """Return the names that the query writes; qualified names count twice."""
    return {
        "name": {name.lower(): 1.0 for name in query.names},
        "qualified_name": {name.lower(): 2.0 for name in query.qualified},
    }


def find(generation: Content, asked: Asked, selection: Selection, paths: Mapping[str, Sequence[str]]) -> Found:
    """Ask each retriever of one generation: those of words, and that of meaning when there is a vector.

    What is returned has no paths of chunks yet (`with_paths`). `paths` maps lower-cased file names to the paths of the
    files that have them.
    """
    calls: dict[str, Callable[[], Scores]] = {}
    files: dict[str, float] = {}
    if not generation.chunks or selection.only == frozenset():
        return Found({}, files, {})
    if asked.words:
        query = asked.query
        search = partial(
            generation.text.search,
            filters=selection.filters,
            any_of=sorted(selection.only or ()),
            passing=selection.passing,
            statistics=asked.statistics,
        )
        calls["text"] = partial(search, word_terms(query), limit=TEXT_LIMIT)
        calls["name"] = partial(search, name_terms(query), limit=NAME_LIMIT)
        files = by_path(paths, query) if query.paths else {}
    if asked.vector is not None:
        # Last, since the vector may not be there yet.
        calls["vector"] = partial(_meant, generation, asked.vector, selection, static_offset=asked.static_offset)
    chunks: dict[str, Scores] = dict(zip(calls, asked.together(list(calls.values())), strict=True)) if calls else {}
    if (near := chunks.pop("vector", None)) is not None:
        if asked.words and selection.only is None and selection.passing is None and not (files or any(chunks.values())):
            # What no word speaks for must be near enough to be more than the nearest of what is there.
            floor = FLOORS.get(generation.encoder_name, -1.0)
            near = {chunk_id: similarity for chunk_id, similarity in near.items() if similarity >= floor}
        chunks["vector"] = near
    return Found(chunks, files, {})


def best_overall(found: Sequence[Found]) -> list[Found]:
    """Return what one space of all their chunks would have found: of each retriever no more than its limit, and ties.

    Files that are found by their paths are all kept.
    """
    if len(found) == 1:
        return list(found)
    least: dict[str, float] = {}
    for name, limit in LIMITS.items():
        scores = [score for own in found for score in own.chunks.get(name, {}).values()]
        least[name] = nlargest(limit, scores)[-1] if len(scores) > limit else float("-inf")
    return [
        Found(
            {name: {i: score for i, score in own.items() if score >= least[name]} for name, own in one.chunks.items()},
            one.files,
            one.path_of,
        )
        for one in found
    ]


def with_paths(found: Found, paths_of: Callable[[Iterable[int]], Mapping[int, str]]) -> Found:
    """Return what was found with the paths of the chunks' files."""
    ids = dict.fromkeys(chain.from_iterable(found.chunks.values()))
    return Found(found.chunks, found.files, paths_of(ids) if ids else {})


def leading_files(found: Sequence[Found], query: Query, *, count: int) -> list[FileKey]:
    """Return the files of all spaces that the retrievers put first, by reciprocal ranks, equal ones by path.

    Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet" (2009).
    """
    is_long_text = query.is_long and query.kind is QueryKind.NATURAL
    fused = reciprocal_ranks(_rankings(found), LONG_TEXT_WEIGHTS if is_long_text else RETRIEVER_WEIGHTS[query.kind])
    order = sorted([(-score, path, space) for (space, path), score in fused.items()])
    return [(space, path) for _, path, space in order[:count]]


def reciprocal_ranks(rankings: Mapping[str, Sequence[FileKey]], weights: Mapping[str, float]) -> dict[FileKey, float]:
    """Return the sum over rankings of weight / (RANK_CONSTANT + rank), ranks counted from 1.

    A ranking without a weight counts 1.
    """
    scores: dict[FileKey, float] = {}
    for name, ranking in rankings.items():
        weight = weights.get(name, 1.0)
        for rank, key in enumerate(ranking, 1):
            scores[key] = scores.get(key, 0.0) + weight / (RANK_CONSTANT + rank)
    return scores


def _rankings(found: Sequence[Found]) -> dict[str, list[FileKey]]:
    """Return the files in the order of each retriever, by their best chunk."""
    ranked: dict[str, list[list[tuple[float, FileKey]]]] = {}
    for space, own in enumerate(found):
        for name, scores in own.chunks.items():
            best: dict[str, float] = {}
            for path, score in zip(map(own.path_of.get, scores), scores.values(), strict=True):
                if path is not None and path not in best:
                    best[path] = score
            ranked.setdefault(name, []).append([(-score, (space, path)) for path, score in best.items()])
        ranked.setdefault("path", []).append([(-share, (space, path)) for path, share in own.files.items()])
    return {
        name: [key for _, key in (merge(*parts, key=lambda entry: entry[0]) if len(parts) > 1 else parts[0])]
        for name, parts in ranked.items()
    }


def by_meaning(
    generation: Content,
    vector: NDArray[np.int8],
    selection: Selection,
    *,
    limit: int = VECTOR_LIMIT,
    static_offset: float = 0.0,
) -> Scores:
    """Return the chunks nearest to int8[k] by cosine; with a filter, the nearest of those it lets through.

    `static_offset` is added to the cosines of static vectors.
    """
    if selection.filters is None:
        found = generation.nearest(vector, limit=limit, static_offset=static_offset)
        return dict(zip(found.ids.tolist(), found.similarities.tolist(), strict=True))
    # Of those that let more through than are compared, only how they judge what was found is asked.
    likely = allowed_chunks(generation, Selection(selection.filters, selection.only), limit=EXACT_FILTERED + 1)
    is_exact = len(likely) <= EXACT_FILTERED
    near = _compare(generation, vector, sorted(likely), static_offset=static_offset) if is_exact else {}
    if is_exact and selection.passing is None:
        return dict(islice(near.items(), limit))
    wanted = limit
    while True:
        wanted *= 4
        if not is_exact:
            found = generation.nearest(vector, limit=wanted, static_offset=static_offset)
            near = dict(zip(found.ids.tolist(), found.similarities.tolist(), strict=True))
        ids = list(islice(near, wanted))
        allowed = allowed_chunks(generation, selection, among=ids)
        kept = [chunk_id for chunk_id in ids if chunk_id in allowed]
        if len(kept) >= limit or len(ids) < wanted:
            return {chunk_id: near[chunk_id] for chunk_id in kept[:limit]}


def _meant(generation: Content, vector: QueryVector, selection: Selection, *, static_offset: float) -> Scores:
    return by_meaning(generation, vector(), selection, static_offset=static_offset)


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
    generation: Content, selection: Selection, *, among: Sequence[int] | None = None, limit: int | None = None
) -> set[int]:
    """Return the chunks that the selection lets through: `among` these when given, no more than `limit` when given."""
    assert selection.filters is not None
    text, filters, chunks = generation.text, selection.filters, selection.only
    if among is not None:
        chunks = frozenset(among) if chunks is None else chunks.intersection(among)
    if chunks is None:
        allowed = set(text.filter(filters, limit=limit or text.count))
    elif len(chunks) > LOOKED_UP:
        allowed = set(chunks.intersection(text.filter(filters, limit=text.count)))
    else:
        allowed = set(text.filter(filters, limit=len(chunks), any_of=sorted(chunks), remember=True) if chunks else ())
    return allowed if selection.passing is None else set(selection.passing(sorted(allowed)))


def _compare(generation: Content, vector: NDArray[np.int8], ids: Sequence[int], *, static_offset: float) -> Scores:
    """Return the given chunks by cosine, the nearest first."""
    import numpy as np

    segments: dict[int, list[int]] = {}
    for chunk_id, segment in generation.catalog.segments_of(ids).items():
        segments.setdefault(segment, []).append(chunk_id)
    scored: list[tuple[float, int]] = []
    query = unit(vector.astype(np.float32)[None])[0]
    for segment, members in segments.items():
        cosines = unit(generation.vectors.get(segment, members).astype(np.float32)) @ query
        if segment in generation.static_segments:
            cosines += np.float32(static_offset)
        scored.extend(zip(cosines.tolist(), members, strict=True))
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return {chunk_id: similarity for similarity, chunk_id in scored}
