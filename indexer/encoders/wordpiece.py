"""BERT's tokens without an engine: lower-case words without accents, each cut into the longest pieces of a vocabulary.

Devlin et al., "BERT" (2018), and Wu et al., "Google's Neural Machine Translation System" (2016), as the `tokenizers`
library has them. A word's pieces do not depend on its neighbours, so each word is cut once.
"""

from __future__ import annotations

import re
import string
import unicodedata
from array import array
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import chain, count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNKNOWN: Final = "[UNK]"
CONTINUED: Final = "##"
MAX_WORD: Final = 100
"""Characters; a longer word is unknown."""

MAX_KNOWN_WORDS: Final = 1 << 13
"""So many words are remembered; then the memory starts anew. Four times as many are no faster."""

_WORD: Final = re.compile(r"[^\x00-/:-@\[-`{-\x7f]+|[!-/:-@\[-`{-~]+")
"""A run of letters and digits, or one of ASCII punctuation, in normalised text."""

SIGNS: Final = frozenset(string.punctuation)

_BETWEEN: Final = "\0"
"""Stands between texts, and never in normalised text."""

_BLANKED: Final = bytes(byte if byte > 127 or not byte or chr(byte).isalnum() else 32 for byte in range(256))
"""Translates the UTF-8 of normalised texts to words between blanks."""

_CONTROLS: Final = bytes(byte for byte in (*range(1, 32), 127) if byte not in b"\t\n\r")
"""Not in normalised text."""

_NO_SIGNS: Final = bytes(byte for byte in range(1, 256) if chr(byte) not in string.punctuation)

_END: Final = -1
"""The number of what is between texts."""

_PLAIN: Final = re.compile(r"[\t\n\r -~]*")
_ODD: Final = re.compile(r"[^\t\n\r -~]+")
_SPACES: Final = frozenset("\t\n\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000").union(map(chr, range(0x2000, 0x200B)))
_IGNORED: Final = frozenset({"Cc", "Cf", "Co"})
_IDEOGRAPHS: Final = (
    range(0x3400, 0x4DC0),
    range(0x4E00, 0xA000),
    range(0xF900, 0xFB00),
    range(0x20000, 0x2A6E0),
    range(0x2A700, 0x2B740),
    range(0x2B740, 0x2B820),
    range(0x2B920, 0x2CEB0),
    range(0x2F800, 0x2FA20),
)
"""The blocks that the `tokenizers` library splits into single characters."""


