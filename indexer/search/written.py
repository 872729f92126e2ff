"""The ways in which what a query writes can stand in code, the surest first."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from indexer.languages.analyzer import FLAG
from indexer.search.candidates import word_terms
from indexer.search.file_kinds import FileKind
from indexer.search.filters import Selection
from indexer.search.format_strings import FEW_FORMAT_WORDS, Match, format_of
from indexer.search.literals import MIN_CONSTANT_WORDS, Literals
from indexer.search.look import TOO_MANY, WORD, Look, Place, places_of, term_of
from indexer.search.phrases import phrase
from indexer.search.query import STEPS, Query, QueryKind, bare_name, is_code_name
from indexer.search.roles import Rank, Role
from indexer.search.standing import Standing, Sureness
from indexer.search.verbatim import option_field, option_name, quoted_name

if TYPE_CHECKING:
    from indexer.search.content import Content

LIKELY = 24
"""How many chunks with most of the words are read when none has all."""
LIKELY_FORMATS = 64
"""How many chunks with two words of a message are read for a format that makes it."""
NEARLY_ALL = 0.999
"""What a sum of weights in single precision is at the least of the same in double."""
MOST = 0.7
"""The share, by weight, of the words which must stand in a row to be evidence."""
SOME = 0.4
"""The share of the words that a chunk must have to be read, where what is not plain words may be values."""
NEARLY = 0.7
"""Where less than this share of the most words in a row stand, that is no second place of a message."""
MOST_WORDS = 12
TOO_COMMON = 10_000
"""A word that more chunks have does not tell which of them has a format: a fleet has such words by the million."""
SURE_WORDS = 6
"""So many words in a row are no chance, even where no value of a format string shows that it is the text."""
RARE = 2
"""A few plain words that stand in a row in no more chunks than this, of source if any is, are told, not chanced upon:
tests and documents repeat what code tells."""
MOST_NAMED = 8
MOST_FILES = 5
"""Of more definitions or files of one name, none comes first."""

_TYPE = re.compile(r"[A-Z][a-z0-9]\w*")
_CAPITALS = re.compile(r"[A-Z][A-Z0-9]{4,}")
"""What is no word and, mostly, no abbreviation: a constant, a signal, a variable of the environment."""


def standing(
    generation: Content, query: Query, literals: Literals, selection: Selection, paths: Mapping[str, Sequence[str]]
) -> list[Standing]:
    """Return the chunks of one generation in which the query, or a part of it that is written as only code is, stands.

    Of the ways in which it can, the surest that any chunk has. `paths` maps lower-cased file names to paths.
    """
    look = Look(generation, selection)
    if query.kind is QueryKind.PATH and any(path.rpartition("/")[2].lower() in paths for path in query.paths):
        return _files(look, literals.whole, paths) or look.verbatim(literals.whole, Sureness.CHANCE)
    named = _named(look, query, literals) if literals.whole and query.kind is not QueryKind.CODE else []
    if named and (query.kind is QueryKind.SYMBOL or len(named) == 1):
        return [*_definitions(named, literals.whole), *_keys(look, named, literals.whole)]
    if found := _at_places(look, literals, paths):
        return _each_once([*found, *_filled_in(look, literals)])
    whole = _whole(look, query, literals)
    if any(own.kind is FileKind.SOURCE for own in whole) or (whole and not literals.is_telling):
        return whole
    # A test or a document may tell a message as a person sees it, where the code has its format.
    filled = _filled_in(look, literals)
    if whole or not (filled and literals.is_plain):
        filled = _each_once([*filled, *_mostly(look, literals)])
    in_source = [own for own in filled if own.kind is FileKind.SOURCE]
    kept = _nearly_most(in_source) or ([] if whole else _nearly_most(filled))
    return _each_once([*whole, *kept]) or _parts(look, query, literals)


def _nearly_most(found: Sequence[Standing]) -> list[Standing]:
    """Return those in which nearly as much of the query stands as in any."""
    least = NEARLY * max((own.share for own in found), default=0.0)
    return [own for own in found if own.share >= least]


def _each_once(found: Iterable[Standing]) -> list[Standing]:
    """Return each chunk once, as it comes first."""
    return list({own.chunk.id: own for own in reversed(list(found))}.values())[::-1]


def _at_places(look: Look, literals: Literals, paths: Mapping[str, Sequence[str]]) -> list[Standing]:
    """Return the smallest chunk over each line that the query names, in files whose paths end as it says."""
    found: list[Standing] = []
    for written, line in literals.places:
        ending = "/" + written.replace("\\", "/").strip("./").lower()
        for path in paths.get(ending.rpartition("/")[2], ()):
            if not f"/{path.lower()}".endswith(ending) and not ending.endswith(f"/{path.lower()}"):
                continue
            over = [chunk for chunk in look.chunks_of(path) if chunk.start_line <= line <= chunk.end_line]
            if over:
                chunk = min(over, key=lambda chunk: (chunk.end_line - chunk.start_line, chunk.start_line, chunk.id))
                found.append(Standing(chunk, chunk.row_of(line), Role.DEFINES, Sureness.PLACE, 1.0, 0.0))
    return found


def _files(look: Look, written: str, paths: Mapping[str, Sequence[str]]) -> list[Standing]:
    """Return the beginnings of the files whose paths end as the query says, unless there are many."""
    wanted = written.replace("\\", "/").removeprefix("./").lower()
    known = paths.get(wanted.rpartition("/")[2], ())
    found = [path for path in known if path.lower() == wanted]
    found = found or [path for path in known if path.lower().endswith(f"/{wanted}")]
    found = found if len(found) <= MOST_FILES else []
    heads = [chunks[0] for path in found if (chunks := look.chunks_of(path))]
    return [Standing(chunk, 0, Role.DEFINES, Sureness.PLACE, 1.0, 0.0) for chunk in heads]


def _named(look: Look, query: Query, literals: Literals) -> list[Standing]:
    """Return the definitions of a query that is nothing but a name, at the lines of their names."""
    is_symbol = query.kind is QueryKind.SYMBOL
    steps = STEPS.split(bare_name(literals.whole)) if is_symbol else [literals.whole]
    ending = "." + ".".join(steps)
    ids = look.text.find("name", steps[-1].lower(), limit=TOO_MANY)
    return [
        Standing(chunk, chunk.row_of(own.line), Role.DEFINES, Sureness.DEFINED, 1.0, 0.0)
        for chunk in look.documents(ids)
        for own in chunk.definitions
        if (
            ("." + ".".join(STEPS.split(own.qualified_name))).endswith(ending)
            if len(steps) > 1
            else own.name == steps[0]
        )
    ]


def _definitions(named: list[Standing], name: str) -> list[Standing]:
    """Return what defines a name, unless that is much; a plain word may mean more than its several definitions."""
    if len(named) > MOST_NAMED:
        return []
    is_sure = len(named) == 1 or is_code_name(name) or _TYPE.fullmatch(name)
    return named if is_sure else [replace(own, sureness=Sureness.CHANCE) for own in named]


def _keys(look: Look, named: Sequence[Standing], name: str) -> list[Standing]:
    """Return the chunks of source that have in a string the name of a constant or a member, as settings have theirs."""
    if len(named) > 1 or named[0].chunk.name == name or named[0].kind is not FileKind.SOURCE or not is_code_name(name):
        return []
    return [own for own in look.verbatim(name, Sureness.SET) if own.rank <= Rank.SETTINGS and own.role <= Role.STRING]


def _whole(look: Look, query: Query, literals: Literals) -> list[Standing]:
    """Return the chunks in which the whole query stands, as it is written, or its words in a row."""
    if not literals.whole:
        return []
    # Words find where a name is used, as of a type that is imported; a constant or a key may be nothing but text.
    is_word = query.kind is QueryKind.SYMBOL and (_TYPE.fullmatch(literals.whole) or not is_code_name(literals.whole))
    by_chance = bool(is_word) or not literals.is_telling
    found: list[Standing] = []
    for text in literals.texts:
        written = look.verbatim(text, Sureness.CHANCE if by_chance else Sureness.WHOLE)
        if by_chance:
            written = [own for own in written if own.kind is not FileKind.DATA]
        in_source = sum(own.kind is FileKind.SOURCE for own in written)
        if by_chance and (in_source or len(written)) <= RARE and len(literals.words) >= MIN_CONSTANT_WORDS:
            written = [replace(own, sureness=Sureness.WORDS) for own in written]
        if by_chance and _CAPITALS.fullmatch(text):
            written = [replace(own, sureness=Sureness.WHOLE) if own.role <= Role.STRING else own for own in written]
        if FLAG.fullmatch(text):
            written = _each_once([*written, *_declared(look, text, Sureness.WHOLE)])
        words = tuple(word.lower() for word in WORD.findall(text))
        if not written and len(words) > 1 and not by_chance:
            written = _in_a_row(look, words, words, 1.0, Sureness.WORDS)
        found += written
        if any(own.kind is FileKind.SOURCE for own in written):
            break
    return _each_once(found)


def _declared(look: Look, flag: str, sureness: Sureness) -> list[Standing]:
    """Return the chunks of source in which a flag's name stands as only its declaration writes it."""
    words = WORD.findall(flag)
    found = look.holding(words, places_of(option_name, flag), sureness)
    if len(words) > 1:
        found = found or look.holding(words, places_of(quoted_name, flag), sureness)
        found = [*found, *look.holding(words, places_of(option_field, flag), sureness)]
    return [own for own in found if own.rank <= Rank.SETTINGS]


