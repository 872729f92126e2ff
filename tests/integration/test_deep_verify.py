"""A sample of the vectors of each tier is embedded again: rounding is counted, and another vector is a finding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.config import Config, EncoderOptions
from indexer.encoders.registry import find_static
from indexer.errors import ModelError
from indexer.search.encoding import load_encoder, load_projection, load_static
from indexer.stores.generation.reader import open_generation
from indexer.stores.generation.staging import begin
from indexer.types import Encoder, EncoderIdentity, PreparedTexts, QuantizedBatch, Role, Tier
from pipelines.build import build
from pipelines.check.findings import FindingKind
from pipelines.check.verify import verify
from tests.integration.upgraded import FAST, Stopped, write_tree


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("verified") / "tree")


def test_a_sample_of_each_tier_is_embedded_again(root: Path, tmp_path: Path) -> None:
    config = msgspec.convert({"build": {"commit_seconds": 0}, "encoder": {"window_chunks": 8}}, Config)
    with pytest.raises(KeyboardInterrupt):
        build(root, config=config, index_dir=tmp_path / "index", progress=Stopped(8))
    with open_generation(tmp_path / "index") as generation:
        options = config.encoder
        projection = load_projection(generation, options)
        own, static = load_encoder(generation, options), load_static(generation, options)
        counts = generation.manifest.tiers
    for encoder, tier in ((own, Tier.CONTEXTUAL), (static, Tier.STATIC)):
        report = verify(tmp_path / "index", deep=[(encoder, projection)])
        assert (report.ok, report.reembedded, report.rounded) == (True, counts[tier], 0)
    assert verify(tmp_path / "index", deep=[(own, projection), (static, projection)]).reembedded == sum(counts.values())


class Noisy:
    """An encoder whose vectors are another one's, a little off."""

    def __init__(self, encoder: Encoder, noise: float) -> None:
        self._encoder, self._noise, self.identity = encoder, noise, encoder.identity

    def prepare(self, texts: Sequence[str], *, role: Role = "passage") -> PreparedTexts:
        return self._encoder.prepare(texts, role=role)

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        vectors = self._encoder.encode_prepared(prepared, rows)
        noise = np.random.default_rng(0).standard_normal(vectors.shape, np.float32)
        vectors += self._noise * noise / np.linalg.norm(noise, axis=1, keepdims=True)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def encode(self, texts: Sequence[str], *, role: Role = "passage") -> NDArray[np.float32]:
        return self.encode_prepared(self.prepare(texts, role=role), np.arange(len(texts)))


def test_other_rounding_of_a_vector_is_counted_and_another_vector_is_a_finding(root: Path, tmp_path: Path) -> None:
    build(root, config=FAST, index_dir=tmp_path / "index")
    with open_generation(tmp_path / "index") as generation:
        projection = load_projection(generation, EncoderOptions())
        static = load_static(generation, EncoderOptions())
        chunks = generation.manifest.counts.chunks
    rounded = verify(tmp_path / "index", deep=[(Noisy(static, 0.06), projection)])
    assert (rounded.ok, rounded.reembedded, rounded.rounded) == (True, chunks, chunks)
    other = verify(tmp_path / "index", deep=[(Noisy(static, 0.5), projection)])
    # Of chunks, and of files' centroids.
    assert [own.kind for own in other.findings] == [FindingKind.VECTOR] * 2 and other.rounded == 0


def test_static_vectors_of_another_encoder_are_found_and_are_not_searched_with(root: Path, tmp_path: Path) -> None:
    build(root, config=FAST, index_dir=tmp_path / "index")
    with begin(tmp_path / "index") as staging:
        assert staging.base is not None
        made = staging.base.manifest
        staging.touch_file(next(iter(staging.base.catalog.records().values())))
        staging.commit(
            encoder=EncoderIdentity(made.encoder.name, made.encoder.digest, made.encoder.dims, made.encoder.max_tokens),
            projection=made.projection,
            made_with={**made.made_with, "static": "0" * 32},
            source=made.source,
        )
    with open_generation(tmp_path / "index") as generation:
        static = find_static(EncoderOptions())
        assert static is not None
        encoder, projection = static.load(threads=1, light=True), load_projection(generation, EncoderOptions())
        with pytest.raises(ModelError, match="of another encoder; build it again"):
            load_static(generation, EncoderOptions())
    (finding,) = verify(tmp_path / "index", deep=[(encoder, projection)]).findings
    assert finding.kind is FindingKind.MODEL
    assert build(root, config=FAST, index_dir=tmp_path / "index").rebuilt == "the static encoder changed"


@pytest.mark.parametrize("config", [FAST, Config()], ids=["fast", "complete"])
def test_a_centroid_that_is_not_the_chunks_is_a_finding(root: Path, tmp_path: Path, config: Config) -> None:
    build(root, config=config, index_dir=tmp_path / "index")
    with begin(tmp_path / "index") as staging:
        assert staging.base is not None
        made = staging.base.manifest
        (path, record), *_ = staging.catalog.records().items()
        ids = staging.catalog.chunk_ids_of(path)
        chunks = tuple(own.to_chunk() for own in staging.base.text.documents(ids).values())
        known = staging.known_vectors([chunk.text_hash for chunk in chunks], Tier.STATIC)
        held = [known[chunk.text_hash] for chunk in chunks]
        staging.put_file(record, centroid=bytes([1, *[0] * (made.projection.dims - 1)]))
        staging.put_chunks(
            QuantizedBatch(
                chunks,
                np.stack([own.vector for own in held]),
                np.array([own.scale for own in held], np.float32),
                tuple(own.tier for own in held),
            )
        )
        staging.commit(
            encoder=EncoderIdentity(made.encoder.name, made.encoder.digest, made.encoder.dims, made.encoder.max_tokens),
            projection=made.projection,
            made_with=made.made_with,
            source=made.source,
        )
    with open_generation(tmp_path / "index") as generation:
        spaces = [
            (load(generation, EncoderOptions()), load_projection(generation, EncoderOptions()))
            for load in (load_encoder, load_static)
        ]
    assert verify(tmp_path / "index").ok
    (finding,) = verify(tmp_path / "index", deep=spaces).findings
    assert finding.kind is FindingKind.VECTOR
    assert "1 of" in finding.message and "centroid" in finding.message
