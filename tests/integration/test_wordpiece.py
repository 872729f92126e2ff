"""Our word pieces are those of the `tokenizers` library for the bundled vocabulary, on real code and on any text."""

from __future__ import annotations

import unicodedata
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from indexer.encoders import wordpiece
from indexer.encoders.bundle import BUNDLED, BUNDLED_STATIC, TOKENIZER, VOCABULARY
from indexer.encoders.wordpiece import WordPieces

LANGUAGES = Path(__file__).parents[1] / "data" / "languages"
LIBRARY = Tokenizer.from_file(str(BUNDLED / TOKENIZER))
LIBRARY.no_truncation()
PIECES = WordPieces((BUNDLED_STATIC / VOCABULARY).read_text(encoding="utf-8").splitlines())

KNOWN_TO_BOTH = st.characters(
    codec="utf-8",
    categories=["L", "N", "S", "Zs", "Cc", "Mn", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"],
    max_codepoint=0x058F,
)
"""Latin, Greek, Cyrillic and Armenian: assigned in every Unicode version."""


def library_tokens(text: str) -> list[int]:
    return list(LIBRARY.encode(text, add_special_tokens=False).ids)


def test_the_vocabulary_is_the_transformer_s() -> None:
    numbers = LIBRARY.get_vocab()
    assert (BUNDLED_STATIC / VOCABULARY).read_text(encoding="utf-8").splitlines() == sorted(
        numbers, key=numbers.__getitem__
    )


@pytest.mark.parametrize("folder", sorted(path.name for path in LANGUAGES.iterdir()))
def test_samples_of_every_language_have_the_library_s_tokens(folder: str) -> None:
    for path in (LANGUAGES / folder).iterdir():
        text = path.read_text(encoding="utf-8", errors="replace")
        assert PIECES.tokens(text) == library_tokens(text)


@given(st.text(KNOWN_TO_BOTH, max_size=200))
@example("a\x00b\x85c\x0bd\x0ce\u200bf")
@example("ΑΣ Σ ς İ ı ß Å é e\u0301 a\u0323\u0301")
@example("x≠y \u037e \u1fef")
@example("snake_case CamelCase HTTPServer2 0x1F")
@example("w" * 100 + " " + "w" * 101)
def test_any_european_text_has_the_library_s_tokens(text: str) -> None:
    assert PIECES.tokens(text) == library_tokens(text)


@given(
    st.text(
        st.sampled_from("漢字かなカナ한글각中文豈\U0002b740\U0002b820\U0002f800 ab,。、「」…—“”\u3000\u2028\xa0"),
        max_size=60,
    )
)
def test_ideographs_and_wide_signs_have_the_library_s_tokens(text: str) -> None:
    assert PIECES.tokens(text) == library_tokens(text)


def test_characters_differ_only_where_unicode_versions_do() -> None:
    # Every character that is assigned, and some of the planes that are private or empty.
    points = chain(range(0x32400), range(0x32400, 0x110000, 101), range(0xE0000, 0xE0200))
    differing = [
        chr(point)
        for point in points
        if not 0xD800 <= point < 0xE000 and PIECES.tokens(f"x{chr(point)}y") != library_tokens(f"x{chr(point)}y")
    ]
    assert len(differing) < 1000
    assert {unicodedata.category(character)[0] for character in differing} <= set("MPCS")
    assert min(differing) > "\u0600"


def test_names_of_special_tokens_are_text() -> None:
    assert PIECES.tokens("[MASK]") == PIECES.tokens("[ mask ]")


def test_a_lone_surrogate_is_a_question_mark() -> None:
    assert PIECES.tokens("a\udcffb") == PIECES.tokens("a?b")


@given(st.lists(st.text(max_size=20), max_size=20))
def test_what_was_seen_before_changes_nothing(texts: list[str]) -> None:
    fresh = WordPieces((BUNDLED_STATIC / VOCABULARY).read_text(encoding="utf-8").splitlines()[:2000])
    alone = [fresh.tokens(text) for text in texts]
    assert [fresh.tokens(text) for text in texts] == alone


@given(st.lists(st.text(KNOWN_TO_BOTH, max_size=60) | st.text(max_size=20), max_size=6))
@example(["a.b\0c", "", "x_y(z)!", "\0", "é\x1c ж--ж"])
def test_texts_together_have_the_tokens_of_each_alone(texts: list[str]) -> None:
    numbers, places = PIECES.unordered(texts)
    found = [sorted(numbers[places == place].tolist()) for place in range(len(texts))]
    assert found == [sorted(PIECES.tokens(text)) for text in texts]


def test_a_full_memory_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordpiece, "MAX_KNOWN_WORDS", 2)
    pieces = WordPieces(["[UNK]", "a", "b", "##c"])
    assert [pieces.tokens("a b ac bc abc") for _ in range(3)] == [[1, 2, 1, 3, 2, 3, 0]] * 3


def test_whole_words_are_not_cut_and_change_no_other_word() -> None:
    pieces = WordPieces(["[UNK]", "a", "##b"], ["ab"])
    assert pieces.tokens("ab AB abb a") == [3, 3, 1, 2, 2, 1]
