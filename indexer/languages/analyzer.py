"""Text to terms, the same when indexing and when searching.

A word is a run of letters, digits and underscores. An identifier of several parts yields itself and its parts, split at
underscores, at case and between letters and digits. Parts are stemmed (Snowball English, Porter 2001); whole
identifiers are not, but are written without case and underscores, so that `parse_url`, `parseUrl` and `ParseURL` are
one term. A flag (`--no-color`) is a term as it is written, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, compress

from py_rust_stemmers import SnowballStemmer

MAX_TERM_CHARS = 64
"""Longer words are data (hashes, base64), not names; their first parts are kept."""
_MAX_PARTS = 12
_MAX_KNOWN_WORDS = 1 << 13
"""So many words are remembered with their terms; then the memory starts anew. Four times as many are no faster."""

FLAG = re.compile(rf"(?<![\w!<-])--[A-Za-z][\w-]{{1,{MAX_TERM_CHARS - 3}}}+(?![\w-])")

_WORD = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]{2,}s(?![^\W\d_A-Z])|[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_BLANKED = bytes(byte if chr(byte).isalnum() or byte in b"_" else 32 for byte in range(128)) + bytes(128)
"""Translates ASCII to letters, digits and underscores between blanks."""
_BETWEEN = "\0"
"""Stands between texts, and is kept where they are blanked."""
_BLANKED_APART = _BETWEEN.encode() + _BLANKED[1:]
_stemmer = SnowballStemmer("english")


def terms(text: str) -> list[str]:
    """Return the terms of a text: its flags, then those of its words, in order."""
    found = _flags(text)
    for word in _words(text):
        found.extend(word_terms(word))
    return found


def indexed_text(text: str) -> str:
    """Return the terms of a text joined by spaces, for a tokenizer that splits at white space."""
    flags = "".join([f"{flag} " for flag in _flags(text)])
    return (flags + "".join(map(_spaced.__getitem__, _words(text))))[:-1]


def indexed_texts(texts: Sequence[str]) -> list[str]:
    """Return what `indexed_text` does of each text; the words of all those of plain ASCII are found at once."""
    is_plain = [text.isascii() and "--" not in text and _BETWEEN not in text for text in texts]
    joined = f" {_BETWEEN} ".join(compress(texts, is_plain))
    found = iter("".join(map(_spaced.__getitem__, words_apart(joined))).split(_BETWEEN))
    return [next(found)[:-1] if plain else indexed_text(text) for text, plain in zip(texts, is_plain, strict=True)]


def words_apart(text: str) -> list[str]:
    """Return the words of a text of plain ASCII; NUL characters that stand between blanks are words, too."""
    return text.encode().translate(_BLANKED_APART).decode().split()


def _flags(text: str) -> list[str]:
    return FLAG.findall(text) if "--" in text else []


def _words(text: str) -> list[str]:
    if text.isascii():
        return text.encode().translate(_BLANKED).decode().split()  # a third of the expression's time
    return _WORD.findall(text)


class _Known(dict[str, tuple[str, ...]]):
    """Words and their terms; those of a new word are found when it is asked for."""

    def __missing__(self, word: str) -> tuple[str, ...]:
        if len(self) >= _MAX_KNOWN_WORDS:
            self.clear()
        found = self[word] = _terms_of_word(word)
        return found


_known = _Known()


class _Spaced(dict[str, str]):
    """Words and their terms, a space after each: what is indexed is joined of these."""

    def __missing__(self, word: str) -> str:
        if len(self) >= _MAX_KNOWN_WORDS:
            self.clear()
            self[_BETWEEN] = _BETWEEN
        found = self[word] = "".join([f"{term} " for term in _terms_of_word(word)])
        return found


_spaced = _Spaced({_BETWEEN: _BETWEEN})


def word_terms(word: str) -> tuple[str, ...]:
    """Return the terms of one word: the whole identifier first, then its parts."""
    return _known[word]


def terms_of_words(text: str) -> Iterable[str]:
    """Return the terms of the words of a text, without its flags."""
    return chain.from_iterable(map(_known.__getitem__, _words(text)))


def beginning(term: str) -> str:
    """Return what every word of plain ASCII that has the term holds, in lower case and without underscores.

    Of its last letters the stemmer changes the last alone, but in `die`, `lie` and `tie`, which may be `dying`.
    """
    return term[:1] if len(term) == 3 and term.endswith("ie") else term[:-1] or term


def _terms_of_word(word: str) -> tuple[str, ...]:
    if word.isalpha() and word.islower() and len(word) <= MAX_TERM_CHARS:
        return (stem(word),)  # of one part, as most are
    pieces = parts(word)
    stems = tuple(stem(piece) for piece in pieces)
    if len(pieces) <= 1 or len(word) > MAX_TERM_CHARS:
        return stems
    return (join(pieces), *stems)


def parts(word: str) -> list[str]:
    """Return the parts of a word, lower-cased; those too long to be names are left out."""
    is_plain = word.islower() and word.replace("_", "").isalpha()  # as most are
    found = [*filter(None, word.split("_"))] if is_plain else _PART.findall(word)
    return [part.lower() for part in found[:_MAX_PARTS] if len(part) <= MAX_TERM_CHARS]


def join(pieces: Iterable[str]) -> str:
    """Return the term of a whole identifier with these lower-case parts."""
    return "".join(pieces)


@lru_cache(maxsize=_MAX_KNOWN_WORDS)
def stem(word: str) -> str:
    """Return the stem of a lower-case word."""
    return str(_stemmer.stem_word(word))
