"""A second fit of the rows: by whose neighbour a text is, not by how near it comes to its own vector.

Ridge regression spends most on what all texts have in common; a search asks which of two texts is nearer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..weights import Float


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """How rows are moved; benchmarks/static_encoder.md says what was tried.

    In each of `epochs` every text is seen once, in batches of `batch`, beside `bank` others. Cosines over the first
    `dims` components are divided by `temperature`. `rate` is the largest step of a coordinate.
    """

    epochs: int = 1
    batch: int = 1024
    bank: int = 8192
    dims: int = 192
    temperature: float = 0.1
    rate: float = 1e-3


SHIPPED = Contrast()


def sharpen(features: sparse.csr_matrix, rows: Float, targets: Float, contrast: Contrast) -> Float:
    """Return rows, float32[vocabulary, components], moved such that texts have their targets' neighbours.

    `features` is [texts, vocabulary], `targets` float32[texts, components]. What falls is the cross entropy between two
    distributions of a text over the targets of others: the softmax of its target's cosines, and that of its own
    vector's (Abbasi Koohpayegani et al., "CompRess: Self-Supervised Learning by Compressing Representations", 2020), by
    Adam (Kingma and Ba, "Adam", 2015) with a warm-up and a linear decay.
    """
    generator = np.random.default_rng(0)
    known = unit(targets[:, : contrast.dims])
    moved = np.ascontiguousarray(rows[:, : contrast.dims])
    first, second = np.zeros_like(moved), np.zeros_like(moved)
    texts = features.shape[0]
    per_epoch = texts // contrast.batch
    for step in range(contrast.epochs * per_epoch):
        place = step % per_epoch
        if place == 0:
            order = generator.permutation(texts)
        chosen = order[place * contrast.batch : (place + 1) * contrast.batch]
        bank = known[np.concatenate([chosen, generator.choice(texts, min(contrast.bank, texts), replace=False)])]
        slope = _slope(features[chosen], moved, known[chosen], bank, contrast.temperature)
        first = np.float32(0.9) * first + np.float32(0.1) * slope
        second = np.float32(0.99) * second + np.float32(0.01) * slope * slope
        rate = contrast.rate * min(1.0, (step + 1) / 20) * (1 - step / (contrast.epochs * per_epoch))
        scale = np.sqrt(second / np.float32(1 - 0.99 ** (step + 1))) + np.float32(1e-7)
        moved -= np.float32(rate / (1 - 0.9 ** (step + 1))) * first / scale
    return np.concatenate([moved, rows[:, contrast.dims :]], axis=1)


def _slope(features: sparse.csr_matrix, rows: Float, targets: Float, bank: Float, temperature: float) -> Float:
    """Return the gradient of the mean cross entropy by the rows, times the temperature."""
    sums = features @ rows
    lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(1e-6))
    vectors = sums / lengths
    surplus = _softmax(vectors @ bank.T, temperature) - _softmax(targets @ bank.T, temperature)
    pull = surplus @ bank
    pull -= np.einsum("ij,ij->i", pull, vectors)[:, None] * vectors
    return np.asarray(features.T @ (pull / lengths), dtype=np.float32) / np.float32(len(vectors))


def _softmax(cosines: Float, temperature: float) -> Float:
    # Cosines are at most 1, so nothing overflows at a temperature above 1/88.
    likely = np.exp(cosines / np.float32(temperature))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True), dtype=np.float32)


def unit(vectors: Float) -> Float:
    """Return rows of length one; zero rows stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
