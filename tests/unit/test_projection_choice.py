"""Which projection a build uses, without a parser or a model."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from indexer.config import Config
from indexer.encoders.registry import find_encoder
from indexer.stages.reduce import BUNDLED, FITTED, UNREDUCED, fit
from indexer.types import Tier
from pipelines.progress import Silence, StageClock
from pipelines.quality.projection import choose_projection
from pipelines.vectors import Vectorizer
from tests.fakes import MemorySource, generation_of


def config_of(mode: str, *, encoder: str = "minilm", dims: int = 8) -> Config:
    return msgspec.convert({"projection": {"mode": mode, "dims": dims}, "encoder": {"name": encoder}}, Config)


@pytest.fixture
def vectorizer() -> Vectorizer:
    return Vectorizer((), tier=Tier.CONTEXTUAL, clock=StageClock(Silence()), progress=Silence())


def test_the_bundled_basis_is_cut_to_the_dims_asked_for(vectorizer: Vectorizer) -> None:
    config = config_of("bundled", dims=32)
    chosen = choose_projection(MemorySource(), (), config, None, vectorizer)
    basis = find_encoder(config.encoder).basis()
    assert basis is not None
    assert (chosen.mode, chosen.dims) == (BUNDLED, 32)
    np.testing.assert_array_equal(chosen.matrix, basis[:, :32])


def test_none_keeps_all_dimensions(vectorizer: Vectorizer) -> None:
    chosen = choose_projection(MemorySource(), (), config_of("none"), None, vectorizer)
    assert (chosen.mode, chosen.dims) == (UNREDUCED, 384)


@pytest.mark.parametrize(("mode", "encoder"), [("fit", "minilm"), ("bundled", "hashing"), ("fit", "hashing")])
def test_an_increment_keeps_the_fitted_basis_of_its_index(
    tmp_path: Path, vectorizer: Vectorizer, mode: str, encoder: str
) -> None:
    width = find_encoder(config_of(mode, encoder=encoder).encoder).identity.dims
    rows = np.random.default_rng(0).standard_normal((200, width)).astype(np.float32)
    made = fit(rows, dims=8, centered=True)
    base = generation_of(tmp_path, {}, projection=(made.matrix, made.mean))
    chosen = choose_projection(MemorySource(), (), config_of(mode, encoder=encoder), base, vectorizer)
    assert chosen.mode == FITTED
    assert chosen.digest == made.digest


def test_an_increment_of_an_index_that_kept_all_dimensions_keeps_them(tmp_path: Path, vectorizer: Vectorizer) -> None:
    base = generation_of(tmp_path, {})
    chosen = choose_projection(MemorySource(), (), config_of("fit", encoder="hashing"), base, vectorizer)
    assert (chosen.mode, chosen.dims) == (UNREDUCED, 256)


def test_the_bundled_basis_stands_over_what_the_index_has(tmp_path: Path, vectorizer: Vectorizer) -> None:
    matrix, mean = np.eye(384, 8, dtype=np.float32), np.zeros(384, np.float32)
    base = generation_of(tmp_path, {}, projection=(matrix, mean))
    assert choose_projection(MemorySource(), (), config_of("bundled"), base, vectorizer).mode == BUNDLED


def test_too_little_to_fit_on_keeps_all_dimensions(vectorizer: Vectorizer) -> None:
    chosen = choose_projection(MemorySource(), (), config_of("fit", encoder="hashing"), None, vectorizer)
    assert (chosen.mode, chosen.dims) == (UNREDUCED, 256)
