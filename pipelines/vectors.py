"""Where a text's vector comes from: this index, the cache, an encoder, in that order; each distinct text once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.config import Config, EncoderOptions
from indexer.encoders.registry import Variant, find_encoder
from indexer.stages.embed import embed
from indexer.stages.reduce import Projection, reduce
from indexer.stores.caches.embeddings import EmbeddingCache
from indexer.types import Chunk, Document, Encoder, QuantizedBatch, StoredVector, Tier

from .progress import Progress, StageClock

LIGHT_TEXTS = 64
"""Up to here an encoder is loaded the fastest way; more texts repay a slower start."""

CACHED_TEXTS = 128
"""So many vectors, about a second's work, are the most that a killed build loses."""


@dataclass(frozen=True, slots=True)
class EncodedVector:
    """A text's vector as an encoder made it: float32[d]."""

    vector: NDArray[np.float32]
    tier: Tier


Vector = StoredVector | EncodedVector

Listener = Callable[[Tier, Sequence[bytes], NDArray[np.float32], NDArray[np.int8], NDArray[np.float32]], None]
"""Is told a tier, distinct text hashes, their float32[n, d], and the int8[n, k] and float32[n] scales made of them."""


class Origin(Protocol):
    """One place where vectors come from; those of one encoder alone, so that a text's hash and a tier name one."""

    @property
    def name(self) -> str:
        """What its vectors are counted under."""

    @property
    def warnings(self) -> Sequence[str]:
        """What went wrong, for a person."""

    def find(self, texts: Mapping[bytes, str], tier: Tier) -> Mapping[bytes, Vector]:
        """Return the vectors, of that tier or a better one, that it has for texts by their hashes."""


class KnownVectors(Protocol):
    """The index being updated."""

    def known_vectors(self, text_hashes: Sequence[bytes], tier: Tier) -> Mapping[bytes, StoredVector]:
        """Return the vectors, of that tier or a better one, that it has for those texts."""


class FromIndex:
    """What the index being updated holds; its vectors are those of the encoder that it was made with."""

    name = "index"
    warnings = ()

    def __init__(self, index: KnownVectors) -> None:
        self._index = index

    def find(self, texts: Mapping[bytes, str], tier: Tier) -> Mapping[bytes, Vector]:
        """Return vectors as they are stored."""
        return self._index.known_vectors(list(texts), tier)


class FromSample:
    """What was computed to fit a projection, before there was one to store it with."""

    name = "sample"
    warnings = ()

    def __init__(self, vectors: Mapping[bytes, EncodedVector]) -> None:
        self._vectors = vectors

    def find(self, texts: Mapping[bytes, str], tier: Tier) -> Mapping[bytes, Vector]:
        """Return vectors as they were computed."""
        return {text_hash: self._vectors[text_hash] for text_hash in texts if text_hash in self._vectors}


class FromCache:
    """What any index of this user had the encoder compute: contextual vectors alone, others cost less than a look."""

    name = "cache"

    def __init__(self, cache: EmbeddingCache, clock: StageClock) -> None:
        self._cache = cache
        self._clock = clock

    @property
    def warnings(self) -> Sequence[str]:
        """What went wrong while reading, or while an encoder's vectors were kept."""
        return self._cache.warnings

    def find(self, texts: Mapping[bytes, str], tier: Tier) -> Mapping[bytes, Vector]:
        """Return contextual vectors, whatever tier is asked for."""
        with self._clock("cache"):
            found = self._cache.get_many(list(texts))
        return {text_hash: EncodedVector(vector, Tier.CONTEXTUAL) for text_hash, vector in found.items()}


