"""How the input of a matrix product becomes uint8: factors, copies of channels that reach far, scale and zero point.

SmoothQuant (Xiao et al., 2023, arXiv 2211.10438): dividing a product's input by s and multiplying its weight's rows
by s changes nothing in real numbers and moves outliers from the activations to the weights;
s = max|x| ** alpha / max|w| ** (1 - alpha) a channel.

After the GELU, where a channel or two of 1,536 reach several times as far as the others, copies do without the factors
and the operator that they take. For large v the GELU is v, cut at a ceiling c by the uint8's end, which costs nothing;
a copy of the channel with a bias smaller by c carries what is above: gelu(v) is nearly cut(gelu(v)) + cut(gelu(v - c)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from .calibration import Ranges
from .rounding import round_up_significant
from .weights import Float, Linear


@dataclass(frozen=True, slots=True)
class Copy:
    """One more channel of the GELU: that of `channel` with an input smaller by `less`."""

    channel: int
    less: float


@dataclass(frozen=True, slots=True)
class Activation:
    """A product's input in uint8: rounded(copied(x) / factors / scale) + zero; factors float32[channels] or None."""

    scale: float
    zero: int
    factors: Float | None = None
    copies: tuple[Copy, ...] = ()

    def met(self, values: Float) -> Float:
        """Return the numbers, float32[tokens, channels + copies], that are multiplied in place of values / factors."""
        # The values are the GELU's; where they matter to a copy they are its input too.
        copied = [_gelu(values[:, copy.channel] - np.float32(copy.less)) for copy in self.copies]
        wide = np.column_stack([values if self.factors is None else values / self.factors, *copied])
        levels = np.clip(np.round(wide / np.float32(self.scale)) + self.zero, 0, 255)
        return np.asarray((levels - self.zero) * np.float32(self.scale), dtype=np.float32)

    def rows(self, weight: Float) -> Float:
        """Return float32[channels + copies, out], the weight that gives nearly the same product with what is met."""
        rows = weight if self.factors is None else weight * self.factors[:, None]
        return np.vstack([rows, weight[[copy.channel for copy in self.copies]]])

    def columns(self, up: Linear) -> Linear:
        """Return the product before the GELU with a column for each copy."""
        channels = [copy.channel for copy in self.copies]
        less = np.array([copy.less for copy in self.copies], dtype=np.float32)
        return Linear(np.hstack([up.weight, up.weight[:, channels]]), np.append(up.bias, up.bias[channels] - less))


def plain(
    ranges: Ranges, factors: Float | None = None, copies: tuple[Copy, ...] = (), high: float = np.inf
) -> Activation:
    """Return the activation whose 256 levels reach over the ranges, of which values above `high` are cut."""
    ranges = ranges if factors is None else ranges.divided_by(factors)
    low, high = min(float(ranges.low.min()), 0.0), max(min(float(ranges.high.max()), high), 0.0)
    scale = round_up_significant((high - low) / 255)
    return Activation(scale, min(max(round(-low / scale), 0), 255), factors, copies)


def smoothed(ranges: Ranges, weight: Float, alpha: float) -> Activation:
    """Return the activation with SmoothQuant's factors, rounded to an eighth of an octave so that reruns agree."""
    inputs = np.maximum(np.maximum(np.abs(ranges.low), np.abs(ranges.high)), 1e-5)
    outputs = np.maximum(np.abs(weight).max(axis=1), 1e-5)
    factors = inputs.astype(np.float64) ** alpha / outputs.astype(np.float64) ** (1 - alpha)
    factors /= np.exp(np.mean(np.log(factors)))
    return plain(ranges, np.asarray(np.exp2(np.round(np.log2(factors) * 8) / 8), dtype=np.float32))


def with_copies(ranges: Ranges, count: int) -> Activation:
    """Return the activation after the GELU with so many copies, at the lowest ceiling that they make up for."""
    parts = (ranges.high[:, None] / np.arange(1, count + 2)).ravel()
    # A channel has a copy for each time that it passes the ceiling, so `count` of these parts are above it.
    exact = float(np.sort(parts)[-count - 1])
    passed = np.flatnonzero(parts > exact) // (count + 1)
    ceiling = round_up_significant(exact)
    copies = [
        Copy(channel, number * ceiling)
        for channel, often in zip(*(own.tolist() for own in np.unique(passed, return_counts=True)), strict=True)
        for number in range(1, often + 1)
    ]
    return plain(ranges, copies=tuple(copies), high=ceiling)


def _gelu(values: Float) -> Float:
    return np.asarray(values * ndtr(values), dtype=np.float32)
