"""The second pass: all chunks of the files that lead are looked at, so that files are compared by the same measures
whichever retriever found them."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from indexer.search.candidates import SCORE_DECIMALS, Asked
from indexer.search.filters import Selection
from indexer.search.meaning import allowed_chunks
from indexer.stores.catalog.places import FileChunks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.search.content import Content

WORD_FIELDS = ("body", "names")
"""Fields that say whether a chunk has a word."""
FILE_CHUNKS = 4_000
"""How many chunks of the leading files the second pass scores."""


@dataclass(frozen=True, slots=True)
class FileScores:
    """What the second pass knows of the n chunks of m files, of those that the selection lets through.

    Files lie in the order of their spaces and paths, chunks in that of their files and ids: `spaces` is int64[m] the
    place of each file's space, `ids` int64[n], `file_of` int64[n], `starts` int64[m] the first chunk of each file.
    `terms`, bool[words of the query, n], says which words a chunk has; `cosines`, float64[n], is each chunk's
    similarity, `centroids`, float64[m], that of each file's centroid. What was not asked for is zero.
    """

    spaces: NDArray[np.int64]
    paths: tuple[str, ...]
    ids: NDArray[np.int64]
    file_of: NDArray[np.int64]
    starts: NDArray[np.int64]
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
        if not any(scores):
            return column
        bounds = np.searchsorted(self.space_of, np.arange(len(scores) + 1))
        for own, start, stop in zip(scores, bounds, bounds[1:], strict=False):
            if own:
                column[start:stop] = _Places(self.ids[start:stop]).column(list(own), list(own.values()))
        return column


def score_files(generation: Content, asked: Asked, paths: Sequence[str], selection: Selection) -> FileScores:
    """Return the scores of all chunks of the given files of one generation that the selection lets through."""
    import msgspec
    import numpy as np

    from indexer.stores.text.index import MASK_BITS
    from indexer.stores.text.queries import Filters

    filters = msgspec.structs.replace(selection.filters or Filters(), paths=tuple(paths))
    files = generation.places.chunks_of(paths)
    if selection.filters is not None and files:
        allowed = allowed_chunks(generation, Selection(filters, selection.only, selection.passing))
        files = [_among(file, allowed) for file in files]
        files = [file for file in files if len(file.ids)]
    kept = tuple(file.path for file in files)
    ids, segments = (
        np.concatenate([np.empty(0, np.int64), *part])
        for part in ([file.ids for file in files], [file.segments for file in files])
    )
    sizes = [len(file.ids) for file in files]
    file_of = np.repeat(np.arange(len(files)), sizes)
    asked_words = list(asked.query.words)
    terms = np.zeros((len(asked_words), len(ids)), np.bool_)
    calls: list[Callable[[], Any]] = [partial(_similarities, generation, asked, files, ids, segments)]
    if asked.words and kept:
        hold = partial(generation.text.holding, asked_words, WORD_FIELDS, limit=FILE_CHUNKS, filters=filters)
        calls.insert(0, hold)
    *held, (cosines, centroids) = asked.together(calls)
    for masks in held:
        places = _Places(ids)
        width = len(WORD_FIELDS)
        step = MASK_BITS // width
        for first, found in zip(range(0, len(asked_words), step), masks, strict=True):
            own = terms[first : first + step]
            bits = places.column(*found).astype(np.int64) >> width * np.arange(len(own))[:, None]
            own[:] = bits & (1 << width) - 1
    spaces = np.zeros(len(kept), np.int64)
    return FileScores(spaces, kept, ids, file_of, np.cumsum([0, *sizes])[:-1], terms, cosines, centroids)


def nothing_scored(asked: Asked) -> FileScores:
    """Return the scores of a space of which no file leads."""
    import numpy as np

    none, whole = np.zeros(0), np.zeros(0, np.int64)
    terms = np.zeros((len(asked.query.words), 0), np.bool_)
    return FileScores(whole, (), whole, whole, whole, terms, none, none)


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
        terms=np.concatenate([part.terms for part in parts], axis=1),
        cosines=np.concatenate([part.cosines for part in parts]),
        centroids=np.concatenate([part.centroids for part in parts]),
    )


class _Places:
    """Where chunks lie in the order of `ids`, int64[n]."""

    def __init__(self, ids: NDArray[np.int64]) -> None:
        self._order = ids.argsort()
        self._ids = ids[self._order]

    def column(self, found: Sequence[int], values: Sequence[float]) -> NDArray[np.float64]:
        """Return values, given with the chunks they belong to, in the order of the ids: float64[n].

        Chunks without one have 0; those that are not among the ids are left out.
        """
        import numpy as np

        column = np.zeros(len(self._ids))
        if not len(column) or not len(found):
            return column
        keys = np.array(found, np.int64)
        at = np.minimum(self._ids.searchsorted(keys), len(column) - 1)
        known = self._ids[at] == keys
        column[self._order[at[known]]] = np.array(values)[known]
        return column


def _among(file: FileChunks, ids: Container[int]) -> FileChunks:
    """Return those of a file's chunks that are among the ids."""
    import numpy as np

    kept = np.fromiter((chunk_id in ids for chunk_id in file.ids.tolist()), np.bool_, len(file.ids))
    return FileChunks(file.path, file.ids[kept], file.segments[kept], centroid=file.centroid)


def _similarities(
    generation: Content, asked: Asked, files: Sequence[FileChunks], ids: NDArray[np.int64], segments: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the cosine of each chunk of files, float64[n], and of each file's centroid, float64[m]."""
    import numpy as np

    if asked.vector is None or not len(ids):
        return np.zeros(len(ids)), np.zeros(len(files))
    vector = asked.vector()
    cosines = np.empty(len(ids))
    for segment in set(segments.tolist()):
        members = segments == segment
        cosines[members] = generation.vectors.cosines(segment, ids[members], vector)
    means = generation.places.centroids_of(files, dims=len(vector)).astype(np.float32)
    query = vector.astype(np.float32)
    # Not by BLAS, whose threads then wait busily for more on the cores that read the next question.
    products = np.einsum("ij,j->i", means, query)
    centroids = (products / (_lengths(means) * _lengths(query[None]))).astype(np.float64)
    if asked.static_offset:
        cosines += np.where(np.isin(segments, generation.static_segments), asked.static_offset, 0.0)
    return np.maximum(cosines, 0.0).round(SCORE_DECIMALS), np.maximum(centroids, 0.0).round(SCORE_DECIMALS)


def _lengths(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the length of each row of float32[n, k], float32[n], not 0."""
    import numpy as np

    lengths: NDArray[np.float32] = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return np.maximum(lengths, np.float32(1e-12))
