"""The first pass: chunks found by words, by meaning and by exact name, and files by their paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import nlargest
from itertools import chain
from typing import TYPE_CHECKING

from indexer.search.filters import Selection
from indexer.search.meaning import VECTOR_LIMIT, Scores, by_meaning
from indexer.search.query import Query
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
NAME_LIMIT = 100
LIMITS: Mapping[str, int] = {"text": TEXT_LIMIT, "vector": VECTOR_LIMIT, "name": NAME_LIMIT}
"""How many chunks each retriever finds."""
SCORE_DECIMALS = 4
"""What sums of single-precision numbers in any order agree on."""
FLOORS: Mapping[str, float] = {"minilm": 0.37, "static": 0.37}
"""By encoder, the cosine below which 95 of 100 made-up queries have their nearest chunk (benchmarks/nonsense.py)."""
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
