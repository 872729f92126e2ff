"""Static int8 quantisation of the encoder: weights by a scale a column, activations by fixed scales.

`activations.py` says how activations become uint8. Weights are fitted to what that leaves of them: the least squares
solution for the float32 product's output, from the rounded input, rounded with GPTQ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .activations import Activation, plain, smoothed, with_copies
from .calibration import Moments, Ranges
from .rounding import column_scales, round_compensated, round_nearest, round_rows
from .weights import Float, Layer, Linear, Norm, Weights

PRODUCTS = ("qkv", "output", "up", "down")
"""Of a layer, in the graph's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to quantise; the defaults are what is shipped, and benchmarks/encoder_variants.md says why.

    x86 without VNNI adds two products of a uint8 and a weight in int16 and saturates (vpmaddubsw), which would make
    vectors depend on the machine. `limit_pairs` keeps all 8 bits and bounds the two weights of such a sum together;
    `weight_bits` 7 would bound each. `alpha` is SmoothQuant's, `smoothed` names the products that have its factors
    (those of attention's output are free, folded into the values). `copies` is how many the GELU's channels have, if
    *down* is not smoothed; sixteen keep rows aligned. `fit` fits weights to the rounded input and rounds with GPTQ,
    instead of to nearest.
    """

    weight_bits: int = 8
    limit_pairs: bool = True
    alpha: float = 0.75
    smoothed: frozenset[str] = frozenset({"qkv", "output", "up"})
    copies: int = 16
    fit: bool = True


@dataclass(frozen=True, slots=True)
class QuantizedLinear:
    """y = (q(x / smoothing) - input_zero) * input_scale @ weight * weight_scale + bias.

    weight int8[in, out], weight_scale float32[out], bias float32[out], smoothing float32[in] or None.
    """

    weight: NDArray[np.int8]
    weight_scale: Float
    bias: Float
    input_scale: float
    input_zero: int
    smoothing: Float | None

    def split(self, parts: int) -> list[QuantizedLinear]:
        """Return so many products of the same input, which side by side are this one."""
        columns = zip(
            *(np.split(own, parts, axis=-1) for own in (self.weight, self.weight_scale, self.bias)), strict=True
        )
        return [replace(self, weight=weight, weight_scale=scale, bias=bias) for weight, scale, bias in columns]


@dataclass(frozen=True, slots=True)
class QuantizedLayer:
    """One transformer layer with its four products quantised."""

    qkv: QuantizedLinear
    output: QuantizedLinear
    attention_norm: Norm
    up: QuantizedLinear
    down: QuantizedLinear
    output_norm: Norm


@dataclass(frozen=True, slots=True)
class QuantizedWeights:
    """The encoder quantised: `words` int8[vocabulary, hidden], `words_scale` float32[vocabulary, 1]."""

    words: NDArray[np.int8]
    words_scale: Float
    positions: Float
    embedding_norm: Norm
    layers: tuple[QuantizedLayer, ...]


def plan(weights: Weights, ranges: list[Ranges], recipe: Recipe) -> list[Activation]:
    """Return how each product's input becomes uint8: four a layer, as `ranges`, in the graph's order."""
    layers = [(layer, ranges[4 * index : 4 * index + 4]) for index, layer in enumerate(weights.layers)]
    return [
        _activation(layer, product, own, recipe)
        for layer, four in layers
        for product, own in zip(PRODUCTS, four, strict=True)
    ]


def _activation(layer: Layer, product: str, ranges: Ranges, recipe: Recipe) -> Activation:
    if product in recipe.smoothed:
        return smoothed(ranges, getattr(layer, product).weight, recipe.alpha)
    if product == "down" and recipe.copies:
        return with_copies(ranges, recipe.copies)
    return plain(ranges)


def quantize(
    weights: Weights, activations: list[Activation], moments: list[Moments], recipe: Recipe
) -> QuantizedWeights:
    """Quantise all but norms, biases and positions; `activations` are those of `plan`, `moments` of what they give."""
    words, words_scale = round_rows(weights.words)
    layers = tuple(
        _quantize_layer(layer, activations[4 * index : 4 * index + 4], moments[4 * index : 4 * index + 4], recipe)
        for index, layer in enumerate(weights.layers)
    )
    return QuantizedWeights(words, words_scale, weights.positions, weights.embedding_norm, layers)


def _quantize_layer(
    layer: Layer, activations: list[Activation], moments: list[Moments], recipe: Recipe
) -> QuantizedLayer:
    _, context, _, gelu = activations
    # The context's factors cost nothing: the value columns that make it take the division.
    qkv = layer.qkv if context.factors is None else _divide_values(layer.qkv, context.factors)
    up = gelu.columns(layer.up)
    linears = (qkv, layer.output, up, layer.down)
    made = [_quantize_linear(*own, recipe) for own in zip(linears, activations, moments, strict=True)]
    return QuantizedLayer(
        qkv=made[0],
        output=replace(made[1], smoothing=None),
        attention_norm=layer.attention_norm,
        up=made[2],
        down=made[3],
        output_norm=layer.output_norm,
    )


def _divide_values(qkv: Linear, factors: Float) -> Linear:
    hidden = factors.size
    weight, bias = qkv.weight.copy(), qkv.bias.copy()
    weight[:, 2 * hidden :] /= factors
    bias[2 * hidden :] /= factors
    return Linear(weight, bias)


def _quantize_linear(linear: Linear, activation: Activation, moments: Moments, recipe: Recipe) -> QuantizedLinear:
    bits, limit_pairs = recipe.weight_bits, recipe.limit_pairs
    weight = activation.rows(linear.weight)
    importance = np.diag(moments.met)
    if recipe.fit:
        # As much as rounding the inputs adds to each channel's variance; it keeps the fit near the weights.
        damping = activation.scale**2 / 12
        damped = moments.met + damping * np.eye(len(weight))
        fitted = np.linalg.solve(damped, moments.shared @ linear.weight + damping * weight)
        weight = fitted.astype(np.float32)
        scales = column_scales(weight, bits, importance, limit_pairs=limit_pairs)
        levels = round_compensated(weight, scales, bits, damped, limit_pairs=limit_pairs)
    else:
        scales = column_scales(weight, bits, importance, limit_pairs=limit_pairs)
        levels = round_nearest(weight, scales, bits, limit_pairs=limit_pairs)
    # The mean of what is lost is known, so the bias gives it back; in 4096ths, so that reruns agree.
    lost = moments.mean @ linear.weight - moments.met_mean @ (levels * scales)
    bias = linear.bias + np.round(lost * 4096) / 4096
    return QuantizedLinear(
        levels, scales, bias.astype(np.float32), activation.scale, activation.zero, activation.factors
    )
