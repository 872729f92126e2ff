"""Real numbers to small integers: scales, rounding to nearest, and rounding that compensates its own errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .weights import Float

SCALE_RATIOS = (*(0.7 + 0.05 * step for step in range(6)), *(1.0 + 0.1 * step for step in range(11)))
"""Multiples of a column's largest weight that are tried as the end of its scale.

Below 1 the largest weights are clipped, for smaller steps; above 1 fewer sums of two weights pass PAIR_LIMIT."""

PAIR_LIMIT = 32767 // 255
"""The largest sum of two weights of one sign that two uint8 inputs can't carry past int16: 128."""

Wide = NDArray[np.float64]


def integer_range(bits: int) -> tuple[int, int]:
    """Return the smallest and largest signed integer of so many bits."""
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def column_scales(weight: Float, bits: int, importance: Wide, *, limit_pairs: bool) -> Float:
    """Return float32[out], a scale a column, that minimises the squared error weighted by importance, float64[in]."""
    low, high = integer_range(bits)
    largest = np.maximum(np.abs(weight).max(axis=0), 1e-8)
    best_scale = np.asarray(largest / high, dtype=np.float32)
    best_error = np.full(weight.shape[1], np.inf)
    for ratio in SCALE_RATIOS:
        scale = np.asarray(largest * np.float32(ratio) / high, dtype=np.float32)
        levels = np.clip(np.round(weight / scale), low, high)
        rounded = (_limit_pairs(levels) if limit_pairs else levels) * scale
        error = importance @ np.square(weight - rounded).astype(np.float64)
        better = error < best_error
        best_scale, best_error = np.where(better, scale, best_scale), np.where(better, error, best_error)
    return best_scale


def round_nearest(weight: Float, scales: Float, bits: int, *, limit_pairs: bool) -> NDArray[np.int8]:
    """Return int8[in, out], every weight to its nearest level, then within PAIR_LIMIT if asked."""
    low, high = integer_range(bits)
    levels = np.clip(np.round(weight / scales), low, high)
    return np.asarray(_limit_pairs(levels) if limit_pairs else levels, dtype=np.int8)


def _limit_pairs(levels: Float) -> Float:
    """Bring rows 2i and 2i + 1 within PAIR_LIMIT, where both have one sign, at equal cost to both."""
    pairs = levels.reshape(-1, 2, levels.shape[1])
    limited = pairs.copy()
    for sign in (np.float32(1), np.float32(-1)):
        sizes = np.maximum(sign * pairs, 0)
        excess = np.ceil(np.maximum(sizes.sum(axis=1, keepdims=True) - PAIR_LIMIT, 0) / 2)
        limited -= sign * np.minimum(sizes, excess)
    return limited.reshape(levels.shape)


def round_compensated(weight: Float, scales: Float, bits: int, moment: Wide, *, limit_pairs: bool) -> NDArray[np.int8]:
    """Return int8[in, out], rounded row by row, each row's error made up for by the rows still to come.

    This is GPTQ (Frantar et al., 2023, arXiv 2210.17323): the inputs' second moment, float64[in, in], says which rows
    can stand in for which; rows with the largest moment go first. `limit_pairs` keeps the sums that x86 without VNNI
    forms of two neighbouring rows (vpmaddubsw) within int16, where they saturate.
    """
    low, high = integer_range(bits)
    order = np.argsort(-np.diag(moment), kind="stable")
    remaining = weight.astype(np.float64)[order]
    spread = np.linalg.cholesky(np.linalg.inv(moment[np.ix_(order, order)])).T
    result = np.zeros(weight.shape, dtype=np.int8)
    for row, place in enumerate(order):
        levels = np.clip(np.round(remaining[row] / scales), low, high)
        if limit_pairs:
            # The neighbour that shares a sum with this row; zeros when its turn is still to come.
            neighbour = result[place ^ 1].astype(np.float64)
            levels = np.clip(levels, -PAIR_LIMIT - np.minimum(neighbour, 0), PAIR_LIMIT - np.maximum(neighbour, 0))
        result[place] = levels
        error = (remaining[row] - levels * scales) / spread[row, row]
        remaining[row + 1 :] -= np.outer(spread[row, row + 1 :], error)
    return result


def round_rows(values: Float) -> tuple[NDArray[np.int8], Float]:
    """Return int8[n, d] and float32[n, 1], each row scaled by its own maximum."""
    scales = np.maximum(np.abs(values).max(axis=1, keepdims=True), 1e-8) / np.float32(127)
    return np.round(values / scales).astype(np.int8), scales.astype(np.float32)


def round_up_significant(value: float, digits: int = 3) -> float:
    """Round up to a few significant digits, so that a last bit of difference in calibration changes nothing."""
    unit = 10.0 ** (np.floor(np.log10(value)) - digits + 1)
    return float(np.ceil(value / unit - 1e-6) * unit)
