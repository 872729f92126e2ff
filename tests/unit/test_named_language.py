"""Which languages a question names, and a query without them."""

from __future__ import annotations

from indexer.search.named_language import languages_named, without
from indexer.search.query import read_query


def test_languages_are_named_in_questions_alone() -> None:
    assert languages_named(read_query("sort a list in Python or golang")) == {"python": "python", "golang": "go"}
    assert languages_named(read_query("parse json")) == languages_named(read_query("ruby")) == {}


def test_a_query_keeps_its_words_where_it_has_no_others() -> None:
    asked = read_query("the Ruby parser")
    assert (without(asked, {"rubi"}).words, without(asked, {"rubi"}).names) == ({"parser": 1.0}, ("parser",))
    assert without(asked, {"rubi", "parser"}) == asked
