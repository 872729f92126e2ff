"""The second pass over a generation: every field of all chunks in the files that lead is scored, so that files are
compared by the same measures whichever retriever found them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.search.filters import Selection
from indexer.search.query import Query
from indexer.search.retrieve import SCORE_DECIMALS, allowed_chunks, unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.stores.generation.reader import Generation

SCORED_FIELDS = (("names", "signature"), ("doc",), ("body",))
"""Fields that the second pass scores, each group by itself."""
FILE_CHUNKS = 4_000
"""How many chunks of the leading files the second pass scores."""


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


def score_files(
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

    from indexer.stores.text.index import MASK_BITS
    from indexer.stores.text.queries import Filters

    filters = msgspec.structs.replace(selection.filters or Filters(), paths=tuple(paths))
    path_of, chunks = generation.catalog.chunks_in(paths)
    if selection.filters is not None and chunks:
        allowed = allowed_chunks(generation, Selection(filters, selection.only))
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
        units[members] = unit(generation.vectors.get(segment, ids[members].tolist()).astype(np.float32))
    query = unit(vector.astype(np.float32)[None])[0]
    cosines = np.maximum((units @ query).astype(np.float64), 0.0)
    centroids = np.maximum((unit(np.add.reduceat(units, starts)) @ query).astype(np.float64), 0.0)
    return np.round(cosines, SCORE_DECIMALS), np.round(centroids, SCORE_DECIMALS)
