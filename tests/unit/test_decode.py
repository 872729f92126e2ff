"""Bytes to text: encodings, binary content, line ends."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.stages.decode import Decoded, NotText, decode

CODE = "def naïve_café(größe):\n    return '日本' + größe\n"
ENGLISH = "def total(price, tax):\n    return price + tax\n"


def text_of(content: bytes) -> Decoded:
    found = decode(content)
    assert isinstance(found, Decoded), found
    return found


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (CODE.encode(), "utf-8"),
        (codecs.BOM_UTF8 + CODE.encode(), "utf-8"),
        (codecs.BOM_UTF16_LE + CODE.encode("utf-16-le"), "utf-16-le"),
        (codecs.BOM_UTF16_BE + CODE.encode("utf-16-be"), "utf-16-be"),
        (codecs.BOM_UTF32_LE + CODE.encode("utf-32-le"), "utf-32-le"),
        (codecs.BOM_UTF32_BE + CODE.encode("utf-32-be"), "utf-32-be"),
    ],
)
def test_byte_order_marks_decide_and_go(content: bytes, encoding: str) -> None:
    assert text_of(content) == Decoded(CODE, encoding)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_encodings_without_a_mark_are_recognised(encoding: str) -> None:
    assert text_of(ENGLISH.encode(encoding)) == Decoded(ENGLISH, encoding)


def test_latin_1_is_read_as_windows_1252() -> None:
    assert text_of("prix = '5 €'  # café\n".encode("cp1252")) == Decoded("prix = '5 €'  # café\n", "cp1252")
    assert text_of(b"undefined \x81 in cp1252").text == "undefined \x81 in cp1252"


def test_mixed_encodings_keep_every_line() -> None:
    found = text_of("a = 'é'\r\n".encode() + "b = 'é'\r\n".encode("latin-1") + b"c = 1\r\n")
    assert found == Decoded("a = 'é'\r\nb = 'é'\r\nc = 1\r\n", "mixed")


def test_line_ends_stay_and_lone_carriage_returns_without_any_line_feed_become_line_feeds() -> None:
    assert text_of(b"a\r\nb\rc\n").text == "a\r\nb\rc\n"
    assert text_of(b"a\rb\rc").text == "a\nb\nc"


def test_a_stray_nul_in_text_becomes_a_space() -> None:
    assert text_of(b"def f():\0 return 1\n" + b"x = 1\n" * 500).text.startswith("def f():  return 1\n")


@pytest.mark.parametrize(
    "content",
    [
        b"\x7fELF\x02\x01\x01" + bytes(100) + b"\x03\x00>\x00",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00",
        bytes(range(1, 256)) * 4,
        b"SQLite format 3\x00" + bytes(80) + b"CREATE TABLE files (id)" + bytes(200),
        codecs.BOM_UTF16_LE + bytes(range(256)) * 10,
    ],
)
def test_binary_content_is_told_with_its_sign(content: bytes) -> None:
    found = decode(content)
    assert isinstance(found, NotText)
    assert found.detail


def test_text_in_other_single_byte_encodings_is_text() -> None:
    assert isinstance(decode("# Привет, мир: счётчик\ncount = 1\n".encode("koi8-r")), Decoded)
    assert isinstance(decode("# 日本語のコメント\ncount = 1\n".encode("shift-jis")), Decoded)


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_told_apart(content: bytes) -> None:
    found = decode(content)
    if isinstance(found, Decoded):
        found.text.encode("utf-8")  # no lone surrogates
        assert "\0" not in found.text
        assert not found.text.startswith("\ufeff") or content.count(codecs.BOM_UTF8) > 1 or found.encoding != "utf-8"


WORDS = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=12)


@given(
    st.lists(
        st.tuples(
            WORDS, st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cn", "Co", "Cs")), max_size=10)
        ),
        min_size=1,
    ),
    st.sampled_from(
        ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp1252", "koi8-r", "big5", "euc-jp", "mixed"]
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_no_ascii_identifier_is_lost(lines: list[tuple[str, str]], encoding: str, end: str) -> None:
    parts = []
    for number, (word, comment) in enumerate(lines):
        codec = ("utf-8", "latin-1")[number % 2] if encoding == "mixed" else encoding
        codec = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(codec, codec)
        parts.append(f"{word} = 1 ;# {comment}{end}".encode(codec, "replace"))
    marks = {"utf-8-sig": codecs.BOM_UTF8, "utf-16": codecs.BOM_UTF16_LE, "utf-32": codecs.BOM_UTF32_LE}
    found = text_of(marks.get(encoding, b"") + b"".join(parts))
    for word, _ in lines:
        assert f"{word} = 1 ;" in found.text
