"""Each distinct text is encoded once, and not at all where the index or the cache has its vector."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.stages.reduce import identity_projection, reduce
from indexer.stores.caches.embeddings import EmbeddingCache
from indexer.stores.text.document import make_documents
from indexer.types import (
    Chunk,
    Document,
    Encoder,
    FileRecord,
    ParsedFile,
    Quantized,
    QuantizedBatch,
    StoredVector,
    Tier,
)
from pipelines.parsing.encoded import FromWorkers
from pipelines.progress import Progress, Silence, StageClock
from pipelines.vectors import CACHED_TEXTS, FromCache, FromEncoder, FromIndex, Listener, Vectorizer
from tests.fakes import FakeEncoder, IndexedVectors
from tests.synthetic import chunks_of

DIMS = 16
PROJECTION = identity_projection(DIMS)
EMPTY = IndexedVectors()


SILENCE = Silence()


class Counting(Silence):
    """Counts the vectors that it is told of."""

    def __init__(self) -> None:
        self.told = 0

    def vectors(self, chunks: int) -> None:
        """Count them."""
        self.told += chunks


class Loader:
    """Gives the encoder, and notes for how many texts it was wanted."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.asked: list[int] = []

    def __call__(self, texts: int) -> Encoder:
        self.asked.append(texts)
        return self.encoder


def vectorizer(
    loader: Loader,
    *,
    index: IndexedVectors = EMPTY,
    cache: EmbeddingCache | None = None,
    token_budget: int = 2048,
    tier: Tier = Tier.CONTEXTUAL,
    progress: Progress = SILENCE,
) -> Vectorizer:
    clock = StageClock(progress)
    cached = [FromCache(cache, clock)] if cache is not None else []
    encoder = FromEncoder(loader, tier, cache=cache, token_budget=token_budget, clock=clock, progress=progress)
    return Vectorizer((FromIndex(index), *cached, encoder), tier=tier, clock=clock, progress=progress)


def quantize(
    made: Vectorizer, chunks: Sequence[Chunk | Document], listener: Listener = lambda *_: None
) -> QuantizedBatch:
    return made.reduce(chunks, made.embed(chunks), PROJECTION, listener=listener)


def chunks(*texts: str) -> tuple[Chunk, ...]:
    return chunks_of("a.py", texts)


def expected(texts: Sequence[str]) -> NDArray[np.int8]:
    return reduce(FakeEncoder(DIMS).encode(texts), PROJECTION)[0]


def test_equal_texts_are_encoded_once_and_each_chunk_has_its_vector() -> None:
    encoder = FakeEncoder(DIMS)
    made = vectorizer(Loader(encoder))
    batch = quantize(made, chunks("one", "two", "one", "three"))
    assert sorted(encoder.encoded) == ["one", "three", "two"]
    assert made.found == {"index": 0, "encoder": 3}
    np.testing.assert_array_equal(batch.vectors, expected(["one", "two", "one", "three"]))
    assert batch.chunks == chunks("one", "two", "one", "three")


def test_what_the_index_holds_is_taken_as_it_is() -> None:
    (one, two) = chunks("one", "two")
    held = StoredVector(np.full(DIMS, 7, np.int8), 0.5, Tier.CONTEXTUAL)
    encoder = FakeEncoder(DIMS)
    made = vectorizer(Loader(encoder), index=IndexedVectors({one.text_hash: held}), tier=Tier.STATIC)
    batch = quantize(made, (two, one))
    assert encoder.encoded == ["two"]
    assert made.found == {"index": 1, "encoder": 1}
    np.testing.assert_array_equal(batch.vectors, np.stack([expected(["two"])[0], held.vector]))
    assert batch.scales[1] == 0.5
    assert batch.tiers == (Tier.STATIC, Tier.CONTEXTUAL)


def test_what_came_from_the_workers_is_not_encoded_again_and_counts_as_encoded() -> None:
    one, two = make_documents(chunks("one", "two"))
    record = FileRecord("a.py", 1, 1, b"")
    quantized = Quantized(np.full((1, DIMS), 7, np.int8), np.array([0.5], np.float32))
    encoder = FakeEncoder(DIMS)
    clock, silence = StageClock(Silence()), Silence()
    computed = FromEncoder(Loader(encoder), Tier.STATIC, cache=None, token_budget=2048, clock=clock, progress=silence)
    workers = FromWorkers(Tier.STATIC, Silence())
    made = Vectorizer((workers, computed), tier=Tier.STATIC, clock=clock, progress=silence)
    workers.take(
        [record, ParsedFile(record, documents=(one,), quantized=quantized), ParsedFile(record, documents=(two,))]
    )
    batch = quantize(made, (one, two))
    assert encoder.encoded == ["two"]
    assert made.found == {"encoder": 2}
    np.testing.assert_array_equal(batch.vectors[0], quantized.vectors[0])
    workers.take([])
    assert workers.find({one.text_hash: "one"}, Tier.STATIC) == {}


def test_a_vector_of_a_lower_tier_does_not_stand_in() -> None:
    (one,) = chunks("one")
    held = StoredVector(np.full(DIMS, 7, np.int8), 0.5, Tier.STATIC)
    batch = quantize(vectorizer(Loader(FakeEncoder(DIMS)), index=IndexedVectors({one.text_hash: held})), (one,))
    np.testing.assert_array_equal(batch.vectors, expected(["one"]))
    assert batch.tiers == (Tier.CONTEXTUAL,)


