"""Static int8 quantisation of the encoder: SmoothQuant, weights by a scale a column, activations by fixed scales.

SmoothQuant (Xiao et al., 2023, arXiv 2211.10438): dividing a product's input by s and multiplying its weight's rows
by s changes nothing in real numbers and moves outliers from the activations to the weights;
s = max|x| ** alpha / max|w| ** (1 - alpha) a channel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .calibration import Statistics
from .rounding import (
    column_scales,
    round_compensated,
    round_nearest,
    round_rows,
    round_up_significant,
)
from .weights import Float, Layer, Linear, Norm, Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to quantise; the defaults are what is shipped, and benchmarks/encoder_variants.md says why.

    x86 without VNNI adds two products of a uint8 and a weight in int16 and saturates (vpmaddubsw), which would make
    vectors depend on the machine. `limit_pairs` keeps all 8 bits and bounds the two weights of such a sum together;
    `weight_bits` 7 would bound each. `alpha` is SmoothQuant's; `smooth_down` says whether the product after the GELU is
    smoothed as well. `compensate` rounds with GPTQ instead of to nearest.
    """

    weight_bits: int = 8
    limit_pairs: bool = True
    alpha: float = 0.75
    smooth_down: bool = True
    compensate: bool = True


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


def quantize(weights: Weights, statistics: list[Statistics], recipe: Recipe) -> QuantizedWeights:
    """Quantise all but norms, biases and positions; `statistics` holds four entries a layer, in graph order."""
    words, words_scale = round_rows(weights.words)
    layers = tuple(
        _quantize_layer(layer, statistics[4 * index : 4 * index + 4], recipe)
        for index, layer in enumerate(weights.layers)
    )
    return QuantizedWeights(words, words_scale, weights.positions, weights.embedding_norm, layers)


def _quantize_layer(layer: Layer, statistics: list[Statistics], recipe: Recipe) -> QuantizedLayer:
    before_qkv, context, before_up, gelu = statistics
    # The context's factors cost nothing: the value columns that make it take the division.
    folded = smoothing_factors(context, layer.output.weight, recipe.alpha)
    output = Linear(layer.output.weight * folded[:, None], layer.output.bias)
    return QuantizedLayer(
        qkv=_smoothed(_divide_values(layer.qkv, folded), before_qkv, recipe),
        output=_quantize_linear(output, context.divided_by(folded), recipe, None),
        attention_norm=layer.attention_norm,
        up=_smoothed(layer.up, before_up, recipe),
        down=_smoothed(layer.down, gelu, recipe)
        if recipe.smooth_down
        else _quantize_linear(layer.down, gelu, recipe, None),
        output_norm=layer.output_norm,
    )


def _divide_values(qkv: Linear, factors: Float) -> Linear:
    hidden = factors.size
    weight, bias = qkv.weight.copy(), qkv.bias.copy()
    weight[:, 2 * hidden :] /= factors
    bias[2 * hidden :] /= factors
    return Linear(weight, bias)


def _smoothed(linear: Linear, statistics: Statistics, recipe: Recipe) -> QuantizedLinear:
    factors = smoothing_factors(statistics, linear.weight, recipe.alpha)
    scaled = Linear(linear.weight * factors[:, None], linear.bias)
    return _quantize_linear(scaled, statistics.divided_by(factors), recipe, factors)


def _quantize_linear(
    linear: Linear, statistics: Statistics, recipe: Recipe, smoothing: Float | None
) -> QuantizedLinear:
    low, high = min(float(statistics.low.min()), 0.0), max(float(statistics.high.max()), 0.0)
    input_scale = round_up_significant((high - low) / 255)
    input_zero = min(max(round(-low / input_scale), 0), 255)
    scales = column_scales(
        linear.weight, recipe.weight_bits, np.diag(statistics.moment), limit_pairs=recipe.limit_pairs
    )
    if recipe.compensate:
        # Rounding the inputs adds noise of variance scale^2 / 12 to each channel: the moment that the product meets.
        levels = round_compensated(
            linear.weight,
            scales,
            recipe.weight_bits,
            statistics.moment,
            damping=input_scale**2 / 12,
            limit_pairs=recipe.limit_pairs,
        )
    else:
        levels = round_nearest(linear.weight, scales, recipe.weight_bits, limit_pairs=recipe.limit_pairs)
    # The mean of what rounding still loses is known, so the bias gives it back; in 4096ths, so that reruns agree.
    lost = statistics.mean @ (linear.weight - levels * scales)
    bias = linear.bias + np.round(lost * 4096) / np.float32(4096)
    return QuantizedLinear(levels, scales, bias.astype(np.float32), input_scale, input_zero, smoothing)


def smoothing_factors(statistics: Statistics, weight: Float, alpha: float) -> Float:
    """Return SmoothQuant's factor a channel, rounded to an eighth of an octave so that reruns agree."""
    inputs = np.maximum(np.maximum(np.abs(statistics.low), np.abs(statistics.high)), 1e-5)
    outputs = np.maximum(np.abs(weight).max(axis=1), 1e-5)
    factors = inputs.astype(np.float64) ** alpha / outputs.astype(np.float64) ** (1 - alpha)
    factors /= np.exp(np.mean(np.log(factors)))
    return np.asarray(np.exp2(np.round(np.log2(factors) * 8) / 8), dtype=np.float32)
