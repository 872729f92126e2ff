"""Globs over paths, in the syntax of .gitignore with braces, as ripgrep's walker reads them.

A glob without a slash names a file or folder at any depth; with one it starts at the root. `*` and `?` stay within a
step, `**` as a whole step spans any number of them, `[a-z]` and `[!a-z]` are one character, `{a,b}` are alternatives,
and a backslash takes the next character as it is. A folder stands for all that is in it; with a slash at its end a glob
names folders alone.

A stranger may write a glob, so none may take long: `path_pattern` is for engines of automata, and `compile_glob` for
Python's re, which tries all ways to match. There each brace is written out, and `indexer.wildcards` bounds the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby

from indexer.errors import ConfigError
from indexer.wildcards import Piece, bounded_regex

MAX_GLOB_CHARS = 256
"""Longer ones take an engine of automata seconds to refuse."""
MAX_WILDCARDS = 16
"""In turn, where automata match: each state that one more makes is known to all before it."""
MAX_DEPTH = 8
"""Of braces within braces."""
MAX_ALTERNATIVES = 100
"""Of braces written out, where Python's re matches."""

_TOKEN = re.compile(
    r"""
    (?P<deep>(?:(?<=/)|\A)(?:\*\*/)+)
  | (?P<rest>(?:(?<=/)|\A)\*\*\Z)
  | (?P<star>\*+)
  | (?P<any>\?)
  | \[(?P<negated>[!^]?)(?P<set>\]?[^\]]*)\]
  | \\(?P<escaped>.)
  | (?P<broken>[\[\\])
  | (?P<open>\{) | (?P<close>\}) | (?P<comma>,)
  | (?P<literal>.)
    """,
    re.VERBOSE | re.DOTALL,
)

_WILD = {"deep": "((?s:.)*/)?", "rest": "(?s:.)+", "star": "[^/]*", "any": "[^/]"}


def path_pattern(glob: str) -> str:
    """Return the regular expression for whole paths of a glob: classes, groups and `(?s:.)` are all that it uses.

    Raises ConfigError, which says what is wrong with the glob, for one that is malformed, too long, or matches nothing.
    """
    pieces = _pieces(glob)
    if _in_turn(pieces) > MAX_WILDCARDS:
        raise ConfigError(
            f"the glob {glob!r}: more than {MAX_WILDCARDS} wildcards follow one another; give several globs"
        )
    return "".join(text for _, text in pieces)


@lru_cache(maxsize=2048)
def compile_glob(glob: str) -> re.Pattern[str]:
    """Return an expression that matches, in full, the same paths; raises ConfigError also for too many alternatives."""
    return re.compile(bounded_pattern(glob))


def bounded_pattern(glob: str) -> str:
    """Return the source of `compile_glob`'s expression; several of them may be joined by `|`."""
    return "|".join(bounded_regex(alternative) for alternative in _alternatives(_pieces(glob), glob))


def _pieces(glob: str) -> list[Piece]:
    """Return what a glob is made of, first to last: names of groups of _TOKEN, and "below"."""
    if len(glob) > MAX_GLOB_CHARS:
        raise ConfigError(f"the glob {glob[:40]!r}… is longer than {MAX_GLOB_CHARS} characters; give several")
    try:
        glob.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise ConfigError(f"the glob {glob!r} holds half a character; no path does") from None
    body = glob.removeprefix("./").strip("/")
    if not body:
        raise ConfigError(f"the glob {glob!r} matches nothing; give a path or a glob such as 'src/**/*.py'")
    anywhere = [] if "/" in glob.rstrip("/") else [("deep", _WILD["deep"])]
    below = "" if body.endswith("/**") or body == "**" else "/(?s:.)*" if glob.endswith("/") else "(/(?s:.)*)?"
    return [*anywhere, *_in_order(_translate(body, glob)), ("below", below)]