def _filled_in(look: Look, literals: Literals) -> list[Standing]:
    """Return the chunks in which stands what is no value in an error text."""
    for words in literals.constant:
        if words == literals.words:
            continue
        if found := _in_a_row(look, literals.words, words, MOST, Sureness.MOSTLY):
            return found
    return []


def _in_a_row(
    look: Look, words: tuple[str, ...], constant: tuple[str, ...], least: float, sureness: Sureness
) -> list[Standing]:
    """Return the chunks that have the constant words, `least` of them in a row or around values."""
    weights = dict.fromkeys(constant, 1.0)

    def check(text: str) -> Iterable[Place]:
        match = phrase(text, words, weights)
        if match and match.share >= least and (least == 1.0 or match.is_format or match.words >= SURE_WORDS):
            yield _of_match(text, match, words)

    return look.holding(constant, check, sureness)


def _parts(look: Look, query: Query, literals: Literals) -> list[Standing]:
    """Return the chunks in which a part stands that is written as only code is: the one that fewest have.

    Where it stands alike in several, all words of the query tell which of them is meant: `--database` of `migrate`.
    """
    found = [own for part in literals.parts if (own := _part(look, part))]
    rarest = min(found, key=len, default=[])
    if len(rarest) < 2:
        return rarest
    scores = look.scores(word_terms(query), [own.chunk.id for own in rarest])
    return [replace(own, score=scores.get(own.chunk.id, 0.0)) for own in rarest]


