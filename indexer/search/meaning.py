"""Chunks by the nearness of their vectors, and which of them a filter lets through."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from indexer.search.filters import Selection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.search.content import Content

VECTOR_LIMIT = 100
"""How many chunks are found by meaning."""
LOOKED_UP = 4_000
"""Up to so many chunks are looked up one by one to see which a filter lets through, rather than asking for all."""
EXACT_FILTERED = 20_000
"""Up to so many chunks that a filter leaves, each one's vector is compared."""

Scores = dict[int, float]


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
    for segment, members in segments.items():
        cosines = generation.vectors.cosines(segment, members, vector)
        if segment in generation.static_segments:
            cosines = cosines + np.float32(static_offset)
        scored.extend(zip(cosines.tolist(), members, strict=True))
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return {chunk_id: similarity for similarity, chunk_id in scored}
