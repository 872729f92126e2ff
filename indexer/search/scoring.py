"""The second pass: all chunks of the files that lead are scored, so that files are compared by the same measures
whichever retriever found them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.search.candidates import SCORE_DECIMALS, Asked, allowed_chunks, unit, word_terms
from indexer.search.filters import Selection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.stores.generation.reader import Generation

OWN_FIELDS = ("names", "signature", "doc", "body")
"""Fields of what a chunk says itself, not its path."""
WORD_FIELDS = ("body", "names")
"""Fields that say whether a chunk has a word."""
FILE_CHUNKS = 4_000
"""How many chunks of the leading files the second pass scores."""


@dataclass(frozen=True, slots=True)
class FileScores:
    """What the second pass knows of the n chunks of m files, of those that the selection lets through.

    Files lie in the order of their spaces and paths, chunks in that of their files: `spaces` is int64[m] the place of
    each file's space, `ids` int64[n], `file_of` int64[n], `starts` int64[m] the first chunk of each file. `words`,
    float64[n], is the combined BM25 over all fields, `fields` that over OWN_FIELDS alike, `body` that of the body, and
    `terms`, bool[words of the query, n], which words a chunk has; `cosines`, float64[n], is each chunk's similarity,
    `centroids`, float64[m], that of each file's mean vector. What was not asked for is zero.
    """

    spaces: NDArray[np.int64]
    paths: tuple[str, ...]
    ids: NDArray[np.int64]
    file_of: NDArray[np.int64]
    starts: NDArray[np.int64]
    words: NDArray[np.float64]
    fields: NDArray[np.float64]
    body: NDArray[np.float64]
    terms: NDArray[np.bool_]
    cosines: NDArray[np.float64]
    centroids: NDArray[np.float64]

    @property
    def space_of(self) -> NDArray[np.int64]:
        """The place of each chunk's space, int64[n]."""
        spaces: NDArray[np.int64] = self.spaces[self.file_of]
        return spaces

    def aligned(self, scores: Sequence[Mapping[int, float]]) -> NDArray[np.float64]:
        """Return scores by chunk id, a mapping a space, as float64[n]; chunks without one have 0."""
        import numpy as np

        column = np.zeros(len(self.ids))
        bounds = np.searchsorted(self.space_of, np.arange(len(scores) + 1))
        for own, start, stop in zip(scores, bounds, bounds[1:], strict=False):
            column[start:stop] = _column(self.ids[start:stop], list(own), list(own.values()))
        return column


def score_files(generation: Generation, asked: Asked, paths: Sequence[str], selection: Selection) -> FileScores:
    """Return the scores of all chunks of the given files of one generation that the selection lets through."""
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
    asked_words = list(asked.query.words)
    words, fields, body = np.zeros((3, len(ids)))
    terms = np.zeros((len(asked_words), len(ids)), np.bool_)
    if asked.words and kept:
        text = generation.text
        alike = (dict.fromkeys(own, asked.query.words) for own in (OWN_FIELDS, ("body",)))
        words, fields, body = (
            np.round(
                _column(ids, *text.scores(own, limit=FILE_CHUNKS, filters=filters, statistics=asked.statistics)),
                SCORE_DECIMALS,
            )
            for own in (word_terms(asked.query), *alike)
        )
        masks = text.holding(asked_words, WORD_FIELDS, limit=FILE_CHUNKS, filters=filters)
        for first, found in zip(range(0, len(asked_words), MASK_BITS), masks, strict=True):
            bits = _column(ids, *found).astype(np.int64) >> np.arange(MASK_BITS)[:, None]
            terms[first : first + MASK_BITS] = (bits & 1)[: len(asked_words) - first]
    starts = np.searchsorted(file_of, np.arange(len(kept)))
    cosines, centroids = _similarities(generation, asked.vector, ids, segments, starts)
    spaces = np.zeros(len(kept), np.int64)
    return FileScores(spaces, kept, ids, file_of, starts, words, fields, body, terms, cosines, centroids)


def nothing_scored(asked: Asked) -> FileScores:
    """Return the scores of a space of which no file leads."""
    import numpy as np

    none, whole = np.zeros(0), np.zeros(0, np.int64)
    terms = np.zeros((len(asked.query.words), 0), np.bool_)
    return FileScores(whole, (), whole, whole, whole, none, none, none, terms, none, none)


def joined(parts: Sequence[FileScores]) -> FileScores:
    """Return the scores of several spaces as one, each part's files in the space of its place."""
    import numpy as np

    if len(parts) == 1:
        return parts[0]
    files = np.cumsum([0, *(len(part.paths) for part in parts)])
    chunks = np.cumsum([0, *(len(part.ids) for part in parts)])
    return FileScores(
        spaces=np.repeat(np.arange(len(parts)), [len(part.paths) for part in parts]),
        paths=tuple(path for part in parts for path in part.paths),
        ids=np.concatenate([part.ids for part in parts]),
        file_of=np.concatenate([part.file_of + first for part, first in zip(parts, files, strict=False)]),
        starts=np.concatenate([part.starts + first for part, first in zip(parts, chunks, strict=False)]),
        words=np.concatenate([part.words for part in parts]),
        fields=np.concatenate([part.fields for part in parts]),
        body=np.concatenate([part.body for part in parts]),
        terms=np.concatenate([part.terms for part in parts], axis=1),
        cosines=np.concatenate([part.cosines for part in parts]),
        centroids=np.concatenate([part.centroids for part in parts]),
    )


def _column(ids: NDArray[np.int64], found: Sequence[int], values: Sequence[float]) -> NDArray[np.float64]:
    """Return values, given with the chunks they belong to, in the order of `ids`, int64[n]: float64[n].

    Chunks without one have 0; those that are not among the ids are left out.
    """
    import numpy as np

    column = np.zeros(len(ids))
    if not len(ids) or not len(found):
        return column
    keys = np.array(found, np.int64)
    order = np.argsort(ids)
    at = order[np.minimum(np.searchsorted(ids, keys, sorter=order), len(ids) - 1)]
    known = ids[at] == keys
    column[at[known]] = np.array(values)[known]
    return column


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