class WordPieces:
    """Text to token numbers: those of `tokenizers` for the same vocabulary, without special tokens and without a limit.

    They differ in two things. The names of special tokens are read as the text that they are: `[MASK]` is `[`, `mask`,
    `]`. And whether a character is a mark, a format character or punctuation is asked of Python's Unicode version,
    which is newer than the library's and knows a few hundred more of rare scripts. Lone surrogates count as question
    marks, as they do for the transformer.
    """

    def __init__(self, vocabulary: Sequence[str], whole: Sequence[str] = ()) -> None:
        """Take the tokens by number; raises ValueError when there is none for unknown words.

        Words of `whole` are not cut; their numbers come after the vocabulary's.
        """
        self._numbers = dict(zip(vocabulary, count(), strict=False))
        if UNKNOWN not in self._numbers:
            raise ValueError(f"the vocabulary has no {UNKNOWN}")
        self._unknown = (self._numbers[UNKNOWN],)
        self._whole = dict(zip(whole, count(len(vocabulary)), strict=False))
        self._known = _Known(self)

    def tokens(self, text: str) -> list[int]:
        """Return the numbers of a text's tokens, in order."""
        return memoryview(self._cut(words(text))).cast("i").tolist()

    def unordered(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the numbers of the tokens of some texts, int32[n], and for each the place of its text, int64[n].

        A text's are those of `tokens`, its words before its signs. In code half of the tokens are signs, which are
        found by their bytes; what is left are words between blanks.
        """
        import numpy as np  # who only counts tokens has no need of it

        joined = f" {_BETWEEN} ".join(map(_plain, texts)).encode()
        of_words = self._cut(joined.translate(_BLANKED, _CONTROLS).decode().split())
        signs = np.frombuffer(joined.translate(None, _NO_SIGNS), np.uint8)
        numbers = np.concatenate((np.frombuffer(of_words, np.int32), [_END], self._signs[signs]), dtype=np.int32)
        is_end = numbers == _END
        kept = np.flatnonzero(~is_end)
        return numbers[kept], np.cumsum(is_end)[kept] % max(1, len(texts))

    def _cut(self, words: Sequence[str]) -> bytes:
        """Return the pieces of words, int32 each; what is between two texts has a number of its own."""
        if len(self._known) > MAX_KNOWN_WORDS:
            self._known.clear()
        self._known[_BETWEEN] = _packed((_END,))
        return b"".join(map(self._known.__getitem__, words))

    @cached_property
    def _signs(self) -> NDArray[np.int32]:
        """The numbers of ASCII characters that are signs, int32[128], and of what is between texts."""
        import numpy as np

        return np.array([_END, *(self.cut(chr(byte))[0] for byte in range(1, 128))], np.int32)

    def cut(self, word: str) -> tuple[int, ...]:
        """Return the numbers of a word's pieces: the longest beginning in the vocabulary, then the rest likewise.

        A sign of ASCII punctuation is a word of its own; a run of them is cut into its signs.
        """
        size = len(word)
        if word[0] in SIGNS and size > 1:
            return tuple(chain.from_iterable(map(self.cut, word)))
        known = self._numbers
        if (number := self._whole.get(word, known.get(word))) is not None:
            return (number,)
        if size > MAX_WORD:
            return self._unknown
        pieces: list[int] = []
        start = 0
        continued, longest, longest_first = self._continued
        stop = longest_first.get(word[:3], 2)
        while start < size:
            if stop > size:  # noqa: PLR1730 - calls of min would take a sixth of the time
                stop = size
            while (number := known.get(word[start:stop])) is None:
                stop -= 1
                if stop == start:
                    return self._unknown
            pieces.append(number)
            start, known = stop, continued
            stop += longest.get(word[start : start + 3], 2)
        return tuple(pieces)

    @cached_property
    def _continued(self) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
        """The pieces that continue a word, by what they add to it, and by three characters the longest of those, and of
        those that begin one.

        Most words that are cut are rare ones of many short pieces; made at the first one, since a load must be quick.
        """
        begins = len(CONTINUED)
        continued = {piece[begins:]: number for piece, number in self._numbers.items() if piece[:begins] == CONTINUED}
        return continued, _longest(continued), _longest(self._numbers)


def _longest(pieces: Iterable[str]) -> dict[str, int]:
    """Return how long the longest piece is by its first three characters."""
    longest: dict[str, int] = {}
    for piece in pieces:
        beginning = piece[:3]
        if len(piece) > longest.get(beginning, 0):
            longest[beginning] = len(piece)
    return longest


class _Known(dict[str, bytes]):
    """Words and their pieces, packed; a new word is cut when it is asked for."""

    def __init__(self, pieces: WordPieces) -> None:
        super().__init__()
        self._cut = pieces.cut

    def __missing__(self, word: str) -> bytes:
        pieces = self[word] = _packed(self._cut(word))
        return pieces


def _packed(numbers: Sequence[int]) -> bytes:
    """Return numbers as int32, of which bytes are joined faster than they are read one by one."""
    return array("i", numbers).tobytes()


def words(text: str) -> list[str]:
    """Return the words of a text and the signs between them, lower-case, without accents and control characters."""
    return _WORD.findall(normalize(text))


def normalize(text: str) -> str:
    """Return text as BERT reads it, with spaces around ideographs and around punctuation outside ASCII."""
    return (text if _PLAIN.fullmatch(text) else _ODD.sub(_normalized, text)).lower()


def _plain(text: str) -> str:
    """Return text as `normalize` does, save that control characters may stay in it, of which none is NUL."""
    return text.lower() if text.isascii() and "\0" not in text else normalize(text)


def _normalized(run: re.Match[str]) -> str:
    """Return a run of characters that are no plain ASCII; what stands around it changes nothing in it."""
    return _known_run(run[0]) if len(run[0]) <= MAX_WORD else _normalized_run(run[0])


def _normalized_run(run: str) -> str:
    return unicodedata.normalize("NFD", run.translate(_SEPARATED)).translate(_SIMPLIFIED)


_known_run = lru_cache(maxsize=MAX_KNOWN_WORDS)(_normalized_run)


def _separated(character: str) -> str:
    if character in _SPACES:
        return " "
    category = unicodedata.category(character)
    if category == "Cs":
        return "?"
    if character == "\ufffd" or category in _IGNORED:
        return ""
    return f" {character} " if any(ord(character) in block for block in _IDEOGRAPHS) else character


def _simplified(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Mn":
        return ""
    is_punctuation = category.startswith("P") and not character.isascii()
    return f" {character} " if is_punctuation else character.lower()


class _Translation(dict[int, str]):
    """What becomes of each character, found when it is asked for."""

    def __init__(self, separate: bool) -> None:
        super().__init__()
        self._rule = _separated if separate else _simplified

    def __missing__(self, point: int) -> str:
        replacement = self[point] = self._rule(chr(point))
        return replacement


_SEPARATED: Final = _Translation(separate=True)
_SIMPLIFIED: Final = _Translation(separate=False)
