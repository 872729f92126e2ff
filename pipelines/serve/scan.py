"""Lines of the files themselves that hold a question's words: what there is to answer from before there is an index."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from indexer.globs import compile_glob
from indexer.stages.decode import NotText, decode
from indexer.types import Source, SourceFile

LINES_A_FILE = 2
_LEAST_CHARS = 3

_WORD = re.compile(r"[^\W\d]\w*")
_DEFINES = re.compile(
    r"\b(?:class|def|enum|fn|func|function|fun|impl|interface|module|proc|protocol|record|struct|sub|trait|type|union)"
    r"\s+(\w+)"
)


class Line(NamedTuple):
    """A line of a file, counted from one."""

    path: str
    number: int
    text: str


class Scanned(NamedTuple):
    """The best lines first, how many files were read, and whether all were, in the time that there was."""

    lines: list[Line]
    files: int
    is_whole: bool


class _Held(NamedTuple):
    line: Line
    words: frozenset[str]
    in_file: frozenset[str]


def words_of(text: str) -> list[str]:
    """Return the distinct words of a question, in lower case and without the shortest."""
    return list(dict.fromkeys(word.lower() for word in _WORD.findall(text) if len(word) >= _LEAST_CHARS))


def scan(source: Source, words: Sequence[str], *, paths: Sequence[str], count: int, seconds: float) -> Scanned:
    """Find lines that hold words: a rare word weighs more, and a definition that is named so three times.

    `paths` are globs, of which a file matches one where there are any. Stops after `seconds`. Raises what
    `source.files` raises; files that can't be read are passed over.
    """
    until = time.monotonic() + seconds
    wanted, reader = [compile_glob(glob) for glob in paths], source.reader()
    holding: Counter[str] = Counter()
    held: list[_Held] = []
    files, is_whole = 0, True
    for file in source.files():
        if not isinstance(file, SourceFile) or (wanted and not any(glob.fullmatch(file.path) for glob in wanted)):
            continue
        if time.monotonic() > until:
            is_whole = False
            break
        files += 1
        try:
            content, _ = reader.read(file.path)
        except OSError:
            continue
        decoded = decode(content)
        if isinstance(decoded, NotText):
            continue
        lower = decoded.text.lower()
        in_file = frozenset(word for word in words if word in lower)
        holding.update(in_file)
        held += _held(file.path, decoded.text, in_file)
    weights = {word: math.log(1 + files / found) for word, found in holding.items()}
    best: list[_Held] = sorted(held, key=lambda own: -_score(own, weights))
    return Scanned([own.line for own in _spread(best)][:count], files, is_whole)


def _held(path: str, text: str, words: Iterable[str]) -> Iterator[_Held]:
    own = frozenset(words)
    if own:
        for number, row in enumerate(text.split("\n"), start=1):
            lower = row.lower()
            if found := frozenset(word for word in own if word in lower):
                yield _Held(Line(path, number, row.strip()), found, own)


def _score(held: _Held, weights: dict[str, float]) -> float:
    defined = _DEFINES.search(held.line.text)
    factor = 3 if defined and defined[1].lower() in held.words else 1
    return factor * sum(weights[word] for word in held.words) + sum(weights[word] for word in held.in_file) / 2


def _spread(best: Iterable[_Held]) -> Iterator[_Held]:
    taken: Counter[str] = Counter()
    for held in best:
        if taken[held.line.path] < LINES_A_FILE:
            taken[held.line.path] += 1
            yield held
