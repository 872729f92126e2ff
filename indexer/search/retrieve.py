"""Ask the text index and the vector index of one generation, and gather what ranking needs to know of a file.

Two passes: the first finds chunks by words, by meaning, by exact name and by path; the second scores every field of all
chunks in the files that lead, so that files are compared by the same measures whichever retriever found them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.search.filters import Selection
from indexer.search.query import Query

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.stores.generation import Generation

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
SCORED_FIELDS = (("names", "signature"), ("doc",), ("body",))
"""Fields that the second pass scores, each group by itself."""

TEXT_LIMIT = 100
VECTOR_LIMIT = 100
NAME_LIMIT = 100
FILE_CHUNKS = 4_000
"""How many chunks of the leading files the second pass scores."""
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


@dataclass(frozen=True, slots=True)
class FileScores:
    """What the second pass knows of the n chunks of m files, of those that the selection lets through.

    Chunks lie in the order of their files: `ids` is int64[n], `file_of` int64[n], `starts` int64[m] the first chunk of
    each file. `words`, `doc` and `body` are BM25 over all SCORED_FIELDS and over one, float64[n]; `terms` says for each
    word of the query which chunks hold it, bool[words, n]; `pairs`, int64[n], counts the adjacent words of the query
    that a chunk has near each other. `cosines`, float64[n], is each chunk's similarity, `centroids`, float64[m], that
    of each file's mean vector. What was not asked for is zero.
    """

    paths: tuple[str, ...]
    ids: NDArray[np.int64]
    file_of: NDArray[np.int64]
    starts: NDArray[np.int64]
    words: NDArray[np.float64]
    doc: NDArray[np.float64]
    body: NDArray[np.float64]
    terms: NDArray[np.bool_]
    pairs: NDArray[np.int64]
    cosines: NDArray[np.float64]
    centroids: NDArray[np.float64]

    def aligned(self, scores: Mapping[int, float]) -> NDArray[np.float64]:
        """Return scores by chunk id as float64[n]; chunks without one have 0."""
        column: NDArray[np.float64] = _columns(self.ids, [(list(scores), list(scores.values()))])[0]
        return column


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
    allowed = _allowed(generation, selection, limit=EXACT_FILTERED + 1)
    if len(allowed) <= EXACT_FILTERED:
        return _compare(generation, vector, sorted(allowed), limit=limit)
    wanted = limit
    while True:
        wanted *= 4
        found = generation.nearest(vector, limit=wanted)
        ids = found.ids.tolist()
        allowed = _allowed(generation, selection, among=ids)
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


def in_files(
    generation: Generation,
    query: Query,
    paths: Sequence[str],
    selection: Selection,
    *,
    words: bool,
    vector: NDArray[np.int8] | None,
) -> FileScores:
    """Return the scores of all chunks of the given files that the selection lets through.

    Without `words` no field is scored, without `vector`, int8[k], no similarity.
    """
    import msgspec
    import numpy as np

    from indexer.stores.text import MASK_BITS, Filters

    filters = msgspec.structs.replace(selection.filters or Filters(), paths=tuple(paths))
    path_of, chunks = generation.catalog.chunks_in(paths)
    if selection.filters is not None and chunks:
        allowed = _allowed(generation, Selection(filters, selection.only))
        chunks = [chunk for chunk in chunks if chunk[1] in allowed]
    kept, file_of, ids, segments = _by_file(path_of, chunks)
    names, doc, body, *masks = np.zeros((3, len(ids)))
    groups: list[Sequence[tuple[str, Sequence[str]]]] = []
    groups.extend([("body", (word,)), ("names", (word,))] for word in query.words)
    groups.extend([("body", pair)] for pair in query.pairs)
    held = np.zeros((len(groups), len(ids)), np.bool_)
    if words and kept:
        fields = [dict.fromkeys(own, query.words) for own in SCORED_FIELDS]
        answers = [
            *generation.text.scores(fields, limit=FILE_CHUNKS, filters=filters),
            *generation.text.holding(groups, limit=FILE_CHUNKS, filters=filters),
        ]
        names, doc, body, *masks = np.round(_columns(ids, answers), SCORE_DECIMALS)
        if masks:
            bits = np.stack(masks).astype(np.int64)[:, None] >> np.arange(MASK_BITS)[:, None]
            held = (bits & 1).astype(np.bool_).reshape(-1, len(ids))[: len(groups)]
    starts = np.searchsorted(file_of, np.arange(len(kept)))
    cosines, centroids = _similarities(generation, vector, ids, segments, starts)
    return FileScores(
        paths=kept,
        ids=ids,
        file_of=file_of,
        starts=starts,
        words=np.round(names + doc + body, SCORE_DECIMALS),
        doc=doc,
        body=body,
        terms=held[: len(query.words)],
        pairs=held[len(query.words) :].sum(axis=0),
        cosines=cosines,
        centroids=centroids,
    )


def _columns(ids: NDArray[np.int64], answers: Sequence[tuple[Sequence[int], Sequence[float]]]) -> NDArray[np.float64]:
    """Return the values of each answer, given with the chunks they belong to, in the order of `ids`, int64[n]:
    float64[answers, n]. Chunks without one have 0; those that are not among the ids are left out."""
    import numpy as np

    columns = np.zeros((len(answers), len(ids)))
    if not len(ids):
        return columns
    found = np.array([chunk_id for chunks, _ in answers for chunk_id in chunks], np.int64)
    values = np.array([value for _, values in answers for value in values])
    row = np.repeat(np.arange(len(answers)), [len(chunks) for chunks, _ in answers])
    order = np.argsort(ids)
    at = np.minimum(np.searchsorted(ids, found, sorter=order), len(ids) - 1)
    known = ids[order[at]] == found
    columns[row[known], order[at[known]]] = values[known]
    return columns


def _by_file(
    path_of: Mapping[int, str], chunks: Sequence[tuple[int, int, int]]
) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the paths of the files that have chunks, ascending, and place of the file, id and segment, int64[n], of
    each chunk in the order of files and ids."""
    import numpy as np

    table = np.array(chunks, np.int64).reshape(-1, 3)
    numbers, file_of = np.unique(table[:, 0], return_inverse=True)
    paths = [path_of[number] for number in numbers.tolist()]
    by_path = sorted(range(len(paths)), key=paths.__getitem__)
    place = np.empty(len(paths), np.int64)
    place[by_path] = np.arange(len(paths))
    file_of = place[file_of]
    order = np.lexsort((table[:, 1], file_of))
    return tuple(paths[i] for i in by_path), file_of[order], table[order, 1], table[order, 2]


