"""What a query asks for: its kind, the terms to look up, and the names, paths and quotes found in it.

Short queries are taken as they are. Long ones (issue texts, stack traces) are read for what tells most: paths,
identifiers, quoted code, and the opening lines; headings not at all, the rest by how often a word comes back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress

from indexer.errors import ConfigError
from indexer.languages.analyzer import join, parts, stem
from indexer.languages.registry import LANGUAGES

MAX_QUERY_CHARS = 40_000
"""What follows is not read: no issue text is longer, and time stays bounded."""
LONG_QUERY_WORDS = 40
"""From here on a query is a text about the code rather than a question, and is summarised."""
MAX_TERMS = 40
MAX_IDENTIFIERS = 32
MAX_PATHS = 16
MAX_COMPOUND_WORDS = 3
_OPENING_WORDS = 30


class QueryKind(StrEnum):
    """What sort of text a query is; fusion weighs the retrievers by it."""

    SYMBOL = "symbol"
    PATH = "path"
    NATURAL = "natural"
    ERROR = "error"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Query:
    """A query after reading.

    `words` maps stemmed words to weights; `wholes` maps whole identifiers as the analyzer joins them, written so or as
    adjacent words (`parse url` for `parseUrl`). `names` are identifiers as written and `qualified` the dotted ones,
    both the most telling first. `paths` are what look like files. `embedded` is the text for the encoder.
    """

    text: str
    kind: QueryKind
    words: dict[str, float]
    wholes: dict[str, float]
    names: tuple[str, ...]
    qualified: tuple[str, ...]
    paths: tuple[str, ...]
    embedded: str

    @property
    def is_long(self) -> bool:
        """Whether the query is a text rather than a question."""
        return self.text.count(" ") >= LONG_QUERY_WORDS


_STOP_WORDS = """
a about after all also am an and any anybody anyone anything are aren as at be because been before being both
but by can cannot could couldn did didn do does doesn doing don done each either else ever every everyone
everything few find for from get gets getting give given go goes going got had has hasn have haven having he
hello help her here hers hi him his how however i if in into is isn it its itself just kind know let like ll
look looking looks make makes many may maybe me might mine more most much must my need needs neither no nor not
of off often on once only onto or other our ours out over own perhaps please possible rather re really same see
seem seems seen she should shouldn show shows since so some somebody someone something somewhere still such than
thank thanks that the their theirs them then there these they thing things this those through thus to together
too under until up upon us use used uses using usually ve very via want wants was wasn way ways we well went
were weren what whatever when where whether which while who whom whose why will with within without won would
wouldn yes yet you your yours
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words of questions that say nothing of code; programming words such as `if` or `for` count when they stand alone."""

# A query may be a hostile text of MAX_QUERY_CHARS, so that no pattern here may try the same characters from many
# places: repetitions are possessive or atomic wherever what follows can't begin with what they took, `.` and blanks
# stay within a line, and a path begins only where its characters begin.
_WORD = re.compile(r"\w+")
_IDENTIFIER = re.compile(r"[^\W\d][\w$]*(?:(?:::|\.|->|#|\\)[^\W\d][\w$]*)*")
STEPS = re.compile(r"::|:(?=[^\W\d])|\.|->|#|\\")
"""What stands between the names of a qualified name."""
_PATH = re.compile(
    r"(?<![\w./\\@+-])"
    r"(?:(?:[A-Za-z]:)?[\w.@+-]*+(?:[/\\][\w.@+-]++)++|[\w@+-]++(?:\.[\w@+-]++)*\.\w{1,10}\b)"
)
_QUOTED = re.compile(r"```\w*\n(.*?)```|`([^`\n]+)`|\"([^\"\n]{2,80})\"|'([^'\n]{2,80})'", re.DOTALL)
_TRACE = re.compile(
    r"Traceback \(most recent call last\)"
    r"|^[^\S\n]*+File \"[^\"\n]++\", line \d"
    r"|^[^\S\n]*+at .+[\w./\\<>-]:\d++(?::\d++)?\)?[^\S\n]*+$"
    r"|panicked at|goroutine \d++ \[|Exception in thread|[Ss]egmentation fault"
    r"|^[^\S\n]*+(?:\w++\.)*+\w*(?:Error|Exception|Warning|Panic)\b(?::| in | at )"
    r"|\berror(?:\[\w++\])?: |^[^\S\n]*+fatal(?: error)?: ",
    re.MULTILINE,
)
_HEADING = re.compile(r"(?<=\n)#{2,6}[^\S\n][^`_\n]*+$", re.MULTILINE)
"""A heading below the first line: of the form that issues are written in, if it is of plain words."""
_CODE_MARK = re.compile(
    r"[{};]\s*+$|^\s*+(?:def|class|func|fn|function|public|private|static|return|import|from|const|let|var|if|for|while)\b"
    r".*[:({;=]|=>|->|[!=]==?|^(?>.*?\w\()(?>.*\))\s*+[;{]?$|\+=|&&|\|\||::<"
)
_MEMBER = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*+:[^\W\d]\w*+")
"""A member as Erlang and Lua write it, which elsewhere may be a key and its value: no more than a whole query."""
_CALLED = re.compile(r"\(\)$|(?<=[\w?!])/\d{1,2}$")
_EXTENSIONS = frozenset(extension for language in LANGUAGES.values() for extension in language.extensions)


def read_query(text: str) -> Query:
    """Return what a query asks for; raises ConfigError when it is empty."""
    text = text.strip()[:MAX_QUERY_CHARS]
    if not text:
        raise ConfigError("the query is empty; say what to look for")
    kind = classify(text)
    paths = (text,) if kind is QueryKind.PATH else tuple(_paths(text))
    long = len(_WORD.findall(text)) >= LONG_QUERY_WORDS
    told = _HEADING.sub("", text) if long else text
    identifiers = [] if kind is QueryKind.PATH else _identifiers(_PATH.sub(_without_path, told))
    words, wholes = _weights(told, identifiers) if long else _terms(text)
    return Query(
        text=text,
        kind=kind,
        words=words,
        wholes=wholes,
        names=tuple(dict.fromkeys(STEPS.split(name)[-1] for name in identifiers))[:MAX_IDENTIFIERS],
        qualified=tuple(name for name in identifiers if STEPS.search(name))[:MAX_IDENTIFIERS],
        paths=paths[:MAX_PATHS],
        embedded=_summary(told) if long else text,
    )


def classify(text: str) -> QueryKind:
    """Return what sort of text a query is, by its form alone."""
    if not re.search(r"\s", text):
        if _PATH.fullmatch(text) and ("/" in text or _looks_like_path(text)):
            return QueryKind.PATH
        name = bare_name(text)
        if _IDENTIFIER.fullmatch(name) or _MEMBER.fullmatch(name):
            return QueryKind.SYMBOL
    if _TRACE.search(text):
        return QueryKind.ERROR
    lines = [line for line in text.splitlines() if line.strip()]
    marked = sum(1 for line in lines if _CODE_MARK.search(line))
    if marked * 2 > len(lines):
        return QueryKind.CODE
    return QueryKind.NATURAL


def bare_name(written: str) -> str:
    """Return a name without the `()` of a call, or the `/2`, arguments, that Erlang and Elixir write after it."""
    return _CALLED.sub("", written)


def is_code_name(word: str) -> bool:
    """Whether a word is written as only identifiers are: with an inner capital, an underscore, a digit or a path."""
    return bool(STEPS.search(word)) or "_" in word.strip("_") or len(parts(word)) > 1


def _terms(text: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return every word but stop words, and identifiers of several parts with those that adjacent words spell."""
    found = _WORD.findall(text)
    tells = [word.lower() not in STOP_WORDS for word in found]
    kept = [*compress(found, tells)] or found
    parts_of = {word: parts(word) for word in found}
    words: dict[str, float] = {}
    wholes: dict[str, float] = {}
    for word in kept:
        pieces = parts_of[word]
        for term in {stem(piece): 1 for piece in pieces}:
            words[term] = min(words.get(term, 0.0) + 1.0, 2.0)
        if len(pieces) > 1:
            wholes[join(pieces)] = 1.0
    for size in range(2, MAX_COMPOUND_WORDS + 1):
        for start in range(len(found) - size + 1):
            window = found[start : start + size]
            whole = join([piece for word in window for piece in parts_of[word]])
            if whole and not STOP_WORDS.issuperset(word.lower() for word in window):
                wholes.setdefault(whole, 0.7)
    return words, wholes


