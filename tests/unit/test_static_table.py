"""How the static encoder's table is fitted: planted rows are found again; the contrast mends whose neighbour who is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from indexer.encoders.wordpiece import WordPieces
from pipelines.export.static.contrast import Contrast, sharpen, unit
from pipelines.export.static.fit import Recipe, count_matrix, fit_table, prior_rows, whole_words
from pipelines.export.static.teacher import Taught
from pipelines.export.weights import Float

TEXTS, TOKENS, DIMS = 600, 60, 12


@pytest.fixture
def planted() -> tuple[sparse.csr_matrix, Float]:
    """Counts of tokens in texts, and rows of the tokens."""
    generator = np.random.default_rng(1)
    counts = sparse.csr_matrix(generator.poisson(0.1, size=(TEXTS, TOKENS)).astype(np.float32))
    return counts, generator.standard_normal((TOKENS, DIMS)).astype(np.float32)


def test_planted_rows_are_found_again(planted: tuple[sparse.csr_matrix, Float]) -> None:
    counts, rows = planted
    targets = unit(np.asarray(counts @ rows))
    recipe = Recipe(power=1.0, ridge=1e-3, steps=100, contrast=None)
    found = unit(np.asarray(counts @ fit_table(counts, targets, np.zeros_like(rows), recipe)))
    some = np.asarray(counts.sum(axis=1)).ravel() > 0
    assert np.einsum("ij,ij->i", found, targets)[some].mean() > 0.95


def test_the_contrast_draws_a_text_to_its_own_neighbours(planted: tuple[sparse.csr_matrix, Float]) -> None:
    counts, rows = planted
    targets = unit(np.asarray(counts @ rows))
    astray = rows + np.random.default_rng(2).standard_normal(rows.shape).astype(np.float32)
    settings = Contrast(epochs=20, batch=100, bank=300, dims=8, rate=0.05)
    moved = sharpen(counts, astray, targets, settings)

    def disagreement(table: Float) -> float:
        own = unit(np.asarray(counts @ table)[:, :8]) @ unit(targets[:, :8]).T
        return float(np.abs(own - unit(targets[:, :8]) @ unit(targets[:, :8]).T).mean())

    assert disagreement(moved) < 0.7 * disagreement(astray)
    np.testing.assert_array_equal(moved[:, 8:], astray[:, 8:])
    np.testing.assert_array_equal(moved, sharpen(counts, astray, targets, settings))


def test_words_in_enough_texts_that_the_vocabulary_cuts_are_whole() -> None:
    pieces = WordPieces(["[UNK]", "par", "##am", "##s", "the"])
    texts = ["the param", "param the params", "the", "params", "PARAM unknown"]
    whole = whole_words(texts, pieces, 3)
    assert whole == ["param"]
    counts = count_matrix(texts, WordPieces(["[UNK]", "par", "##am", "##s", "the"], whole), 6).toarray()
    assert counts[:, 5].tolist() == [1, 1, 0, 0, 1]
    assert counts[1].tolist() == [0, 1, 1, 1, 1, 1]


def test_a_whole_word_s_prior_lies_between_its_pieces_and_itself() -> None:
    states = np.array([[2.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    known = Taught([], np.zeros((0, 2), dtype=np.float32), np.array([1 << 40, 0]), states)
    alone = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]], dtype=np.float32)
    prior = prior_rows(known, alone, [[0], [1], [0, 0]], Recipe(pseudocount=2.0))
    np.testing.assert_allclose(prior, [[2, 0], [0, 1], [2, 2]], atol=1e-6)
