"""Reading queries: their kind, terms, names and paths."""

from __future__ import annotations

import pytest

from indexer.errors import ConfigError
from indexer.search.query import MAX_TERMS, QueryKind, classify, is_code_name, read_query

TRACE = """Traceback (most recent call last):
  File "/home/me/env/lib/site-packages/shop/cart.py", line 31, in checkout
    total = self.total_price()
AttributeError: 'Cart' object has no attribute 'total_price'
"""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Router", QueryKind.SYMBOL),
        ("parse_url", QueryKind.SYMBOL),
        ("Foo::bar", QueryKind.SYMBOL),
        ("foo.bar", QueryKind.SYMBOL),
        ("getUser()", QueryKind.SYMBOL),
        ("http/client.py", QueryKind.PATH),
        ("client.py", QueryKind.PATH),
        ("src/core", QueryKind.PATH),
        ("how are request headers parsed", QueryKind.NATURAL),
        ("class for sessions", QueryKind.NATURAL),
        (TRACE, QueryKind.ERROR),
        ("thread 'main' panicked at src/lib.rs:3:5", QueryKind.ERROR),
        ("TypeError: undefined is not a function", QueryKind.ERROR),
        ("for (int i = 0; i < n; i++) {", QueryKind.CODE),
        ("def parse(self, text):\n    return text.split()", QueryKind.CODE),
    ],
)
def test_kinds(text: str, kind: QueryKind) -> None:
    assert classify(text) is kind


@pytest.mark.parametrize("text", ["", "  \n "])
def test_an_empty_query_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="empty"):
        read_query(text)


def test_stop_words_go_unless_nothing_else_is_there() -> None:
    assert read_query("how does the parser find headers").words == {"parser": 1.0, "header": 1.0}
    assert read_query("what is it").words == {"what": 1.0, "is": 1.0, "it": 1.0}


def test_headings_of_a_form_are_not_read() -> None:
    """A repository may hold the form, which has all of their words."""
    story = "The parser drops a header that has no value. " * 6
    form = f"Empty headers\n### Bug description\n{story}\n### Command used\n## `parse_all` fails\n{story}"
    query, plain = read_query(form), read_query(form.replace("### Bug description", "").replace("### Command used", ""))
    assert (query.words, query.names, query.embedded) == (plain.words, plain.names, plain.embedded)
    assert "parse_all" in query.names and "command" not in query.words


@pytest.mark.parametrize("text", ["create store", "createStore", "create_store", "CreateStore"])
def test_a_name_and_the_words_that_spell_it_meet(text: str) -> None:
    assert "createstore" in read_query(text).wholes


def test_names_are_the_last_step_and_qualified_names_are_whole() -> None:
    query = read_query("who calls Session.prepare_request with a proxy")
    assert query.names[0] == "prepare_request"
    assert query.qualified == ("Session.prepare_request",)


def test_paths_are_found_in_a_trace_and_are_no_names() -> None:
    query = read_query(TRACE)
    assert query.paths == ("/home/me/env/lib/site-packages/shop/cart.py",)
    assert "total_price" in query.names
    assert "py" not in query.names


def test_a_version_or_an_abbreviation_is_no_path() -> None:
    assert read_query("broken since 2.1.0, e.g. on i.e. and/or windows").paths == ()


def test_a_long_text_is_cut_to_its_telling_terms() -> None:
    words = " ".join(f"filler{number}" for number in range(3000))
    query = read_query(f"The `merge_cookies` function loses cookies. {words} merge_cookies again merge_cookies")
    assert len(query.words) <= MAX_TERMS
    assert "mergecookies" in query.wholes
    assert query.names[0] == "merge_cookies"
    assert {"merg", "cooki"} <= set(query.words)
    assert query.embedded.startswith("The `merge_cookies` function")


def test_reading_is_deterministic_and_takes_any_text() -> None:
    for text in ("\x00\ud800?", "::", "-", "日本語 の 文字列", "a" * 100_000, "(((("):
        assert read_query(text) == read_query(text)


@pytest.mark.parametrize(
    ("word", "answer"), [("parseUrl", True), ("parse_url", True), ("a.b", True), ("route", False), ("__init__", False)]
)
def test_what_only_code_writes(word: str, answer: bool) -> None:
    assert is_code_name(word) is answer


@pytest.mark.parametrize("text", ["_ -> _", "fold(_ + _)", f"{'a' * 300} {'b' * 300}"])
def test_words_without_parts_make_no_term(text: str) -> None:
    query = read_query(text)
    assert "" not in query.words and "" not in query.wholes
