"""Words that begin one another."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.search.features import ALIKE_CHARS, alike

WORD = st.text("ab", max_size=6)


@given(st.lists(WORD, max_size=4, unique=True), WORD)
@settings(max_examples=100)
def test_words_that_begin_a_term_or_are_begun_by_it(words: list[str], term: str) -> None:
    expected = {
        word
        for word in words
        if min(len(word), len(term)) >= ALIKE_CHARS and (word.startswith(term) or term.startswith(word))
    }
    assert alike(tuple(words))([term]) == ([expected] if expected else [])


def test_an_abbreviation_and_a_longer_form() -> None:
    assert alike(("authentication", "of", "config"))(["auth", "other"]) == [{"authentication"}]
    assert alike(("config", "c"))(["configuration"]) == [{"config"}]
