"""Ask the text index and the vector index of one generation, and gather what ranking needs to know of a file.

Two passes: the first finds chunks by words, by meaning, by exact name and by path; the second scores every field of all
chunks in the files that lead, so that files are compared by the same measures whichever retriever found them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
SCORED_FIELDS = ("names", "signature", "doc", "body")

TEXT_LIMIT = 200
VECTOR_LIMIT = 200
NAME_LIMIT = 200
FILE_CHUNKS = 4_000
"""How many chunks of the leading files the second pass scores."""
CENTROID_CHUNKS = 64
"""Chunks of a file whose vectors are compared in the second pass."""
PAIR_SLOP = 2
"""How far apart two adjacent words of the query may be: a whole identifier stands between it and its parts."""
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
    """What the second pass knows of the chunks of the leading files.

    `fields` holds BM25 by field for words, `wholes` for whole identifiers in names and in bodies, `terms` for each word
    the chunks that hold it in body or names, `pairs` how many adjacent words of the query a chunk has near each other;
    chunks without any match are left out. `cosines` has the similarity of each chunk, `centroids` that of each file's
    mean vector; both are empty when no vector was asked for. `path_of` holds every chunk of these files, filters or
    not.
    """

    path_of: Mapping[int, str] = field(default_factory=dict)
    fields: Mapping[str, Scores] = field(default_factory=dict)
    wholes: Mapping[str, Scores] = field(default_factory=dict)
    terms: Mapping[str, frozenset[int]] = field(default_factory=dict)
    pairs: Mapping[int, int] = field(default_factory=dict)
    cosines: Scores = field(default_factory=dict)
    centroids: Mapping[str, float] = field(default_factory=dict)


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
    allowed = _allowed(generation, selection)
    if len(allowed) <= EXACT_FILTERED:
        return _compare(generation, vector, sorted(allowed), limit=limit)
    wanted = limit
    while True:
        wanted *= 4
        found = generation.nearest(vector, limit=wanted)
        pairs = zip(found.ids.tolist(), found.similarities.tolist(), strict=True)
        kept = [(chunk_id, similarity) for chunk_id, similarity in pairs if chunk_id in allowed]
        if len(kept) >= limit or len(found.ids) < wanted:
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
    """Return the files that the query names, by the share of the steps it writes that are the file's last ones.

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
            # A whole path within the index is sure, whatever folders of another machine precede it.
            share = 1.0 if same == len(own) else same / len(steps)
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
    if not paths:
        return FileScores()
    places = generation.catalog.chunks_in(paths)
    path_of = {chunk_id: path for chunk_id, (path, _) in places.items()}
    cosines, centroids = _similarities(generation, vector, places) if vector is not None else ({}, {})
    if not words:
        return FileScores(path_of=path_of, cosines=cosines, centroids=centroids)
    import msgspec

    from indexer.stores.text import Filters

    filters = msgspec.structs.replace(selection.filters or Filters(), paths=tuple(paths))
    only = sorted(selection.only or ())

    def score(terms: Mapping[str, Mapping[str, float]]) -> Scores:
        found = generation.text.search(terms, limit=FILE_CHUNKS, filters=filters, any_of=only)
        return {match.id: match.score for match in found}

    pairs: dict[int, int] = {}
    for pair in query.pairs:
        for match in generation.text.phrases("body", pair, limit=FILE_CHUNKS, slop=PAIR_SLOP, filters=filters):
            pairs[match.id] = pairs.get(match.id, 0) + 1
    return FileScores(
        path_of=path_of,
        fields={name: score({name: query.words}) for name in SCORED_FIELDS},
        wholes={name: score({name: query.wholes}) for name in ("names", "body")} if query.wholes else {},
        terms={word: frozenset(score({"body": {word: 1.0}, "names": {word: 1.0}})) for word in query.words},
        pairs=pairs,
        cosines=cosines,
        centroids=centroids,
    )


def _similarities(
    generation: Generation, vector: NDArray[np.int8], places: Mapping[int, tuple[str, int]]
) -> tuple[Scores, dict[str, float]]:
    """Return the cosine of each chunk, and of the mean of each file's unit vectors."""
    import numpy as np

    by_file: dict[str, list[int]] = {}
    by_segment: dict[int, list[int]] = {}
    for chunk_id, (path, segment) in places.items():
        members = by_file.setdefault(path, [])
        # Ids are hashes, so the first in their order are a fair sample of a long file.
        if len(members) < CENTROID_CHUNKS:
            members.append(chunk_id)
            by_segment.setdefault(segment, []).append(chunk_id)
    query = _unit(vector.astype(np.float32)[None])[0]
    rows: dict[int, int] = {}
    parts = []
    for segment, members in by_segment.items():
        rows.update({chunk_id: len(rows) + place for place, chunk_id in enumerate(members)})
        parts.append(generation.vectors.get(segment, members))
    units = _unit(np.concatenate(parts).astype(np.float32))
    cosines = units @ query
    centroids = (
        _unit(np.stack([units[[rows[i] for i in members]].mean(axis=0) for members in by_file.values()])) @ query
    )
    return (
        {chunk_id: float(cosines[row]) for chunk_id, row in rows.items()},
        dict(zip(by_file, centroids.tolist(), strict=True)),
    )


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows, float32[n, k], with length 1; zero rows stay zero."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units: NDArray[np.float32] = rows / np.maximum(lengths, np.float32(1e-12))
    return units


def _allowed(generation: Generation, selection: Selection) -> set[int] | frozenset[int]:
    if selection.filters is None:
        return selection.only or frozenset()
    found = set(generation.text.filter(selection.filters, limit=generation.text.count))
    return found if selection.only is None else found & selection.only


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
