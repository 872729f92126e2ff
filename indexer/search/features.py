"""What is known of the candidates of a query, as numbers between 0 and 1: the features that rank files.

The features are few and scaled to the query: each is a share of the best file's, or lies between 0 and 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from indexer.languages.analyzer import parts as word_parts
from indexer.languages.analyzer import terms
from indexer.search.candidates import Asked, Found
from indexer.search.file_kinds import is_compatibility, is_data, is_prose, is_test
from indexer.search.query import STEPS, Query, QueryKind, is_code_name
from indexer.search.scoring import FileScores
from indexer.stores.text.document import StoredChunk, source_path
from indexer.types import TYPE_KINDS, SymbolKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALIKE_CHARS = 3
"""Shorter beginnings say nothing."""
_TEST_WORDS = frozenset(("test", "exampl", "mock", "bench", "benchmark", "spec", "fixtur", "sampl", "demo"))
_PROSE_WORDS = frozenset(("readm", "doc", "document", "changelog", "tutori", "guid", "licens", "notebook"))
_DATA_WORDS = frozenset(
    ("csv", "tsv", "log", "svg", "tabl", "column", "dataset", "lock", "lockfil", "snapshot", "changelog")
)
_INDEX_FILES = frozenset(("mod", "index", "__init__", "init", "lib", "main"))
_TYPES = TYPE_KINDS | {SymbolKind.TYPE, SymbolKind.MODULE}


class Definition(msgspec.Struct, frozen=True, gc=False):
    """A definition that a chunk has some of; `is_head` says whether its name stands there."""

    path: str
    kind: str
    name: str
    qualified_name: str
    is_head: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of the candidates of one query; what is known of chunks by their ids is listed by space."""

    asked: Asked
    found: Sequence[Found]
    scores: FileScores
    definitions: Sequence[Mapping[int, Definition]]


def features(evidence: Evidence) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the names of the features and their values, float64[files, features], files in the order of the scores."""
    import numpy as np

    query, scores = evidence.asked.query, evidence.scores
    count = len(scores.paths)
    columns: dict[str, NDArray[np.float64]] = {}

    def share(values: NDArray[np.float64]) -> NDArray[np.float64]:
        top = values.max(initial=0.0)
        return values / top if top > 0 else np.zeros(len(values))

    def best(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.maximum.reduceat(values, scores.starts) if count else np.zeros(0)

    columns["words_sum3"] = share(_top_sum(scores.words, scores, 3))
    columns["fields_sum3"] = share(_top_sum(scores.fields, scores, 3))
    columns["body_best"] = share(best(scores.body))
    shares = rarity(evidence)
    columns["file_coverage"] = np.array(list(shares.values())) @ _in_files(scores)
    columns["cosine_best"] = share(best(scores.cosines))
    columns["centroid"] = share(scores.centroids)
    # A text that mentions a file is less surely about it than a query that is nothing but its path.
    sure = 1.0 if query.kind is QueryKind.PATH else 0.5
    named = [evidence.found[space].files for space in scores.spaces.tolist()]
    columns["path_match"] = np.array([sure * own.get(path, 0.0) for own, path in zip(named, scores.paths, strict=True)])
    for name, row in _names(evidence, shares).items():
        columns[name] = np.array(row)
    sizes = np.bincount(scores.file_of, minlength=count)
    columns["size"] = np.log1p(sizes) / np.log1p(sizes.max(initial=1))
    # Where files are single functions, no words add up over a file's chunks, and the nearest chunk tells more.
    small = count / max(1, len(scores.ids))
    columns["nearest_in_small"] = columns["cosine_best"] * small
    columns["words_in_small"] = columns["words_sum3"] * small
    return tuple(columns), np.stack(list(columns.values()), axis=1)


def rarity(evidence: Evidence) -> dict[str, float]:
    """Return each word's share of what having all would weigh: words of few of the files more, of none nothing."""
    import numpy as np

    scores, words = evidence.scores, list(evidence.asked.query.words)
    files = _in_files(scores).sum(axis=1)
    weight = np.where(files > 0, np.log1p((len(scores.paths) + 0.5) / (files + 0.5)), 0.0)
    total = float(weight.sum()) or 1.0
    return dict(zip(words, (weight / total).tolist(), strict=True))