def _weights(text: str, identifiers: Iterable[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the terms of a long text that tell most, with weights that grow slowly with their count."""
    counts: Counter[str] = Counter()
    found = _WORD.findall(text)
    opening = set(found[:_OPENING_WORDS])
    quoted = {
        word for match in _QUOTED.finditer(text) for group in match.groups() if group for word in _WORD.findall(group)
    }
    wholes: Counter[str] = Counter()
    for word, times in Counter(found).items():
        if word.lower() in STOP_WORDS or word.isdigit():
            continue
        pieces = parts(word)
        gain = times * (1.0 + (word in opening) + 0.5 * (word in quoted))
        for piece in dict.fromkeys(pieces):
            if len(piece) > 1:
                counts[stem(piece)] += gain  # type: ignore[assignment]
        if len(pieces) > 1:
            wholes[join(pieces)] += gain  # type: ignore[assignment]
    named = {stem(piece) for piece in {piece for name in identifiers for piece in parts(name)}}
    scored = {word: (count**0.5) * (1.5 if word in named else 1.0) for word, count in counts.items()}
    best = sorted(scored, key=lambda word: (-scored[word], word))[:MAX_TERMS]
    top = max((scored[word] for word in best), default=1.0)
    best_wholes = sorted(wholes, key=lambda word: (-wholes[word], word))[:MAX_IDENTIFIERS]
    return {word: scored[word] / top for word in best}, dict.fromkeys(best_wholes, 1.0)


def _identifiers(text: str) -> list[str]:
    """Return what may be a name in code: first what only code writes so, then by how often it comes."""
    counts = Counter(_IDENTIFIER.findall(text))
    kept = [name for name in counts if name.lower() not in STOP_WORDS] or list(counts)
    return sorted(kept, key=lambda name: (not is_code_name(name), -counts[name]))


def _without_path(match: re.Match[str]) -> str:
    return " " if _looks_like_path(match.group()) else match.group()


def _paths(text: str) -> Iterable[str]:
    seen: dict[str, None] = {}
    for match in _PATH.finditer(text):
        path = match.group().replace("\\", "/").rstrip(".")
        if _looks_like_path(path):
            seen.setdefault(path)
    return seen


def _looks_like_path(text: str) -> bool:
    """Whether a text without blanks names a file of a known language, or has two or more steps and an extension."""
    name = text.replace("\\", "/").rsplit("/", 1)[-1]
    stem_, dot, extension = name.rpartition(".")
    if dot and stem_ and extension.lower() in _EXTENSIONS:
        return True
    return "/" in text and "//" not in text and bool(dot and stem_ and extension.isalnum() and len(extension) <= 5)


def _summary(text: str) -> str:
    """Return what an encoder of a few hundred tokens should read of a long text: its opening, and the last error."""
    prose = re.sub(r"```.*?```", " ", text, flags=re.DOTALL)
    lines = [line.strip() for line in prose.splitlines() if line.strip()]
    errors = [line for line in text.splitlines() if _TRACE.search(line)]
    return " ".join([*lines, *errors[-1:]])[:1200]
