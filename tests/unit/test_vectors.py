"""Each distinct text is encoded once, and not at all where the index or the cache has its vector."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.stages.reduce import identity_projection, reduce
from indexer.stores.caches.embeddings import EmbeddingCache
from indexer.types import Chunk, Encoder, Tier
from pipelines.progress import Silence, StageClock
from pipelines.vectors import CACHED_TEXTS, Vectorizer
from tests.fakes import FakeEncoder, IndexedVectors
from tests.synthetic import chunks_of

DIMS = 16
PROJECTION = identity_projection(DIMS)
EMPTY = IndexedVectors(DIMS)


class Loader:
    """Gives the encoder, and notes for how many texts it was wanted."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.asked: list[int] = []

    def __call__(self, texts: int) -> Encoder:
        self.asked.append(texts)
        return self.encoder


def vectorizer(loader: Loader, *, cache: EmbeddingCache | None = None, token_budget: int = 2048) -> Vectorizer:
    clock = StageClock(Silence())
    return Vectorizer(
        loader, cache=cache, token_budget=token_budget, tier=Tier.CONTEXTUAL, clock=clock, progress=Silence()
    )


def chunks(*texts: str) -> tuple[Chunk, ...]:
    return chunks_of("a.py", texts)


def expected(texts: Sequence[str]) -> NDArray[np.int8]:
    return reduce(FakeEncoder(DIMS).encode(texts), PROJECTION)[0]


def test_equal_texts_are_encoded_once_and_each_chunk_has_its_vector() -> None:
    encoder = FakeEncoder(DIMS)
    made = vectorizer(Loader(encoder))
    batch = made.quantize(chunks("one", "two", "one", "three"), EMPTY, PROJECTION)
    assert sorted(encoder.encoded) == ["one", "three", "two"]
    assert made.embedded == 3
    np.testing.assert_array_equal(batch.vectors, expected(["one", "two", "one", "three"]))
    assert [chunk.text for chunk in batch.chunks] == ["one", "two", "one", "three"]


def test_what_the_index_holds_is_taken_as_it_is() -> None:
    (one, two) = chunks("one", "two")
    held = np.full(DIMS, 7, np.int8)
    encoder = FakeEncoder(DIMS)
    batch = vectorizer(Loader(encoder)).quantize(
        (two, one), IndexedVectors(DIMS, {one.text_hash: (held, 0.5, Tier.STATIC)}), PROJECTION
    )
    assert encoder.encoded == ["two"]
    np.testing.assert_array_equal(batch.vectors, np.stack([expected(["two"])[0], held]))
    assert batch.scales[1] == 0.5
    assert batch.tiers == (Tier.CONTEXTUAL, Tier.STATIC)


def test_no_encoder_is_loaded_for_what_is_known() -> None:
    (one,) = chunks("one")
    loader = Loader(FakeEncoder(DIMS))
    made = vectorizer(loader)
    made.quantize((), EMPTY, PROJECTION)
    made.quantize(
        (one,), IndexedVectors(DIMS, {one.text_hash: (np.ones(DIMS, np.int8), 1.0, Tier.CONTEXTUAL)}), PROJECTION
    )
    assert loader.asked == []
    assert made.embedded == 0


def test_passages_are_what_is_encoded() -> None:
    full = vectorizer(Loader(FakeEncoder(DIMS))).full_precision(chunks("one"))
    np.testing.assert_array_equal(next(iter(full.values())), FakeEncoder(DIMS).encode(["one"], role="passage")[0])


def test_the_observer_sees_each_new_text_once_with_what_became_of_it() -> None:
    (one, two, again) = chunks("one", "two", "two")
    index = IndexedVectors(DIMS, {one.text_hash: (np.ones(DIMS, np.int8), 1.0, Tier.CONTEXTUAL)})
    seen: list[tuple[list[bytes], NDArray[np.int8]]] = []
    vectorizer(Loader(FakeEncoder(DIMS))).quantize(
        (one, two, again),
        index,
        PROJECTION,
        observe=lambda hashes, _, reduced, __: seen.append((list(hashes), reduced)),
    )
    ((hashes, reduced),) = seen
    assert hashes == [two.text_hash]
    np.testing.assert_array_equal(reduced, expected(["two"]))


def test_vectors_that_are_kept_are_not_made_again() -> None:
    encoder = FakeEncoder(DIMS)
    made = vectorizer(Loader(encoder))
    made.full_precision(chunks("one", "two"), keep=True)
    made.quantize(chunks("one", "two", "three"), EMPTY, PROJECTION)
    assert sorted(encoder.encoded) == ["one", "three", "two"]
    assert made.embedded == 3


def test_the_cache_serves_another_build_with_the_same_vectors(tmp_path: Path) -> None:
    found = []
    for expected_texts in (["one", "two"], []):
        encoder = FakeEncoder(DIMS)
        with EmbeddingCache(tmp_path, encoder_digest="0" * 32, dims=DIMS, max_bytes=1_000_000) as cache:
            found.append(vectorizer(Loader(encoder), cache=cache).quantize(chunks("one", "two"), EMPTY, PROJECTION))
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
