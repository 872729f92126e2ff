"""A basis that keeps what tells the answer to a question from other passages, not what keeps most of the length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..weights import Float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a basis is learned; benchmarks/static_encoder.md says what was tried.

    In each of `epochs` every pair is seen once, in batches of `batch`; cosines, over the first of each of `dims`
    components, are divided by `temperature`. Of what a question should find, the share `own` is its own answer, the
    rest what the unreduced vectors find. `rate` is the largest step of a coordinate.
    """

    epochs: int = 4
    batch: int = 1024
    dims: tuple[int, ...] = (128, 192, 256)
    temperature: float = 0.05
    own: float = 0.5
    rate: float = 1e-3


SHIPPED = Settings()


def learn_basis(questions: Float, answers: Float, start: Float, settings: Settings = SHIPPED) -> Float:
    """Return orthogonal columns, float32[width, components], the longest of length 1, moved from those of `start`.

    `questions` and `answers` are unit rows, float32[pairs, width]. What falls is the cross entropy between what a
    question should find among the answers of its batch and the softmax of its reduced cosines (van den Oord et al.,
    "Representation Learning with Contrastive Predictive Coding", 2018), for a beginning of the columns of each size
    (Kusupati et al., "Matryoshka Representation Learning", 2022), by Adam (Kingma and Ba, 2015). A column's length says
    what a direction counts.
    """
    generator = np.random.default_rng(0)
    basis = start.copy()
    first, second = np.zeros_like(basis), np.zeros_like(basis)
    per_epoch = len(questions) // settings.batch
    for step in range(settings.epochs * per_epoch):
        place = step % per_epoch
        if place == 0:
            order = generator.permutation(len(questions))
        chosen = order[place * settings.batch : (place + 1) * settings.batch]
        asked, found = questions[chosen], answers[chosen]
        wanted = np.float32(1 - settings.own) * _softmax(asked @ found.T, settings.temperature)
        wanted[np.diag_indices(len(chosen))] += np.float32(settings.own)
        slope = np.zeros_like(basis)
        for dims in settings.dims:
            slope[:, :dims] += _slope(asked, found, basis[:, :dims], wanted, settings.temperature)
        slope /= np.float32(len(settings.dims))
        first = np.float32(0.9) * first + np.float32(0.1) * slope
        second = np.float32(0.99) * second + np.float32(0.01) * slope * slope
        rate = settings.rate * min(1.0, (step + 1) / 20) * (1 - step / (settings.epochs * per_epoch))
        scale = np.sqrt(second / np.float32(1 - 0.99 ** (step + 1))) + np.float32(1e-8)
        basis = basis - np.float32(rate / (1 - 0.9 ** (step + 1))) * first / scale
    return _orthogonal(basis, settings.dims)


def reciprocal_rank(questions: Float, answers: Float, basis: Float) -> float:
    """Return the mean reciprocal rank of each question's answer among all of them, by reduced cosines."""
    asked, found = _unit(questions @ basis)[0], _unit(answers @ basis)[0]
    own = np.einsum("ij,ij->i", asked, found)
    blocks = range(0, len(asked), 1024)
    ranks = [(asked[at : at + 1024] @ found.T > own[at : at + 1024, None]).sum(axis=1) for at in blocks]
    return float(np.mean(1 / (1 + np.concatenate(ranks))))


def _slope(questions: Float, answers: Float, basis: Float, wanted: Float, temperature: float) -> Float:
    """Return the gradient of the mean cross entropy by the basis."""
    asked, asked_lengths = _unit(questions @ basis)
    found, found_lengths = _unit(answers @ basis)
    surplus = _softmax(asked @ found.T, temperature) - wanted
    surplus /= np.float32(len(questions) * temperature)
    of_asked = questions.T @ (_tangent(surplus @ found, asked) / asked_lengths)
    of_found = answers.T @ (_tangent(surplus.T @ asked, found) / found_lengths)
    return np.asarray(of_asked + of_found, dtype=np.float32)


def _tangent(pull: NDArray[np.floating[Any]], vectors: Float) -> Float:
    """Return rows without their part along the unit rows of `vectors`."""
    return np.asarray(pull - np.einsum("ij,ij->i", pull, vectors)[:, None] * vectors, dtype=np.float32)


def _unit(vectors: Float) -> tuple[Float, Float]:
    """Return rows of length one, and the lengths that they had, float32[n, 1]."""
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12).astype(np.float32)
    return np.asarray(vectors / lengths, dtype=np.float32), lengths


def _softmax(cosines: Float, temperature: float) -> Float:
    # Cosines are at most 1, so nothing overflows at a temperature above 1/88.
    likely = np.exp(cosines / np.float32(temperature))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True), dtype=np.float32)


def _orthogonal(basis: Float, ends: Sequence[int]) -> Float:
    """Return the columns turned, block by block, so that they are orthogonal, a block's longest first.

    Turning the columns of a beginning among themselves changes no cosine. What a later block has of the directions of
    those before is lost.
    """
    directions = np.zeros((len(basis), 0))
    lengths = np.zeros(0)
    for start, end in pairwise((0, *ends)):
        own = basis[:, start:end].astype(np.float64)
        turned, long, _ = np.linalg.svd(own - directions @ (directions.T @ own), full_matrices=False)
        directions, lengths = np.hstack([directions, turned]), np.append(lengths, long)
    return np.asarray(directions * (lengths / lengths.max()), dtype=np.float32)
