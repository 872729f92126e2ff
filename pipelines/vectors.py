"""Chunks to quantised vectors: kept from the index, taken from the cache, or computed; each distinct text once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.config import Config
from indexer.encoders.registry import find_encoder
from indexer.stages.embed import embed
from indexer.stages.reduce import Projection, reduce
from indexer.stores.caches.embeddings import EmbeddingCache
from indexer.types import Chunk, Encoder, QuantizedBatch, Tier

from .progress import Progress, StageClock

LIGHT_TEXTS = 64
"""Up to here an encoder is loaded the fastest way; more texts repay a slower start."""

CACHED_TEXTS = 128
"""So many vectors, about a second's work, are the most that a killed build loses."""


class Known(Protocol):
    """Vectors that an index holds: `rows` int64[m] of the hashes asked for, int8[m, k], float32[m] scales, tiers."""

    @property
    def rows(self) -> NDArray[np.int64]: ...
    @property
    def vectors(self) -> NDArray[np.int8]: ...
    @property
    def scales(self) -> NDArray[np.float32]: ...
    @property
    def tiers(self) -> tuple[Tier, ...]: ...


class KnownVectors(Protocol):
    """The index being updated."""

    def known_vectors(self, text_hashes: Sequence[bytes]) -> Known:
        """Return the vectors of those text hashes that it knows."""


Observer = Callable[
    [Sequence[bytes], NDArray[np.float32], NDArray[np.int8], NDArray[np.float32]],
    None,
]
"""Is given distinct text hashes, their float32[n, d], and the int8[n, k] and float32[n] scales made of them."""


class Vectorizer:
    """Gives each chunk its vector, and counts in `embedded` how many texts went through the encoder.

    `load_encoder` is called with the number of texts at the first that need it, so that a build that only removes
    loads no model.
    """

    def __init__(
        self,
        load_encoder: Callable[[int], Encoder],
        *,
        tier: Tier,
        cache: EmbeddingCache | None,
        token_budget: int,
        clock: StageClock,
        progress: Progress,
    ) -> None:
        self._load_encoder = load_encoder
        self._tier = tier
        self._cache = cache
        self._token_budget = token_budget
        self._clock = clock
        self._progress = progress
        self._kept: dict[bytes, NDArray[np.float32]] = {}
        self.embedded = 0

    @property
    def warnings(self) -> list[str]:
        """What went wrong with the cache, for a person."""
        return self._cache.warnings if self._cache is not None else []

    def full_precision(self, chunks: Sequence[Chunk], *, keep: bool = False) -> dict[bytes, NDArray[np.float32]]:
        """Return float32[d] for each distinct text hash of the chunks; `keep` remembers them for later calls."""
        texts = {chunk.text_hash: chunk.embedded_text for chunk in chunks}
        vectors = {text_hash: self._kept[text_hash] for text_hash in texts if text_hash in self._kept}
        if self._cache is not None:
            with self._clock("cache"):
                vectors.update(self._cache.get_many([text_hash for text_hash in texts if text_hash not in vectors]))
        missing = {text_hash: text for text_hash, text in texts.items() if text_hash not in vectors}
        if missing:
            vectors.update(self._compute(missing))
        if keep:
            self._kept.update(vectors)
        return vectors

    def quantize(
        self,
        chunks: Sequence[Chunk],
        index: KnownVectors,
        projection: Projection,
        *,
        observe: Observer = lambda *_: None,
    ) -> QuantizedBatch:
        """Return the chunks with int8[n, k] and scales; only texts that `index` lacks are looked up or computed.

        `observe` sees those once.
        """
        vectors = np.empty((len(chunks), projection.dims), dtype=np.int8)
        scales = np.empty(len(chunks), dtype=np.float32)
        known = index.known_vectors([chunk.text_hash for chunk in chunks])
        vectors[known.rows], scales[known.rows] = known.vectors, known.scales
        tiers = [self._tier] * len(chunks)
        for row, tier in zip(known.rows.tolist(), known.tiers, strict=True):
            tiers[row] = tier
        unknown = np.setdiff1d(np.arange(len(chunks)), known.rows)
        if len(unknown):
            full = self.full_precision([chunks[row] for row in unknown])
            with self._clock("reduce"):
                place = {text_hash: at for at, text_hash in enumerate(full)}
                matrix = np.stack(list(full.values()))
                reduced, reduced_scales = reduce(matrix, projection)
                at = [place[chunks[row].text_hash] for row in unknown]
                vectors[unknown], scales[unknown] = reduced[at], reduced_scales[at]
            with self._clock("measure"):
                observe(list(full), matrix, reduced, reduced_scales)
        return QuantizedBatch(tuple(chunks), vectors, scales, tuple(tiers))

    def _compute(self, texts: dict[bytes, str]) -> dict[bytes, NDArray[np.float32]]:
        """Embed texts by hash, caching as it goes, so that a build that is killed resumes."""
        hashes = list(texts)
        uncached: dict[bytes, NDArray[np.float32]] = {}

        def on_batch(rows: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
            self._progress.vectors(len(rows))
            uncached.update((hashes[row], vector) for row, vector in zip(rows.tolist(), vectors, strict=True))
            if len(uncached) >= CACHED_TEXTS:
                self._keep(uncached)

        with self._clock("embed"):
            encoder = self._load_encoder(len(texts))
            matrix = embed(list(texts.values()), encoder, token_budget=self._token_budget, on_batch=on_batch)
            self._keep(uncached)
        self.embedded += len(texts)
        return dict(zip(hashes, matrix, strict=True))

    def _keep(self, vectors: dict[bytes, NDArray[np.float32]]) -> None:
        if self._cache is not None and vectors:
            self._cache.put_many(vectors)
        vectors.clear()


@contextmanager
def open_vectorizer(
    config: Config, cache_dir: Path | None, *, clock: StageClock, progress: Progress
) -> Iterator[Vectorizer]:
    """Give a vectorizer for the configured encoder, with the embedding cache in `cache_dir` open meanwhile."""
    encoder = find_encoder(config.encoder)
    identity = encoder.identity
    loaded: list[Encoder] = []

    def load(texts: int) -> Encoder:
        if not loaded:
            loaded.append(encoder.load(threads=config.encoder.threads, light=texts <= LIGHT_TEXTS))
        return loaded[0]

    with ExitStack() as stack:
        cache = None
        if cache_dir is not None:
            limit = config.cache.max_megabytes * 1_000_000
            opened = EmbeddingCache(cache_dir, encoder_digest=identity.digest, dims=identity.dims, max_bytes=limit)
            cache = stack.enter_context(opened)
        yield Vectorizer(
            load,
            tier=identity.tier,
            cache=cache,
            token_budget=config.encoder.token_budget,
            clock=clock,
            progress=progress,
        )