def _in_order(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Put the `?` of a run of wildcards before one `*`, which matches the same: in turns they make many states."""
    for is_run, run in groupby(pieces, lambda piece: piece[0] in ("star", "any")):
        if is_run:
            kinds = [kind for kind, _ in run]
            yield from [("any", _WILD["any"])] * kinds.count("any")
            yield from [("star", _WILD["star"])] * ("star" in kinds)
        else:
            yield from run


def _in_turn(pieces: Iterable[Piece]) -> int:
    """Return how many `*` and `**` follow one another, of each brace those of the alternative that has most."""
    outer: list[tuple[int, int]] = []  # how many precede each brace, and how many there are at its end
    count = 0
    for kind, _ in pieces:
        if kind == "open":
            outer.append((count, count))
        elif kind in ("comma", "close"):
            before, most = outer.pop()
            most = max(most, count)
            count = most if kind == "close" else before
            if kind == "comma":
                outer.append((before, most))
        else:
            count += kind in ("deep", "rest", "star")
    return count


def _alternatives(pieces: Iterable[Piece], glob: str) -> list[tuple[Piece, ...]]:
    """Write out braces: return every sequence of pieces without any."""
    alternatives: list[tuple[Piece, ...]] = [()]
    outer: list[tuple[list[tuple[Piece, ...]], list[tuple[Piece, ...]]]] = []  # what precedes each brace, what it holds
    for piece in pieces:
        kind = piece[0]
        if kind == "open":
            outer.append((alternatives, []))
            alternatives = [()]
        elif kind == "comma":
            outer[-1][1].extend(alternatives)
            alternatives = [()]
        elif kind == "close":
            before, held = outer.pop()
            held += alternatives
            if len(before) * len(held) > MAX_ALTERNATIVES:
                raise ConfigError(f"the glob {glob!r}: more than {MAX_ALTERNATIVES} alternatives; give several globs")
            alternatives = [start + end for start in before for end in held]
        else:
            alternatives = [(*start, piece) for start in alternatives]
    return alternatives


def _translate(body: str, glob: str) -> Iterator[Piece]:
    depth = 0
    for token in _TOKEN.finditer(body):
        kind, found = str(token.lastgroup), token[0]
        if kind in _WILD:
            yield kind, _WILD[kind]
        elif kind == "set":
            yield kind, _class(token["set"], negated=bool(token["negated"]), glob=glob)
        elif kind == "broken":
            raise ConfigError(f"the glob {glob!r}: {found!r} is never {'closed' if found == '[' else 'followed'}")
        elif kind == "open":
            depth += 1
            yield kind, "("
        elif kind == "close":
            depth -= 1
            yield kind, ")"
        elif kind == "comma" and depth:
            yield kind, "|"
        else:
            yield "literal", _literal(token["escaped"] or found)
        if not 0 <= depth <= MAX_DEPTH:
            wrong = "'}' was never opened" if depth < 0 else f"braces are nested more than {MAX_DEPTH} deep"
            raise ConfigError(f"the glob {glob!r}: {wrong}")
    if depth:
        raise ConfigError(f"the glob {glob!r}: '{{' is never closed")


def _class(content: str, *, negated: bool, glob: str) -> str:
    """Translate a bracket expression, which never matches a slash; a backslash in it is an ordinary character."""
    ranges: list[tuple[int, int]] = []
    for match in re.finditer(r"(.)-(.)|(.)", content, re.DOTALL):
        low, high = (ord(match[1]), ord(match[2])) if match[1] else (ord(match[3]), ord(match[3]))
        if high >= 0xD800 and low <= 0xDFFF:
            raise ConfigError(f"the glob {glob!r}: a byte that is not UTF-8 can't be in brackets; write it outside")
        if low > high:
            raise ConfigError(f"the glob {glob!r}: the range {match[0]!r} is empty; write the smaller character first")
        ranges.append((low, high))
    slash = ord("/")
    if negated:
        ranges.append((slash, slash))
    else:
        ranges = [(a, b) for low, high in ranges for a, b in _without(slash, low, high) if a <= b]
    if not ranges:
        raise ConfigError(f"the glob {glob!r}: no name holds a slash")
    return f"[{'^' if negated else ''}{''.join(f'{_code(low)}-{_code(high)}' for low, high in ranges)}]"


def _without(hole: int, low: int, high: int) -> tuple[tuple[int, int], ...]:
    return ((low, hole - 1), (hole + 1, high)) if low <= hole <= high else ((low, high),)


def _literal(char: str) -> str:
    # A byte that is not UTF-8 is left for the index to write in its own way.
    return char if char.isalnum() or char in "_/ " or "\udc80" <= char <= "\udcff" else _code(ord(char))


def _code(point: int) -> str:
    return f"\\U{point:08x}"
