"""A literal is found where it stands as it is written, and not within a longer word, flag or key."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.search.literals import verbatim

CHARACTERS = "ab-_ .é\n1"


def _expression(literal: str) -> re.Pattern[str]:
    is_flag = literal.startswith("-")
    inside = r"[\w-]" if is_flag else r"\w"
    is_key = "-" in literal and not re.search(r"\s", literal)
    first, last = (is_flag or re.match(r"\w", character) for character in (literal[0], literal[-1]))
    before = f"(?<!{inside})" + (r"(?<!\w-)" if is_key else "")
    after = f"(?!{inside})" + (r"(?!-\w)" if is_key else "")
    return re.compile((before if first else "") + re.escape(literal) + (after if last else ""))


@given(st.text(CHARACTERS, max_size=16), st.text(CHARACTERS, min_size=1, max_size=3))
@settings(max_examples=400)
def test_a_literal_stands_where_an_expression_with_bounds_finds_it(text: str, literal: str) -> None:
    assert list(verbatim(text, literal)) == [match.span() for match in _expression(literal).finditer(text)]


def test_a_key_is_no_part_of_a_longer_one_and_stands_in_its_flag() -> None:
    assert list(verbatim("prompt-history-limit history-limit --history-limit", "history-limit")) == [(21, 34), (37, 50)]
    assert list(verbatim("history-limit-x history-limit-", "history-limit")) == [(16, 29)]


def test_a_flag_is_no_part_of_a_longer_one() -> None:
    assert list(verbatim("--no-color --color", "--color")) == [(11, 18)]
    assert list(verbatim("x = 'a b' + a", "a b")) == [(5, 8)]
