"""Copies of channels that reach far: what one uint8 can't carry two do, and the wider product is the one that was."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from pipelines.export.activations import Activation, plain, with_copies
from pipelines.export.calibration import Ranges
from pipelines.export.weights import Float, Linear

RANDOM = np.random.default_rng(3)
UP = Linear(RANDOM.standard_normal((16, 32)).astype(np.float32), RANDOM.standard_normal(32).astype(np.float32))
UP.weight[:, [5, 20]] *= 8
DOWN = RANDOM.standard_normal((32, 16)).astype(np.float32)


def gelu(values: Float) -> Float:
    return np.asarray(values * ndtr(values), dtype=np.float32)


def product(values: Float, linear: Linear) -> Float:
    return values @ linear.weight + linear.bias


@pytest.fixture
def inner() -> Float:
    """What the GELU gives for a thousand tokens."""
    return gelu(product(RANDOM.standard_normal((1000, 16)).astype(np.float32), UP))


def ranges_of(values: Float) -> Ranges:
    return Ranges(values.min(axis=0), values.max(axis=0))


def loss(activation: Activation, inner: Float) -> float:
    """Return the mean squared error of the product with what is met."""
    return float(np.square(activation.met(inner) @ activation.rows(DOWN) - inner @ DOWN).mean())


@pytest.mark.parametrize("count", [1, 8, 16])
def test_there_are_as_many_copies_as_asked_for_of_what_reaches_furthest(inner: Float, count: int) -> None:
    made = with_copies(ranges_of(inner), count)
    assert len(made.copies) == count
    far = inner.max(axis=0)
    assert {copy.channel for copy in made.copies} <= set(np.argsort(-far)[:count].tolist())
    carried = 1 + np.bincount([copy.channel for copy in made.copies], minlength=32)
    assert (carried * 255 * made.scale >= far).all()


def test_copies_lose_less_than_one_scale_for_all_does(inner: Float) -> None:
    one = loss(plain(ranges_of(inner)), inner)
    assert loss(with_copies(ranges_of(inner), 16), inner) < one / 4


def test_the_wider_product_before_the_gelu_gives_what_is_met(inner: Float) -> None:
    made = with_copies(ranges_of(inner), 16)
    given = RANDOM.standard_normal((50, 16)).astype(np.float32)
    wide = gelu(product(given, made.columns(UP)))
    levels = np.clip(np.round(wide / np.float32(made.scale)) + made.zero, 0, 255)
    met = made.met(gelu(product(given, UP)))
    # The input of a copy is taken from the GELU's output, which is smaller by little where it matters.
    np.testing.assert_allclose(met, (levels - made.zero) * made.scale, atol=1.01 * made.scale)