def _in_files(scores: FileScores) -> NDArray[np.bool_]:
    """Return which words the files have, bool[words, files]."""
    import numpy as np

    if not scores.terms.size:
        return np.zeros((len(scores.terms), len(scores.paths)), np.bool_)
    found: NDArray[np.bool_] = np.logical_or.reduceat(scores.terms, scores.starts, axis=1)
    return found


def _top_sum(values: NDArray[np.float64], scores: FileScores, count: int) -> NDArray[np.float64]:
    """Return the sum of the `count` largest values of each file's chunks."""
    import numpy as np

    if not len(scores.paths):
        return np.zeros(0)
    order = np.lexsort((-values, scores.file_of))
    place = np.arange(len(values)) - scores.starts[scores.file_of]
    return np.add.reduceat(np.where(place < count, values[order], 0.0), scores.starts)


def _names(evidence: Evidence, weights: Mapping[str, float]) -> dict[str, list[float]]:
    """Return how each file's path and its definitions answer to the query's words, and what sort of file it is."""
    query, scores = evidence.asked.query, evidence.scores
    keys = list(zip(scores.spaces.tolist(), scores.paths, strict=True))
    # In a long text a file's name is met by chance unless it is written as only code is.
    spelled = {*query.wholes, *(name.lower() for name in query.names if not query.is_long or is_code_name(name))}
    is_symbol = query.kind is QueryKind.SYMBOL
    # A question may ask for tests or documents; an issue's text mentions them by the way.
    wants_tests = not query.is_long and not _TEST_WORDS.isdisjoint(query.words)
    wants_prose = not query.is_long and not _PROSE_WORDS.isdisjoint(query.words)
    wants_data = not _DATA_WORDS.isdisjoint(query.words) or bool(query.paths)
    deepest = max((path.count("/") for path in scores.paths), default=0) or 1
    defined: dict[tuple[int, str], float] = {}
    for space, own in enumerate(evidence.definitions):
        for definition in own.values():
            key = space, definition.path
            defined[key] = max(defined.get(key, 0.0), definition_value(query, definition))
    find = alike(tuple(query.words))
    paths = scores.paths
    return {
        "stem_prefix": [len(set().union(*find(file_words(path)))) / max(1, len(query.words)) for path in paths],
        "stem_exact": [float(file_name(path) in spelled) for path in paths],
        # A folder named like a symbol holds what is around it, not the symbol.
        "folder_coverage": [
            0.0 if is_symbol else sum([weights.get(word, 0.0) for word in folder_words(path)]) ** 0.5 for path in paths
        ],
        "definition": [defined.get(key, 0.0) for key in keys],
        "test": [float(not wants_tests and is_test(path)) for path in paths],
        "compatibility": [float(is_compatibility(path)) for path in paths],
        "prose": [float(not wants_prose and is_prose(path)) for path in paths],
        "data": [float(not wants_data and is_data(path)) for path in paths],
        "depth": [path.count("/") / deepest for path in paths],
    }


def definition_value(query: Query, definition: Definition) -> float:
    """Return how surely the query means this definition, 0.12 to 1.5.

    A plain word of a sentence names a definition by chance; the same case speaks for it, and so does a type, since
    functions take their names from the types they make. A long definition is met where its name stands.
    """
    same_case = _is_qualified_so(query, definition) or (not query.qualified and definition.name in query.names)
    is_type = definition.kind in _TYPES
    return (
        (1.0 if is_sure(query, definition) else 0.3)
        * (1.5 if same_case else 1.0)
        * (1.0 if is_type else 0.8)
        * (1.0 if definition.is_head else 0.5)
    )


