"""What of a query may stand in code as it is written: all of it, code-like parts, a place in a file, quoted text.

Words are compared as a text's words in a row, whatever stands between them; where the text has the value of a format
string (`%s`, `{name!r}`, `${x}`), the query may have up to MAX_VALUE_WORDS words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import NamedTuple

from indexer.languages.analyzer import words_apart
from indexer.search.query import STEPS, STOP_WORDS, Query, QueryKind, bare_name, is_code_name

MAX_VALUE_WORDS = 8
MAX_EDGE_WORDS = 12
"""What comes before or after all constant words of a text is often a longer value: a path, an address, an error."""
MIN_CONSTANT_WORDS = 3
LEADING_WORDS = 4
"""A message begins with words of its format, whatever values it ends with."""
MIN_TELLING_WORDS = 4
MIN_FORMAT_WORDS = 3
"""So many constant words of a format string are no chance."""
FEW_FORMAT_WORDS = 2
"""So many are enough in a format string of which the whole message is made, to the letter."""
MAX_PARTS = 4
MAX_WORDS = 40
MAX_VALUES = 3
MAX_STARTS = 16
MAX_CHARS = 600
"""How many places that begin as a message does are read to see which goes on so, and how far."""
_VALUE = "\0"
_BETWEEN = f" {_VALUE} "

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
_ROW = re.compile(r"\w+|\0")
_PREFIX = re.compile(r"[bBfFrRuU](?<!\w\w)[bBfFrRuU]?(?=[\"'])")
_FORMAT = re.compile(  # each way begins with a character of its own, which is found faster
    r"%\(\w{1,40}\)[sdr]|%L?[1-9](?:\$\w|(?!\w))|%(?<!\d%)[-+#0]{0,3}(?:\d{1,3}|\*)?(?:\.(?:\d{1,3}|\*))?(?:hh?|ll?|z)?[sdrfiuxXcpqvgTw]"
    r"|#\{[^{}]{0,120}\}|\$\{[^{}]{0,120}\}|\{[^{}\s\"]{0,60}\}|\"\s{0,3}PRI\w{1,6}\s{0,3}\""
    r"|\$(?<![\w$]\$)(?:[A-Za-z_]\w{0,40}|[\d@*!](?!\w))|\\\([^()\n]{1,40}\)"
)
_STRING = re.compile(r"\"((?:[^\"\\\n]|\\.){0,200})\"|'((?:[^'\\\n]|\\.){0,200})'|`((?:[^`\\\n]|\\.){0,200})`")
_QUOTE = re.compile(r"\\([\"'`])")
# How strings and values are joined: with `+`, Lua's `..`, C++'s `<<`, PHP's `.`, or as what a logger is given next.
_JOIN = r"(?:\.\.|\+|<<)"
_DOT = r"\.(?=\s{0,3}\$)"
_BETWEEN_STRINGS = re.compile(
    rf"\s{{0,80}}(?:{_JOIN}(?:[^\"'`;]{{1,80}}?{_JOIN})?|{_DOT}[^\"'`;]{{1,80}}?\.)\s{{0,80}}"
)
_AFTER_STRING = re.compile(rf"\s{{0,80}}(?:{_JOIN}\s{{0,80}}[\w$*&@(]|{_DOT})")
_GIVEN_NEXT = re.compile(r"(?<=[:=]['\"`])\s{0,3},\s{0,80}[\w$*&@(]|(?<=[:=]\s['\"`])\s{0,3},\s{0,80}[\w$*&@(]")
_BEFORE_STRING = re.compile(rf"(?:[\w)\]]\s{{0,3}}{_JOIN}|\$[\w>-]{{1,40}}\s{{0,3}}\.)\s{{0,80}}$")
_JOIN_CHARS = 200
_HEAD_CHARS = 4
_MAY_BE_VALUE = re.compile(r"[%{$#\\]")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
# What has a digit or the like goes up to its last character that ends no sentence. It is looked for where it can begin,
# and not far, since a query may be a hostile text without blanks.
_WITHOUT = re.compile(
    r"'[^'\n]{0,80}'|`[^`\n]{0,80}`|\"[^\"\n]{0,80}\""
    r"|(?<![^\s'`\"])(?=[^\s\d/\\_=]{0,400}+[\d/\\_=])\S*[^\s:;,.)\]]"
)
_PLAIN = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+)(?:[ -](?:[A-Z]?[a-z]+|[A-Z]+))*")
_SPACE = re.compile(r"\s+")
_ESCAPE = re.compile(r"\\[nrt]")
_PREFIXED = re.compile(r"[^\s:]+(?:::[^\s:]+)*:\s+(?=\S+\s+\S)")  # an exception's name, or who speaks


@dataclass(frozen=True, slots=True)
class Match:
    """Where words stand in a text: the line, from 0, how much of what was asked they are, 0 to 1, and how many.

    `has_value` says whether some of the query stands for a value there.
    """

    row: int
    share: float
    words: int
    has_value: bool

    @property
    def is_format(self) -> bool:
        """Whether it is a format string's text, with values of the query in it."""
        return self.has_value and self.words >= MIN_FORMAT_WORDS


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


