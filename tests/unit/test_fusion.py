"""Which files lead: reciprocal rank fusion over the retrievers of one or several spaces."""

from __future__ import annotations

import pytest

from indexer.search.candidates import Found, best_overall
from indexer.search.fusion import RETRIEVER_WEIGHTS, leading_files, reciprocal_ranks
from indexer.search.query import LONG_QUERY_WORDS, QueryKind, read_query

A, B, C = ((0, path) for path in "abc")


def test_scores_are_weighted_reciprocal_ranks() -> None:
    fused = reciprocal_ranks({"text": [A, B], "vector": [B]}, {"text": 1.0, "vector": 0.5})
    assert fused == pytest.approx({A: 1 / 11, B: 1 / 12 + 0.5 / 11})


def test_found_twice_beats_found_once_at_the_same_rank() -> None:
    fused = reciprocal_ranks({"text": [A, B], "vector": [C, B]}, {})
    assert max(fused, key=lambda key: fused[key]) == B


def test_no_ranking_no_scores() -> None:
    assert reciprocal_ranks({}, {}) == {}
    assert reciprocal_ranks({"text": []}, {"text": 1.0}) == {}


def test_every_kind_of_query_weighs_the_same_retrievers() -> None:
    kinds = {frozenset(weights) for weights in RETRIEVER_WEIGHTS.values()}
    assert kinds == {frozenset(("text", "vector", "name", "path"))}
    assert set(RETRIEVER_WEIGHTS) == set(QueryKind)


def test_files_of_several_spaces_are_ranked_by_their_scores_not_by_their_spaces() -> None:
    """The same chunk ids and the same path in two spaces are different chunks and files."""
    first = Found({"text": {1: 9.0, 2: 1.0}}, {}, {1: "x.py", 2: "y.py"})
    second = Found({"text": {1: 5.0, 2: 4.0}}, {"x.py": 1.0}, {1: "z.py", 2: "x.py"})
    leading = leading_files([first, second], read_query("where it is done"), count=4)
    assert leading == [(1, "x.py"), (0, "x.py"), (1, "z.py"), (0, "y.py")]
    assert leading_files([first, second], read_query("where it is done"), count=1) == leading[:1]


def test_meaning_leads_for_a_question_and_not_for_a_long_text() -> None:
    """Words find many files that have nothing to do with a question; a long text's vector is of its opening alone."""
    found = [Found({"text": {1: 9.0, 2: 8.0}, "vector": {3: 0.9, 4: 0.8}}, {}, {1: "a", 2: "b", 3: "c", 4: "d"})]
    assert leading_files(found, read_query("how it is done"), count=3) == [(0, "c"), (0, "d"), (0, "a")]
    assert leading_files(found, read_query("how it is done " * LONG_QUERY_WORDS), count=3) == [A, C, B]


def test_many_spaces_find_together_no_more_than_one_would() -> None:
    """Ties over the limit are kept: which space a chunk is in decides nothing."""
    spaces = [
        Found({"text": {number: float(number) for number in range(part, 300, 2)}}, {"a.py": 1.0}, {}) for part in (0, 1)
    ]
    kept = best_overall([*spaces, Found({"text": {7: 200.0}}, {}, {})])
    assert [len(own.chunks["text"]) for own in kept] == [50, 50, 1]
    assert min(min(own.chunks["text"].values()) for own in kept) == 200.0
    assert kept[0].files == {"a.py": 1.0}
    assert best_overall(spaces[:1]) == spaces[:1]
