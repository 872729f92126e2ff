"""A row a token such that weighted sums of rows are the transformer's vectors: ridge regression.

Rows are shrunk toward what the transformer makes of the token, the mean of its states in texts, not toward zero: most
of the vocabulary is seen too seldom for a fit of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from indexer.encoders.wordpiece import SIGNS, WordPieces, words

from ..weights import Float
from .contrast import SHIPPED, Contrast, sharpen
from .teacher import Taught

TEACHER_TOKENS = 254
"""What the transformer reads of a text beside its two special tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the table is fitted; benchmarks/static_encoder.md says what was tried.

    `ridge` weighs the distance of a row to its prior: the mean of the token's states in texts, as if the token alone
    had occurred in `pseudocount` more, times the factor that fits best. `power` is the exponent of a count, `frequency`
    that of the inverse document frequency by which tokens are weighed. `steps` are the solver's. A word that the
    vocabulary cuts has a row of its own when it is in `least` texts.
    """

    ridge: float = 3.0
    pseudocount: float = 2.0
    power: float = 0.5
    frequency: float = 1.0
    steps: int = 25
    least: int = 5
    contrast: Contrast | None = SHIPPED


def whole_words(texts: Iterable[str], pieces: WordPieces, least: int) -> list[str]:
    """Return the words that the vocabulary cuts and that at least so many texts have, sorted."""
    having = Counter(word for text in texts for word in set(words(text)))
    often = (word for word, count in having.items() if count >= least and word[0] not in SIGNS)
    return sorted(word for word in often if len(pieces.cut(word)) > 1)


def count_matrix(texts: Iterable[str], pieces: WordPieces, vocabulary: int) -> sparse.csr_matrix:
    """Return how often each text has each token among its first TEACHER_TOKENS, float32[texts, vocabulary]."""
    columns: list[NDArray[np.int32]] = []
    counts: list[NDArray[np.float32]] = []
    ends = [0]
    for text in texts:
        own = np.array(pieces.tokens(text)[:TEACHER_TOKENS], dtype=np.int32)
        tokens, times = np.unique(own, return_counts=True)
        columns.append(tokens)
        counts.append(times.astype(np.float32))
        ends.append(ends[-1] + len(tokens))
    shape = (len(ends) - 1, vocabulary)
    return sparse.csr_matrix((np.concatenate(counts), np.concatenate(columns), np.array(ends)), shape=shape)


def fit_table(counts: sparse.csr_matrix, targets: Float, prior: Float, recipe: Recipe) -> Float:
    """Return rows, float32[vocabulary, dims], such that a text's sum of count^power x row points where its target does.

    `counts` is [texts, vocabulary], `targets` float32[texts, dims], and `prior` float32[vocabulary, dims] what rows are
    shrunk toward, up to a factor. The ridge regression is followed by the recipe's contrast, if it has one.
    """
    weights = inverse_frequencies(counts) ** np.float32(recipe.frequency)
    matrix = _features(counts, weights, recipe.power)
    expected = matrix @ prior
    factor = np.einsum("ij,ij->", expected, targets) / max(float(np.einsum("ij,ij->", expected, expected)), 1e-30)
    fitted = solve(matrix, targets, np.float32(factor) * prior, ridge=recipe.ridge, steps=recipe.steps)
    if recipe.contrast is not None:
        fitted = sharpen(matrix, fitted, targets, recipe.contrast)
    return np.asarray(weights[:, None] * fitted, dtype=np.float32)


def prior_rows(known: Taught, alone: Float, cuts: Sequence[Sequence[int]], recipe: Recipe) -> Float:
    """Return what rows are shrunk toward, float32[rows, dims]; `cuts` are their tokens, `alone` their vectors alone.

    Of a token it is the mean of its states, a rare one's drawn toward its vector alone; of a whole word it is halfway
    between the sum of its tokens' and its vector alone at that length.
    """
    vocabulary = len(known.states)
    times = known.occurrences[:, None].astype(np.float32)
    states = (times * known.states + recipe.pseudocount * alone[:vocabulary]) / (times + recipe.pseudocount)
    sums = np.array([states[list(cut)].sum(axis=0) for cut in cuts[vocabulary:]], dtype=np.float32).reshape(
        -1, alone.shape[1]
    )
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.concatenate([states, (sums + lengths * alone[vocabulary:]) / 2]).astype(np.float32)


def inverse_frequencies(counts: sparse.csr_matrix) -> Float:
    """Return ln(1 + n / (1 + texts with the token)) of each token, float32[vocabulary] (Sparck Jones 1972)."""
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.asarray(np.log1p(counts.shape[0] / (1 + texts)), dtype=np.float32)


def solve(matrix: sparse.csr_matrix, targets: Float, prior: Float, *, ridge: float, steps: int) -> Float:
    """Return W, float32[vocabulary, dims], that minimises |XW - Y|^2 + ridge |W - prior|^2.

    Hestenes and Stiefel, "Methods of conjugate gradients for solving linear systems" (1952), on the normal equations,
    each column with steps of its own.
    """
    transposed = matrix.T.tocsr()
    change = np.zeros_like(prior)
    residual = transposed @ (targets - matrix @ prior)
    direction = residual.copy()
    power = _squares(residual)
    for _ in range(steps):
        image = transposed @ (matrix @ direction) + np.float32(ridge) * direction
        curvature = np.einsum("ij,ij->j", direction, image, dtype=np.float64)
        step = (power / np.maximum(curvature, 1e-30)).astype(np.float32)
        change += step * direction
        residual -= step * image
        before, power = power, _squares(residual)
        direction = residual + (power / np.maximum(before, 1e-30)).astype(np.float32) * direction
    return np.asarray(prior + change, dtype=np.float32)


def _features(counts: sparse.csr_matrix, weights: Float, power: float) -> sparse.csr_matrix:
    """Return a power of each count times its token's weight, rows of unit length."""
    matrix = counts.copy()
    matrix.data = matrix.data ** np.float32(power) * weights[matrix.indices]
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    matrix.data /= np.maximum(np.repeat(lengths, np.diff(matrix.indptr)), 1e-12).astype(np.float32)
    return matrix


def _squares(matrix: Float) -> NDArray[np.float64]:
    return np.asarray(np.einsum("ij,ij->j", matrix, matrix, dtype=np.float64))
