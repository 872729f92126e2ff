"""Chunks to quantised vectors: kept from the index, taken from the cache, or computed; each distinct text once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.stages.embed import embed
from indexer.stages.reduce import Projection, reduce
from indexer.types import Chunk, Encoder, QuantizedBatch
from pipelines.report import Progress, StageClock

ByHash = Mapping[bytes, NDArray[np.float32]]


class KnownVectors(Protocol):
    """The vectors that the index being updated already holds."""

    def known_vectors(self, text_hashes: Sequence[bytes]) -> Mapping[bytes, tuple[NDArray[np.int8], float]]:
        """Return the int8 row and the scale of those text hashes that are known."""


class Cache(Protocol):
    """Full-precision vectors of texts embedded before, for this encoder."""

    def get_many(self, text_hashes: Sequence[bytes]) -> ByHash:
        """Return the vectors that are cached."""

    def put_many(self, vectors: ByHash) -> None:
        """Keep vectors."""


class Vectorizer:
    """Gives each chunk its vector and counts how many went through the encoder.

    `load_encoder` is called at the first text that needs it, so that a build that only removes loads no model.
    """

    def __init__(
        self,
        load_encoder: Callable[[], Encoder],
        *,
        cache: Cache | None,
        token_budget: int,
        clock: StageClock,
        progress: Progress,
    ) -> None:
        self._load_encoder = load_encoder
        self._cache = cache
        self._token_budget = token_budget
        self._clock = clock
        self._progress = progress
        self.embedded = 0

    def full_precision(self, chunks: Sequence[Chunk]) -> dict[bytes, NDArray[np.float32]]:
        """Return float32[d] for each distinct text hash of the chunks."""
        texts = {chunk.text_hash: chunk.embedded_text for chunk in chunks}
        vectors: dict[bytes, NDArray[np.float32]] = {}
        if self._cache is not None:
            with self._clock("cache"):
                vectors.update(self._cache.get_many(list(texts)))
        missing = [text_hash for text_hash in texts if text_hash not in vectors]
        if missing:
            with self._clock("embed"):
                matrix = embed(
                    [texts[text_hash] for text_hash in missing],
                    self._load_encoder(),
                    token_budget=self._token_budget,
                    on_batch=self._progress.chunks,
                )
            self.embedded += len(missing)
            computed = dict(zip(missing, matrix, strict=True))
            vectors.update(computed)
            if self._cache is not None:
                with self._clock("cache"):
                    self._cache.put_many(computed)
        return vectors

    def quantize(self, chunks: Sequence[Chunk], known: KnownVectors, projection: Projection) -> QuantizedBatch:
        """Return the chunks with int8[n, k] and scales; only texts that `known` lacks are looked up or computed."""
        kept = known.known_vectors([chunk.text_hash for chunk in chunks])
        computed = self.full_precision([chunk for chunk in chunks if chunk.text_hash not in kept])
        vectors = np.empty((len(chunks), projection.dims), dtype=np.int8)
        scales = np.empty(len(chunks), dtype=np.float32)
        with self._clock("reduce"):
            rows = {text_hash: row for row, text_hash in enumerate(computed)}
            if computed:
                reduced, reduced_scales = reduce(np.stack(list(computed.values())), projection)
            for place, chunk in enumerate(chunks):
                if chunk.text_hash in kept:
                    vectors[place], scales[place] = kept[chunk.text_hash]
                else:
                    row = rows[chunk.text_hash]
                    vectors[place], scales[place] = reduced[row], reduced_scales[row]
        return QuantizedBatch(tuple(chunks), vectors, scales)