def _similarities(
    generation: Generation,
    vector: NDArray[np.int8] | None,
    ids: NDArray[np.int64],
    segments: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the cosine of each chunk, float64[n], and of the mean of each file's unit vectors, float64[m]."""
    import numpy as np

    if vector is None or not len(ids):
        return np.zeros(len(ids)), np.zeros(len(starts))
    units = np.empty((len(ids), len(vector)), np.float32)
    for segment in np.unique(segments).tolist():
        members = np.flatnonzero(segments == segment)
        units[members] = _unit(generation.vectors.get(segment, ids[members].tolist()).astype(np.float32))
    query = _unit(vector.astype(np.float32)[None])[0]
    cosines = np.maximum((units @ query).astype(np.float64), 0.0)
    centroids = np.maximum((_unit(np.add.reduceat(units, starts)) @ query).astype(np.float64), 0.0)
    return np.round(cosines, SCORE_DECIMALS), np.round(centroids, SCORE_DECIMALS)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows, float32[n, k], with length 1; zero rows stay zero."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units: NDArray[np.float32] = rows / np.maximum(lengths, np.float32(1e-12))
    return units


def _allowed(
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
    query = _unit(vector.astype(np.float32)[None])[0]
    for segment, members in segments.items():
        cosines = _unit(generation.vectors.get(segment, members).astype(np.float32)) @ query
        scored.extend(zip(cosines.tolist(), members, strict=True))
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return {chunk_id: similarity for similarity, chunk_id in scored[:limit]}