def named_definition(query: Query, chunk: StoredChunk) -> Definition | None:
    """Return the definition in a chunk that the query names most surely, the first of equals; None where it names none.

    A plain word of a sentence names no definition within a chunk of others.
    """
    written = _lowered(query.names)
    named = [own for own in chunk.definitions if own.name.lower() in written]
    is_named = chunk.name.lower() in written
    if not named and not is_named:
        return None
    path = source_path(chunk.path)
    found = [Definition(path, chunk.kind, own.name, own.qualified_name) for own in named]
    found = [own for own in found if own.qualified_name == chunk.qualified_name or is_sure(query, own)]
    if not found and is_named:
        found = [chunk_definition(chunk)]
    return max(found, key=lambda definition: definition_value(query, definition), default=None)


@lru_cache(maxsize=16)
def _lowered(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def chunk_definition(chunk: StoredChunk) -> Definition:
    """Return what a chunk is a part of; a group is at its own beginning."""
    is_head = bool(chunk.definitions) and (
        not chunk.part or any(own.qualified_name == chunk.qualified_name for own in chunk.definitions)
    )
    return Definition(source_path(chunk.path), chunk.kind, chunk.name, chunk.qualified_name, is_head=is_head)


def _is_qualified_so(query: Query, definition: Definition) -> bool:
    """Whether the query writes the definition's qualified name, or its last steps, with any language's separators."""
    own = "." + ".".join(STEPS.split(definition.qualified_name))
    return any(own.endswith("." + ".".join(STEPS.split(written))) for written in query.qualified)


def is_sure(query: Query, definition: Definition) -> bool:
    """Whether the query can't but mean the definition: it is nothing but a name, or the name is no plain word."""
    return query.kind is QueryKind.SYMBOL or is_code_name(definition.name)


@lru_cache(maxsize=16)
def alike(words: tuple[str, ...]) -> Callable[[Iterable[str]], list[set[str]]]:
    """Return a function that says which of the words begin a term, or are begun by it, and not by too little.

    It is given terms, and leaves out those that none of the words is alike.

    `auth.py` is about authentication, `config.c` about configuration, `DictReader` reads dictionaries.
    """
    known = {word for word in words if len(word) >= ALIKE_CHARS}
    beginning: dict[str, set[str]] = {}
    for word in known:
        for end in range(ALIKE_CHARS, len(word) + 1):
            beginning.setdefault(word[:end], set()).add(word)
    none: set[str] = set()

    def find(terms: Iterable[str]) -> list[set[str]]:
        near = [term for term in terms if term[:ALIKE_CHARS] in beginning]  # as few terms are
        found = [
            known.intersection([term[:end] for end in range(ALIKE_CHARS, len(term))]).union(beginning.get(term, none))
            for term in near
        ]
        return [own for own in found if own]

    return find


@lru_cache(maxsize=1 << 14)
def file_words(path: str) -> tuple[str, ...]:
    """Return the terms of the name that a file goes by, the whole name left out when it has several parts."""
    found = terms(_stem(path))
    return tuple(dict.fromkeys(found[1:] if len(found) > 2 else found))


@lru_cache(maxsize=1 << 14)
def folder_words(path: str) -> tuple[str, ...]:
    """Return the terms of the folders that a file is in."""
    return tuple(dict.fromkeys(terms(path.rpartition("/")[0])))


@lru_cache(maxsize=1 << 14)
def file_name(path: str) -> str:
    """Return the name that a file goes by as the analyzer joins identifiers."""
    return "".join(piece for word in re.findall(r"\w+", _stem(path)) for piece in word_parts(word))


def _stem(path: str) -> str:
    """Return a file's name without extension, or the folder's for a file that stands for its folder."""
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    return folder.rpartition("/")[2] if stem.lower() in _INDEX_FILES and folder else stem
