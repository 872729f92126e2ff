"""What of a query may stand in code as it is written: all of it, code-like parts, a place in a file, quoted text.

How it stands there is the business of `verbatim.py`, `phrases.py` and `format_strings.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from indexer.search.format_strings import MIN_FORMAT_WORDS
from indexer.search.query import STEPS, STOP_WORDS, Query, QueryKind, bare_name, is_code_name

MIN_CONSTANT_WORDS = 3
LEADING_WORDS = 4
"""A message begins with words of its format, whatever values it ends with."""
MIN_TELLING_WORDS = 4
MAX_PARTS = 4
MAX_WORDS = 40

_CODE_PART = re.compile(
    r"--?[A-Za-z][\w-]*+"  # a flag
    r"|_*[A-Z][A-Z0-9]*_[A-Z0-9_]*+"  # a constant
    r"|\$\{?\w++\}?"  # a variable
    r"|[A-Za-z_][\w-]*+(?:(?:\.|::|->|/)[A-Za-z_][\w-]*+){2,}"  # a key or name of three steps and more
    r"|[A-Z]{1,6}-?\d{3,}|0x[0-9A-Fa-f]{2,}"  # a code such as E501
)
_EDGES = "`'\"()[]{}<>.,;:!?"
_QUOTED = re.compile(r'(?<!\S)"([^"\n]+)"(?!\S)')
_PLACE = re.compile(r"(?<!\S)([^\s:]*[^\s:/]\.\w+)(?::|, line )(\d{1,7})(?![\w.])")
_WORD = re.compile(r"\w+")
# What has a digit or the like goes up to its last character that ends no sentence. It is looked for where it can begin,
# and not far, since a query may be a hostile text without blanks.
_WITHOUT = re.compile(
    r"'[^'\n]{0,80}'|`[^`\n]{0,80}`|\"[^\"\n]{0,80}\""
    r"|(?<![^\s'`\"])(?=[^\s\d/\\_=]{0,400}+[\d/\\_=])\S*[^\s:;,.)\]]"
)
_PLAIN = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+)(?:[ -](?:[A-Z]?[a-z]+|[A-Z]+))*")
_SPACE = re.compile(r"\s+")
_PREFIXED = re.compile(r"[^\s:]+(?:::[^\s:]+)*:\s+(?=\S+\s+\S)")  # an exception's name, or who speaks


@dataclass(frozen=True)
class Literals:
    """The whole query, its code-like parts, the places in files that it names, and how many words are in quotes.

    `outside` are the parts that stand outside double quotes.
    """

    whole: str
    parts: tuple[str, ...]
    places: tuple[tuple[str, int], ...]
    quoted: int = 0
    outside: tuple[str, ...] = ()

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the whole query, lower-cased."""
        return tuple(word.lower() for word in _WORD.findall(self.whole)[:MAX_WORDS])

    @property
    def is_message(self) -> bool:
        """Whether so many words stand outside quotes that these may be part of a message, around a value."""
        return self.quoted > 0 and len(self.words) - self.quoted >= MIN_FORMAT_WORDS

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The whole query, and it without what stands before a message: an exception's name, `error:`."""
        prefix = _PREFIXED.match(self.whole)
        return (self.whole, self.whole[prefix.end() :]) if prefix else (self.whole,)

    @cached_property
    def constant(self) -> list[tuple[str, ...]]:
        """The words without what looks like values of an error text; those around its first colon; its first few."""
        told = _WITHOUT.sub(" ", self.whole)
        message = _WITHOUT.sub(" ", self.texts[-1])
        sides = [told, *told.partition(": ")[::2], told.rpartition(":")[0]]
        if not self.is_plain:
            sides += [" ".join(_WORD.findall(message)[:LEADING_WORDS])]
        found = (tuple(word.lower() for word in _WORD.findall(side)[:MAX_WORDS]) for side in sides)
        return [words for words in dict.fromkeys(found) if len(words) >= MIN_CONSTANT_WORDS]

    @cached_property
    def told(self) -> tuple[str, ...]:
        """The words of the message that do not look like values of it, each once."""
        found = _WORD.findall(_WITHOUT.sub(" ", self.texts[-1]))
        return tuple(dict.fromkeys(word.lower() for word in found[:MAX_WORDS]))

    @property
    def is_plain(self) -> bool:
        """Whether it is nothing but plain words, as a question is."""
        return not self.quoted and _PLAIN.fullmatch(self.whole) is not None

    @property
    def is_key(self) -> bool:
        """Whether the whole query is one word with a dash in it, as keys and options have."""
        return "-" in self.whole and not _SPACE.search(self.whole)

    @property
    def is_telling(self) -> bool:
        """Whether the whole query is more than a few plain words, which stand somewhere by chance."""
        plain = self.is_plain and not self.is_key
        return not plain or len(self.words) >= MIN_TELLING_WORDS or not STOP_WORDS.isdisjoint(self.words[1:])


def read_literals(query: Query) -> Literals:
    """Return the literals of a query; a long text has none but the places that it names."""
    whole = _QUOTED.sub(lambda match: match[1], query.text)
    places = tuple((match[1], int(match[2])) for match in _PLACE.finditer(query.text))
    if query.is_long or "\n" in query.text:
        return Literals("", (), places)
    if query.kind is QueryKind.CODE:
        return Literals(whole, (), places)
    if not _SPACE.search(whole):
        return Literals(whole, _last_step(whole), places)
    quoted = sum(len(_WORD.findall(text)) or 1 for text in _QUOTED.findall(query.text))
    return Literals(whole, _code_parts(whole), places, quoted, _code_parts(_QUOTED.sub(" ", query.text)))


def _code_parts(text: str) -> tuple[str, ...]:
    """Return the words of a text that are written as only code is."""
    written = (token.strip(_EDGES) for token in text.split())
    return tuple(dict.fromkeys(token for token in written if _CODE_PART.fullmatch(token)))[:MAX_PARTS]


def _last_step(written: str) -> tuple[str, ...]:
    """Return the last step of a key such as `gui.skipWarning`, whose other steps are lines above it where it is set."""
    *before, last = STEPS.split(bare_name(written))
    return (last,) if before and (is_code_name(last) or "-" in last.strip("-")) else ()


def required(query: Query) -> tuple[str, ...]:
    """Return what stands in double quotes with blanks around and so must stand verbatim in whatever is found.

    In code, and in error messages, quotes are part of the text.
    """
    if query.is_long or query.kind in (QueryKind.CODE, QueryKind.ERROR):
        return ()
    return tuple(dict.fromkeys(_QUOTED.findall(query.text)))[:MAX_PARTS]
