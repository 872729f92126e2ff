"""A literal is found where it stands as it is written, and not within a longer word, flag or key."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.search.phrases import phrase
from indexer.search.verbatim import option_name, verbatim

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


@pytest.mark.parametrize(
    ("line", "declares"),
    [
        ('[Option("dry-run", Required = false)]', True),
        ('options.flag("dry-run", false)', True),
        ('parser.add_argument("dry-run")', True),
        ('{"dry-run", no_argument, NULL, 0},', True),
        ("{ 'dry-run', required_argument, 0, 'd' }", True),
        ('if (args["dry-run"]) return;', False),
        ('{"dry-run", NULL, 0}', False),
        ('log("options are --dry-run and others")', False),
    ],
)
def test_a_flag_is_declared_on_a_line_that_speaks_of_options_or_in_a_table_of_getopt(line: str, declares: bool) -> None:
    found = [line[start:end] for start, end in option_name(line, "--dry-run")]
    assert found == (["dry-run"] if declares else [])


@given(
    st.text('ab r"%s{}$\0\n\\', max_size=20), st.lists(st.sampled_from(("a", "b", "r", "s")), min_size=2, max_size=4)
)
@settings(max_examples=400)
def test_words_stand_in_a_row_whatever_other_characters_a_text_has(text: str, words: list[str]) -> None:
    weights = dict.fromkeys(words, 1.0)
    assert phrase(text, tuple(words), weights) == phrase(f"{text} \u00e9", tuple(words), weights)


def test_a_value_is_what_a_format_string_fills_in() -> None:
    words = ("read", "9", "of", "file")
    for text in (
        'f"read {n} of file"',
        "'read %d of file'",
        "`read ${n} of file`",
        '"read #{n} of file"',
        "read $n of file",
    ):
        match = phrase(text, words, dict.fromkeys(words, 1.0))
        assert match is not None
        assert (match.words, match.share, match.has_value) == (3, 1.0, True), text
    for text in ("read 5%d of file", "read a$n of file"):  # a remainder, and part of a word
        match = phrase(text, words, dict.fromkeys(words, 1.0))
        assert match is None or not match.has_value, text