def quoted_name(flag: str) -> re.Pattern[str]:
    """Return what finds a flag's name in quotes, as a declaration of options has it."""
    return re.compile(rf"([\"'`]){re.escape(flag.lstrip('-'))}\1")


def option_line(flag: str) -> re.Pattern[str]:
    """Return what finds a flag's name in quotes on a line that speaks of options."""
    name = re.escape(flag.lstrip("-"))
    speaks = r"\w*(?:option|flag|switch)\w*\b|\w*_?arg(?:s|ument\w*)?\b|\balias\b"
    return re.compile(rf"(?im)^.{{0,80}}?(?:{speaks}).{{0,80}}?([\"'`]){name}\1")


def option_field(flag: str) -> re.Pattern[str]:
    """Return what finds the field that a flag's value has, with its type."""
    return re.compile(rf"(?<!\w){re.escape(flag.lstrip('-').replace('-', '_'))}(?=\s*:(?!:))")


def verbatim(text: str, literal: str) -> Iterator[tuple[int, int]]:
    """Yield where the literal stands in a text as it is written, not within a longer word, flag or key, as start and
    end."""
    is_flag = literal.startswith("-")
    is_key = "-" in literal and not _SPACE.search(literal)
    is_open = is_flag or _is_word(literal[0]), is_flag or _is_word(literal[-1])
    start = text.find(literal)
    while start >= 0:
        end = start + len(literal)
        # The character beside it, and the one beyond: `--` before a key is a flag's, `a-` another key's beginning.
        before = text[start - 1 : start], text[max(0, start - 2) : max(0, start - 1)]
        after = text[end : end + 1], text[end + 1 : end + 2]
        around = [own for own, is_checked in zip((before, after), is_open, strict=True) if is_checked and own[0]]
        if any(_is_word(own) or (own == "-" and (is_flag or (is_key and _is_word(more)))) for own, more in around):
            end = start + 1
        else:
            yield start, end
        start = text.find(literal, end)


def _is_word(character: str) -> bool:
    return character == "_" or character.isalnum()  # of no character, False


def phrase(text: str, words: tuple[str, ...], weights: Mapping[str, float]) -> Match | None:
    """Return where most of the words, by their weights, stand in a row; None where no two do.

    `share` is the weight of those in the row, of all words but those that stand for values there.
    """
    row = _in_one_row(text)
    best, share = _Run("", [], 0, 0), 0.0
    start = 0
    while start < len(words):
        run = _run(row, words, start)
        if len(run.held) > 1:
            gain = sum(weights.get(word, 0.0) for word in set(run.held))
            rest = set(words[: start - run.before] + words[run.end :]).difference(run.held)
            own = gain / ((gain + sum(weights.get(word, 0.0) for word in rest)) or 1.0)
            if own > share:
                best, share = run, own
            start = run.end
        else:
            start += 1
    if not best.text:
        return None
    return Match(_row_of(text, best.text), share, len(best.held), best.has_value)


def format_of(text: str, message: str) -> Match | None:
    """Return the format string with most words that makes the whole message, with values in it; None where none does.

    What is no value stands in the message to the letter and in order; a prefix of the message may be a logger's.
    """
    best: Match | None = None
    for start, parts in _formats(text, message):
        if len(parts) > 1 and _makes(parts, message):
            words = _LETTERS.findall(" ".join(parts).lower())
            if len(words) > (best.words if best else FEW_FORMAT_WORDS - 1) and not STOP_WORDS.issuperset(words):
                best = Match(text.count("\n", 0, start), 1.0, len(words), has_value=True)
    return best


