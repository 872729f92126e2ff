"""The lines of a chunk that a hit shows."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.languages.analyzer import terms
from indexer.search.snippet import best_row, shown_rows, terms_by_row

ASKED = {"alpha": 1.0, "beta": 2.0, "gamma": 0.7}
PRESENT = st.lists(st.sets(st.sampled_from(sorted(ASKED))), min_size=1, max_size=14)


def _gain(terms: set[str]) -> float:
    return round(sum(sorted(ASKED[term] for term in terms)), 9)


@given(PRESENT, st.integers(1, 5), st.data())
@settings(max_examples=80)
def test_the_first_window_around_the_best_row_with_the_most_of_the_query(
    present: list[set[str]], lines: int, data: st.DataObject
) -> None:
    row = data.draw(st.integers(0, len(present) - 1))
    starts = [start for start in range(max(1, len(present) - lines + 1)) if start <= row < start + lines]
    best = max(starts, key=lambda start: (_gain(set().union(*present[start : start + lines])), -start))
    shown = shown_rows(present, ASKED, row, lines=lines, first=0, is_outline=False)
    assert shown == list(range(best, min(best + lines, len(present))))


@given(PRESENT, st.integers(1, 5), st.data())
@settings(max_examples=80)
def test_an_outline_shows_its_head_and_the_rows_that_have_words(
    present: list[set[str]], lines: int, data: st.DataObject
) -> None:
    row = data.draw(st.integers(0, len(present) - 1))
    shown = shown_rows(present, ASKED, row, lines=lines, first=0, is_outline=True)
    assert shown == sorted(set(shown)) and len(shown) == min(lines, len(present))
    assert row in shown and (0 in shown or lines == 1)
    left_out = [_gain(own) for place, own in enumerate(present) if place not in shown]
    kept = [_gain(own) for place, own in enumerate(present) if place in shown and place not in (0, row)]
    assert not left_out or not kept or max(left_out) <= min(kept)


def test_a_definition_is_shown_from_its_line_on() -> None:
    assert shown_rows([set()] * 20, ASKED, 15, lines=8, first=15, is_outline=False) == [15, 16, 17, 18, 19]


def test_the_best_row_has_the_most_and_the_definition_wins_a_tie() -> None:
    present = [{"alpha"}, {"beta"}, set(), {"beta"}]
    assert best_row(present, ASKED, otherwise=0) == 1
    assert best_row(present, ASKED, otherwise=3) == 3
    assert best_row([set(), set()], ASKED, otherwise=1) == 1


WORDS = ("parse", "parsing", "URL", "parse_url", "lie", "lying", "é", "skies", "x9", "", "die")


@given(st.lists(st.lists(st.sampled_from(WORDS)), min_size=1, max_size=6), st.sets(st.sampled_from(WORDS)))
@settings(max_examples=80)
def test_rows_have_the_terms_of_their_words(lines: list[list[str]], query: set[str]) -> None:
    rows = [" ".join(line) for line in lines]
    asked = {term: 1.0 for word in query for term in terms(word)}
    assert terms_by_row("\n".join(rows), asked) == [set(asked).intersection(terms(row)) for row in rows]