class FromEncoder:
    """What an encoder computes now; it is loaded at the first text, with the number of texts that need it."""

    name = "encoder"
    warnings = ()

    def __init__(
        self,
        load: Callable[[int], Encoder],
        tier: Tier,
        *,
        cache: EmbeddingCache | None,
        token_budget: int,
        clock: StageClock,
        progress: Progress,
    ) -> None:
        self._load = load
        self._tier = tier
        self._cache = cache
        self._token_budget = token_budget
        self._clock = clock
        self._progress = progress

    def find(self, texts: Mapping[bytes, str], tier: Tier) -> Mapping[bytes, Vector]:
        """Compute vectors, caching as it goes, so that a build that is killed resumes."""
        if self._tier is not tier:
            return {}
        hashes = list(texts)
        uncached: dict[bytes, NDArray[np.float32]] = {}

        def on_batch(rows: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
            self._progress.vectors(len(rows))
            uncached.update((hashes[row], vector) for row, vector in zip(rows.tolist(), vectors, strict=True))
            if len(uncached) >= CACHED_TEXTS:
                self._keep(uncached)

        with self._clock("embed"):
            encoder = self._load(len(texts))
            matrix = embed(list(texts.values()), encoder, token_budget=self._token_budget, on_batch=on_batch)
            self._keep(uncached)
        return {text_hash: EncodedVector(row, tier) for text_hash, row in zip(hashes, matrix, strict=True)}

    def _keep(self, vectors: dict[bytes, NDArray[np.float32]]) -> None:
        if self._cache is not None and vectors:
            self._cache.put_many(vectors)
        vectors.clear()


class Vectorizer:
    """Gives each chunk its vector of one tier, or of a better one, from the first origin that has it.

    `found` counts distinct texts a call by the origin that had them.
    """

    def __init__(self, origins: Sequence[Origin], *, tier: Tier, clock: StageClock, progress: Progress) -> None:
        self._origins = tuple(origins)
        self._tier = tier
        self._clock = clock
        self._progress = progress
        self.found: Counter[str] = Counter()

    @property
    def warnings(self) -> list[str]:
        """What went wrong, for a person."""
        return [warning for origin in self._origins for warning in origin.warnings]

    def embed(self, chunks: Sequence[Chunk | Document]) -> dict[bytes, Vector]:
        """Return a vector for each distinct text hash of the chunks."""
        told = self._told
        vectors = self._find(chunks)
        self._progress.vectors(len(chunks) - (self._told - told))
        return vectors

    @property
    def _told(self) -> int:
        """How many vectors the progress knows of already: the encoder tells as it goes, a sample told before."""
        return self.found[FromEncoder.name] + self.found[FromSample.name]

    def full_precision(self, chunks: Sequence[Chunk | Document]) -> dict[bytes, NDArray[np.float32]]:
        """Return float32[d] for each distinct text that is not in the index, and keep it for those that ask again."""
        computed = self.found[FromEncoder.name]
        sample = _encoded(self._find(chunks))
        self._progress.vectors(len(sample) - (self.found[FromEncoder.name] - computed))
        self._origins = (*self._origins[:1], FromSample(sample), *self._origins[1:])
        return {text_hash: made.vector for text_hash, made in sample.items()}

    def reduce(
        self,
        chunks: Sequence[Chunk | Document],
        vectors: Mapping[bytes, Vector],
        projection: Projection,
        *,
        listener: Listener = lambda *_: None,
    ) -> QuantizedBatch:
        """Return the chunks with int8[n, k] and scales of their texts' vectors; `listener` is told of new ones."""
        stored = {text_hash: vector for text_hash, vector in vectors.items() if isinstance(vector, StoredVector)}
        by_tier = sorted(_encoded(vectors).items(), key=lambda item: item[1].tier.rank)
        for tier, group in groupby(by_tier, key=lambda item: item[1].tier):
            made = dict(group)
            with self._clock("reduce"):
                matrix = np.stack([own.vector for own in made.values()])
                rows, scales = reduce(matrix, projection)
                reduced = zip(made, rows, scales.tolist(), strict=True)
                stored.update((text_hash, StoredVector(row, scale, tier)) for text_hash, row, scale in reduced)
            with self._clock("measure"):
                listener(tier, list(made), matrix, rows, scales)
        own = [stored[chunk.text_hash] for chunk in chunks]
        return QuantizedBatch(
            tuple(chunks),
            np.stack([held.vector for held in own]) if own else np.empty((0, projection.dims), np.int8),
            np.array([held.scale for held in own], np.float32),
            tuple(held.tier for held in own),
        )

    def _find(self, chunks: Sequence[Chunk | Document]) -> dict[bytes, Vector]:
        missing = {chunk.text_hash: chunk.embedded_text for chunk in chunks}
        vectors: dict[bytes, Vector] = {}
        for origin in self._origins:
            missing = {text_hash: text for text_hash, text in missing.items() if text_hash not in vectors}
            if missing:
                found = origin.find(missing, self._tier)
                self.found[origin.name] += len(found)
                vectors.update(found)
        return vectors


def _encoded(vectors: Mapping[bytes, Vector]) -> dict[bytes, EncodedVector]:
    return {text_hash: vector for text_hash, vector in vectors.items() if isinstance(vector, EncodedVector)}


@contextmanager
def open_cache(config: Config, cache_dir: Path | None) -> Iterator[EmbeddingCache | None]:
    """Give the embedding cache in `cache_dir`; None without a folder, or where vectors cost less than a look."""
    encoder = find_encoder(config.encoder).identity
    if cache_dir is None or encoder.tier is not Tier.CONTEXTUAL:
        yield None
        return
    limit = config.cache.max_megabytes * 1_000_000
    with EmbeddingCache(cache_dir, encoder_digest=encoder.digest, dims=encoder.dims, max_bytes=limit) as cache:
        yield cache


def make_vectorizer(
    encoder: Variant,
    options: EncoderOptions,
    *,
    index: KnownVectors | None = None,
    workers: Sequence[Origin] = (),
    cache: EmbeddingCache | None = None,
    clock: StageClock,
    progress: Progress,
) -> Vectorizer:
    """Return a vectorizer that asks the index, the cache, the workers, and last `encoder`.

    What a contextual encoder computes is kept in the cache.
    """
    tier = encoder.identity.tier
    loaded: list[Encoder] = []

    def load(texts: int) -> Encoder:
        if not loaded:
            loaded.append(encoder.load(threads=options.threads, light=texts <= LIGHT_TEXTS))
        return loaded[0]

    computed = FromEncoder(
        load,
        tier,
        cache=cache if tier is Tier.CONTEXTUAL else None,
        token_budget=options.token_budget,
        clock=clock,
        progress=progress,
    )
    known: list[Origin] = [] if index is None else [FromIndex(index)]
    kept = [] if cache is None else [FromCache(cache, clock)]
    return Vectorizer((*known, *kept, *workers, computed), tier=tier, clock=clock, progress=progress)