def test_the_index_comes_before_the_cache_and_the_cache_before_the_encoder(tmp_path: Path) -> None:
    one, two, three = chunks("one", "two", "three")
    index = IndexedVectors({one.text_hash: StoredVector(np.ones(DIMS, np.int8), 1.0, Tier.CONTEXTUAL)})
    with EmbeddingCache(tmp_path, encoder_digest="0" * 32, dims=DIMS, max_bytes=1_000_000) as cache:
        vectorizer(Loader(FakeEncoder(DIMS)), cache=cache).embed((one, two))
        made = vectorizer(Loader(FakeEncoder(DIMS)), index=index, cache=cache)
        quantize(made, (one, two, three))
        assert made.found == {"index": 1, "cache": 1, "encoder": 1}


def test_a_static_vector_is_wanted_and_a_contextual_one_that_is_cached_is_taken(tmp_path: Path) -> None:
    one, two = chunks("one", "two")
    with EmbeddingCache(tmp_path, encoder_digest="0" * 32, dims=DIMS, max_bytes=1_000_000) as cache:
        vectorizer(Loader(FakeEncoder(DIMS)), cache=cache).embed((one,))
        clock, silence = StageClock(Silence()), Silence()
        static = FromEncoder(
            Loader(FakeEncoder(DIMS)), Tier.STATIC, cache=None, token_budget=2048, clock=clock, progress=silence
        )
        made = Vectorizer((FromCache(cache, clock), static), tier=Tier.STATIC, clock=clock, progress=silence)
        told: list[Tier] = []
        batch = quantize(made, (one, two), lambda tier, *_: told.append(tier))
        assert batch.tiers == (Tier.CONTEXTUAL, Tier.STATIC)
        assert told == [Tier.STATIC, Tier.CONTEXTUAL]
        assert cache.get_many([two.text_hash]) == {}


def test_no_encoder_is_loaded_for_what_is_known() -> None:
    (one,) = chunks("one")
    loader = Loader(FakeEncoder(DIMS))
    index = IndexedVectors({one.text_hash: StoredVector(np.ones(DIMS, np.int8), 1.0, Tier.CONTEXTUAL)})
    made = vectorizer(loader, index=index)
    assert quantize(made, ()).vectors.shape == (0, DIMS)
    quantize(made, (one,))
    assert loader.asked == []
    assert made.found["encoder"] == 0


def test_passages_are_what_is_encoded() -> None:
    full = vectorizer(Loader(FakeEncoder(DIMS))).full_precision(chunks("one"))
    np.testing.assert_array_equal(next(iter(full.values())), FakeEncoder(DIMS).encode(["one"], role="passage")[0])


def test_a_listener_is_told_each_new_text_once_with_what_became_of_it() -> None:
    (one, two, again) = chunks("one", "two", "two")
    index = IndexedVectors({one.text_hash: StoredVector(np.ones(DIMS, np.int8), 1.0, Tier.CONTEXTUAL)})
    told: list[tuple[list[bytes], NDArray[np.int8]]] = []
    quantize(
        vectorizer(Loader(FakeEncoder(DIMS)), index=index),
        (one, two, again),
        lambda _, hashes, __, reduced, ___: told.append((list(hashes), reduced)),
    )
    ((hashes, reduced),) = told
    assert hashes == [two.text_hash]
    np.testing.assert_array_equal(reduced, expected(["two"]))


def test_vectors_of_a_sample_are_not_made_again() -> None:
    encoder, progress = FakeEncoder(DIMS), Counting()
    made = vectorizer(Loader(encoder), progress=progress)
    made.full_precision(chunks("one", "two"))
    assert progress.told == 2
    quantize(made, chunks("one", "two", "three"))
    assert sorted(encoder.encoded) == ["one", "three", "two"]
    assert made.found["encoder"] == 3
    assert progress.told == 3


def test_the_cache_serves_another_build_with_the_same_vectors(tmp_path: Path) -> None:
    found = []
    for expected_texts in (["one", "two"], []):
        encoder = FakeEncoder(DIMS)
        with EmbeddingCache(tmp_path, encoder_digest="0" * 32, dims=DIMS, max_bytes=1_000_000) as cache:
            found.append(quantize(vectorizer(Loader(encoder), cache=cache), chunks("one", "two")))
        assert sorted(encoder.encoded) == expected_texts
    np.testing.assert_array_equal(found[0].vectors, found[1].vectors)


def test_a_build_that_stops_while_encoding_keeps_what_it_had_encoded(tmp_path: Path) -> None:
    class Stops(FakeEncoder):
        def encode_prepared(self, prepared: object, rows: NDArray[np.int64]) -> NDArray[np.float32]:
            if len(self.encoded) >= 2 * CACHED_TEXTS:
                raise KeyboardInterrupt
            return super().encode_prepared(prepared, rows)  # type: ignore[arg-type]

    texts = [f"text {number:04}" for number in range(3 * CACHED_TEXTS)]
    with (
        EmbeddingCache(tmp_path, encoder_digest="0" * 32, dims=DIMS, max_bytes=10_000_000) as cache,
        pytest.raises(KeyboardInterrupt),
    ):
        vectorizer(Loader(Stops(DIMS)), cache=cache, token_budget=256).full_precision(chunks(*texts))
    encoder = FakeEncoder(DIMS)
    with EmbeddingCache(tmp_path, encoder_digest="0" * 32, dims=DIMS, max_bytes=10_000_000) as cache:
        vectorizer(Loader(encoder), cache=cache).full_precision(chunks(*texts))
    assert len(encoder.encoded) <= 2 * CACHED_TEXTS


def test_queries_and_passages_of_one_text_differ() -> None:
    encoder = FakeEncoder(DIMS)
    assert not np.array_equal(encoder.encode(["one"], role="query"), encoder.encode(["one"], role="passage"))
