"""Terms are the same for every way to write a name, and a text's terms are those of its words."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.languages import analyzer
from indexer.languages.analyzer import (
    MAX_TERM_CHARS,
    beginning,
    indexed_text,
    indexed_texts,
    join,
    parts,
    stem,
    terms,
    terms_of_words,
    word_terms,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parse_url", ["parseurl", "pars", "url"]),
        ("HTTPServer2", ["httpserver2", "http", "server", "2"]),
        ("userIDs", ["userids", "user", "id"]),
        ("running runs ran", ["run", "run", "ran"]),
        ("__init__", ["init"]),
        ("a.b(c)", ["a", "b", "c"]),
        ("größeDerStraße", ["größederstraße", "größe", "der", "straße"]),
        ("x", ["x"]),
        ("... +-*/ ", []),
        ("", []),
    ],
)
def test_an_identifier_yields_itself_and_its_stemmed_parts(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize("written", ["parse_url", "parseUrl", "ParseURL", "PARSE_URL", "parseURL", "_parse_url_"])
def test_one_name_is_one_term_however_it_is_written(written: str) -> None:
    assert terms(written) == ["parseurl", "pars", "url"]


def test_data_is_no_name() -> None:
    """A hash or base64 has no term of its own, and only its first parts."""
    blob = "QUJD9z" * 40
    assert join(parts(blob)) not in terms(blob)
    assert len(terms(blob)) <= 12
    assert terms("x" * (MAX_TERM_CHARS + 1)) == []


@given(st.text())
def test_terms_are_lower_case_without_blanks_and_no_longer_than_names(text: str) -> None:
    found = terms(text)
    assert all(term and len(term) <= MAX_TERM_CHARS for term in found)
    assert indexed_text(text).split(" ") == (found or [""])


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_has_the_terms_that_it_has_among_other_characters(text: str) -> None:
    assert terms(text) == terms(f"{text} Δ")[:-1]
    assert indexed_text(text) == indexed_text(f"{text} Δ")[:-1].rstrip()


@given(st.lists(st.text(st.sampled_from("aB_ \n\0-9é"), max_size=20)))
@example(["a_b", "", "\0", "é --no-color", "_", "parseURL"])
def test_texts_together_are_indexed_as_each_alone(texts: list[str]) -> None:
    assert indexed_texts(texts) == list(map(indexed_text, texts))


def test_a_full_memory_of_words_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analyzer, "_MAX_KNOWN_WORDS", 3)
    assert [indexed_texts(["getUrl set", "put get", "set"]) for _ in range(2)] == [
        ["geturl get url set", "put get", "set"]
    ] * 2


@given(st.lists(st.text(alphabet="abcXYZ019_", min_size=1)))
def test_a_text_s_terms_are_those_of_its_words(words: list[str]) -> None:
    assert terms(" ".join(words)) == [term for word in words for term in terms(word)]


@given(st.lists(st.from_regex(r"[a-z]{2,8}", fullmatch=True), min_size=2, max_size=4))
def test_snake_and_camel_case_agree(words: list[str]) -> None:
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    assert terms(camel) == terms("_".join(words))
    assert terms(camel)[1:] == [stem(word) for word in words]


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ('run(["--no-color", "-v"])', ["--no-color"]),
        ("x--y <!--note--> a --- b", []),
        ("`--a`, --dry-run=no", ["--dry-run"]),
    ],
)
def test_flags_are_terms_as_they_are_written(text: str, flags: list[str]) -> None:
    assert [term for term in terms(text) if term.startswith("-")] == flags
    assert indexed_text(text).split() == terms(text)


@given(st.text("aB_ \n\r9é-", max_size=60))
def test_terms_of_words_are_all_but_flags(text: str) -> None:
    assert list(terms_of_words(text)) == [term for term in terms(text) if not term.startswith("--")]


@pytest.mark.parametrize("suffix", ["", "s", "ies", "ied", "ed", "ing", "ational", "ization", "iveness", "fully", "y"])
@given(st.text(string.ascii_letters + string.digits + "_", max_size=12))
def test_a_word_holds_what_its_terms_begin_with(suffix: str, word: str) -> None:
    plain = (word + suffix).lower().replace("_", "")
    assert all(beginning(term) in plain for term in word_terms(word + suffix))


@pytest.mark.parametrize(
    "word", ["dying", "lying", "tying", "skies", "Bodies", "idly", "parse_URLs", "HTTPServerError"]
)
def test_irregular_words_hold_it_too(word: str) -> None:
    assert all(beginning(term) in word.lower().replace("_", "") for term in word_terms(word))