def _formats(text: str, message: str) -> Iterator[tuple[int, list[str]]]:
    """Yield where strings begin that may be of a message, alone and put together, with the parts between values."""
    joined: list[str] = []
    start = end = 0
    for string in _STRING.finditer(text):
        content = string[1] or string[2] or string[3] or ""
        head = content[:_HEAD_CHARS]
        if head not in message and not _MAY_BE_VALUE.search(head):
            joined = []
            continue
        own = _FORMAT.split(_QUOTE.sub(r"\1", content))
        yield string.start(), own
        between = text[end : string.start()] if joined else ""
        if joined and len(between) <= _JOIN_CHARS and _BETWEEN_STRINGS.fullmatch(between):
            is_value = between.strip(" \n\t.+<") != ""
            joined = [*joined, *own] if is_value else [*joined[:-1], joined[-1] + own[0], *own[1:]]
        else:
            start = string.start()
            is_value = _BEFORE_STRING.search(text, max(0, start - _JOIN_CHARS), start) is not None
            joined = ["", *own] if is_value else own
        end = string.end()
        goes_on = _AFTER_STRING.match(text, end) or (len(own) == 1 and _GIVEN_NEXT.match(text, end))
        yield start, [*joined, ""] if goes_on else joined


def _makes(parts: Sequence[str], message: str) -> bool:
    """Whether a message is these parts with something between them, from the beginning of a word on."""
    first, *middle, last = parts
    start = message.find(first)
    at, end = start + len(first), len(message) - len(last)
    if start < 0 or (start and not message[start - 1].isspace()) or at > end or not message.endswith(last):
        return False
    for part in middle:
        found = message.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


@lru_cache(maxsize=64)
def _in_one_row(text: str) -> str:
    """Return the words and values of a text, which a search looks at several times, between blanks."""
    read = _FORMAT.sub(_BETWEEN, _ESCAPE.sub(" ", _PREFIX.sub("", text))).lower()
    words = words_apart(read) if read.isascii() and _VALUE not in text else _ROW.findall(read)
    return f" {' '.join(words)} "


class _Run(NamedTuple):
    """Words of a query in a row, from one to the place `end`, as a text has them; `before` stand for a value there."""

    text: str
    held: list[str]
    before: int
    end: int
    has_value: bool = False


def _run(row: str, words: tuple[str, ...], start: int) -> _Run:
    """Return the longest run from one word on."""
    run, held, at = f" {words[start]} ", [words[start]], start + 1
    if run not in row:
        return _Run("", [], 0, at)
    while at < len(words):
        if f"{run}{words[at]} " in row:
            run, at = f"{run}{words[at]} ", at + 1
        elif found := _past_values(row, words, run, at):
            run, at = found
        else:
            break
        held.append(words[at - 1])
    before = min(start, MAX_EDGE_WORDS) if f" {_VALUE}{run}" in row else 0
    end = min(at + MAX_EDGE_WORDS, len(words)) if f"{run}{_VALUE} " in row else at
    return _Run(run, held, before, end, _VALUE in run or before > 0 or end > at)


def _past_values(row: str, words: tuple[str, ...], run: str, at: int) -> tuple[str, int] | None:
    """Return the run with the next word after values that it goes on with, and the place after that word."""
    for _ in range(MAX_VALUES):
        run = f"{run}{_VALUE} "
        if run not in row:
            return None
        for place in range(at, min(at + MAX_VALUE_WORDS + 1, len(words))):
            if f"{run}{words[place]} " in row:
                return f"{run}{words[place]} ", place + 1
    return None


def _row_of(text: str, run: str) -> int:
    """Return the line on which a run of words begins, or where it is first told from other text."""
    words = run.split(_VALUE, maxsplit=1)[0].split()
    for first in range(max(1, len(words) - 1)):
        pattern = r"\W{1,40}?".join(map(re.escape, words[first : first + 3]))
        found = re.finditer(rf"(?<!\w){pattern}", text, re.IGNORECASE)
        starts = [match.start() for match in islice(found, MAX_STARTS)]
        if starts:
            rest = " ".join(["", *run.split()[first:], ""])
            # Of several texts that begin alike, the one that goes on so.
            begun = (at for at in starts if len(starts) > 1 and _in_one_row(text[at : at + MAX_CHARS]).startswith(rest))
            return text.count("\n", 0, next(begun, starts[0]))
    return 0
