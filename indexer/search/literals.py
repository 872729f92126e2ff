"""What of a query may stand in code as it is written: all of it, code-like parts, a place in a file, quoted text.

Words are compared as a text's words in a row, whatever stands between them; where the text has the value of a format
string (`%s`, `{name!r}`, `${x}`), the query may have up to MAX_VALUE_WORDS words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from indexer.search.query import Query, QueryKind

MAX_VALUE_WORDS = 6
MAX_PARTS = 4
MAX_WORDS = 40
MAX_VALUES = 3
_VALUE = "\0"
_BETWEEN = f" {_VALUE} "

_CODE_PART = re.compile(
    r"--?[A-Za-z][\w-]*+"  # a flag
    r"|[A-Z][A-Z0-9]*_[A-Z0-9_]*+"  # a constant
    r"|\$\{?\w++\}?"  # a variable
    r"|[A-Za-z_][\w-]*+(?:(?:\.|::|->|/)[A-Za-z_][\w-]*+){2,}"  # a key or name of three steps and more
    r"|(?=\w*[A-Za-z])(?=\w*\d)\w{4,}+"  # a code such as E501
)
_EDGES = "`'\"()[]{}<>.,;:!?"
_QUOTED = re.compile(r'(?<!\S)"([^"\n]+)"(?!\S)')
_PLACE = re.compile(r"(?<!\S)([^\s:]*[^\s:/]\.\w+)(?::|, line )(\d{1,7})(?![\w.])")
_WORD = re.compile(r"\w+")
_ROW = re.compile(r"\w+|\0")
_PREFIX = re.compile(r"\b[bBfFrRuU]{1,2}(?=[\"'])")
_FORMAT = re.compile(
    r"%\(\w{1,40}\)[sdr]|%[-+#0 ]{0,3}\d{0,3}(?:\.\d{1,3})?(?:ll?|z)?[sdrfiuxXcpqvgT](?!\w)"
    r"|[#$]\{[^{}\n]{0,80}\}|\{[^{}\s\"]{0,60}\}|\"\s{0,3}PRI\w{1,6}\s{0,3}\"|(?<![\w$])\$[A-Za-z_]\w{0,40}|\\\([^()\n]{1,40}\)"
)
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Match:
    """Where words stand in a text: the line, from 0, and how much of what was asked they are, 0 to 1."""

    row: int
    share: float


@dataclass(frozen=True)
class Literals:
    """The whole query, its code-like parts, and the places in files that it names."""

    whole: str
    parts: tuple[str, ...]
    places: tuple[tuple[str, int], ...]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the whole query, lower-cased."""
        return tuple(word.lower() for word in _WORD.findall(self.whole)[:MAX_WORDS])


def read_literals(query: Query) -> Literals:
    """Return the literals of a query; a long text, or code, has none but the places that it names."""
    whole = _QUOTED.sub(lambda match: match[1], query.text)
    places = tuple((match[1], int(match[2])) for match in _PLACE.finditer(query.text))
    if query.is_long or query.kind is QueryKind.CODE or "\n" in query.text:
        return Literals("", (), places)
    if not _SPACE.search(whole):
        return Literals(whole, (), places)
    written = (token.strip(_EDGES) for token in whole.split())
    parts = [token for token in written if _CODE_PART.fullmatch(token)]
    return Literals(whole, tuple(dict.fromkeys(parts))[:MAX_PARTS], places)


def required(query: Query) -> tuple[str, ...]:
    """Return what stands in double quotes with blanks around and so must stand verbatim in whatever is found.

    In code, and in error messages, quotes are part of the text.
    """
    if query.is_long or query.kind in (QueryKind.CODE, QueryKind.ERROR):
        return ()
    return tuple(dict.fromkeys(_QUOTED.findall(query.text)))[:MAX_PARTS]


def verbatim(literal: str) -> re.Pattern[str]:
    """Return what finds the literal as it is written, not within a longer word or flag."""
    is_flag = literal.startswith("-")
    before = r"(?<![\w-])" if is_flag else r"(?<!\w)" if _is_word(literal[0]) else ""
    after = r"(?![\w-])" if is_flag else r"(?!\w)" if _is_word(literal[-1]) else ""
    return re.compile(before + re.escape(literal) + after)


def _is_word(character: str) -> bool:
    return character == "_" or character.isalnum()


def phrase(text: str, words: tuple[str, ...], weights: Mapping[str, float]) -> Match | None:
    """Return where most of the words, by their weights, stand in a row; None where no two do.

    `share` is the weight of those in the row, of all words that have one.
    """
    total = sum(weights.get(word, 0.0) for word in set(words))
    if not total:
        return None
    row = f" {' '.join(_ROW.findall(_FORMAT.sub(_BETWEEN, _PREFIX.sub('', text)).lower()))} "
    best: tuple[float, str] = (0.0, "")
    start = 0
    while start < len(words):
        run, end, held = _run(row, words, start)
        gain = sum(weights.get(word, 0.0) for word in set(held))
        if len(held) > 1 and gain > best[0]:
            best = (gain, run)
        start = max(start + 1, end) if len(held) > 1 else start + 1
    if not best[1]:
        return None
    return Match(_row_of(text, best[1]), min(1.0, best[0] / total))


def _run(row: str, words: tuple[str, ...], start: int) -> tuple[str, int, list[str]]:
    """Return the longest run from one word on as the text has it, the place after it, and the words it holds."""
    run, held, at = f" {words[start]} ", [words[start]], start + 1
    if run not in row:
        return "", at, []
    while at < len(words):
        if f"{run}{words[at]} " in row:
            run, at = f"{run}{words[at]} ", at + 1
        elif found := _past_values(row, words, run, at):
            run, at = found
        else:
            break
        held.append(words[at - 1])
    return run, at, held


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
    """Return the line on which a run of words begins."""
    first = run.split(_VALUE, maxsplit=1)[0].split()[:3]
    found = re.search(r"\W{1,40}?".join(map(re.escape, first)), text, re.IGNORECASE)
    return text.count("\n", 0, found.start()) if found else 0