def _part(look: Look, part: str) -> list[Standing]:
    found = look.verbatim(part, Sureness.PART)
    if FLAG.fullmatch(part) and not any(own.rank <= Rank.SETTINGS and own.role <= Role.STRING for own in found):
        found = _each_once([*_declared(look, part, Sureness.PART), *found])  # a name without dashes, as Go has it
    return found


def _mostly(look: Look, literals: Literals) -> list[Standing]:
    """Return the chunks in which most of the words stand in a row, by the weight of those that are known.

    Or a format string that makes the whole message, of which the chunk has two words that look like no values.
    """
    terms = {word: term for word in literals.words if (term := term_of(word))}
    known = look.text.frequencies([("body", term) for term in terms.values()])
    total = look.text.count
    weights = {
        word: math.log(1 + (total - own + 0.5) / (own + 0.5))
        for word, term in terms.items()
        if (own := known["body", term])
    }
    rarest = sorted(weights, key=lambda word: (-weights[word], word))
    likely: dict[int, float] = {}
    if len(weights) >= 3:
        asked = {terms[word]: weights[word] for word in rarest[:MOST_WORDS]}
        least = (MOST if literals.is_plain else SOME) * sum(asked.values())
        likely = look.holding_most(asked, least=least, limit=LIKELY)

    def check(text: str) -> Iterable[Place]:
        match = phrase(text, literals.words, weights)
        if match and match.share >= MOST and (match.is_format or match.words >= SURE_WORDS):
            yield _of_match(text, match, literals.words)

    found = look.checked(likely, check, Sureness.MOSTLY)
    if literals.is_plain:
        return found
    rare = [word for word in rarest if known["body", terms[word]] <= TOO_COMMON and word in literals.told]
    told = {terms[word]: weights[word] for word in rare}
    if len(told) >= FEW_FORMAT_WORDS:
        least = NEARLY_ALL * sum(sorted(told.values())[:FEW_FORMAT_WORDS])
        likely |= look.holding_most(told, least=least, limit=LIKELY_FORMATS)

    def check_whole(text: str) -> Iterable[Place]:
        if made := format_of(text, literals.whole):
            yield _of_match(text, made, literals.words)

    return [*found, *look.checked(likely, check_whole, Sureness.MOSTLY)]


def _of_match(text: str, match: Match, words: Sequence[str]) -> Place:
    """Return the place of words in a row, which are text of the line rather than what it defines."""
    end = len(text.split("\n")[match.row])
    return Place(match.row, end, end, match.words / len(words))
