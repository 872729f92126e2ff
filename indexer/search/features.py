"""What is known of the candidates of a query, as numbers between 0 and 1: the features that rank files.

The features are few and scaled to the query: each is a share of the best file's, or lies between 0 and 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

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
_NAMES = (
    *("stem_prefix", "stem_exact", "folder_coverage", "definition"),
    *("test", "compatibility", "prose", "data", "depth"),
)
_TYPES = TYPE_KINDS | {SymbolKind.TYPE, SymbolKind.MODULE}


class Definition(msgspec.Struct, frozen=True, gc=False):
    """A definition that a chunk has some of; `is_head` says whether its name stands there."""

    path: str
    kind: str
    name: str
    qualified_name: str
    is_head: bool = True


@dataclass(frozen=True)
class Evidence:
    """All that is known of the candidates of one query; what is known of chunks by their ids is listed by space.

    `words`, float64[n], is the combined BM25 of each chunk of the scores, 0 for those that words did not find.
    """

    asked: Asked
    found: Sequence[Found]
    scores: FileScores
    words: NDArray[np.float64]
    definitions: Sequence[Mapping[int, Definition]]

    @cached_property
    def in_files(self) -> NDArray[np.bool_]:
        """Which words of the query the files have, bool[words, files]."""
        import numpy as np

        terms, starts = self.scores.terms, self.scores.starts
        if not terms.size:
            return np.zeros((len(terms), len(starts)), np.bool_)
        found: NDArray[np.bool_] = np.logical_or.reduceat(terms, starts, axis=1)
        return found

    @cached_property
    def rarity(self) -> dict[str, float]:
        """Each word's share of what having all would weigh: words of few of the files more, of none nothing."""
        import numpy as np

        files = self.in_files.sum(axis=1)
        weight = np.where(files > 0, np.log1p((len(self.scores.paths) + 0.5) / (files + 0.5)), 0.0)
        total = float(weight.sum()) or 1.0
        return dict(zip(self.asked.query.words, (weight / total).tolist(), strict=True))


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

    columns["words_sum3"] = share(_top_sum(evidence.words, scores, 3))
    rarity = np.array(list(evidence.rarity.values()))
    columns["file_coverage"] = rarity @ evidence.in_files
    columns["chunk_coverage"] = best(rarity @ scores.terms)
    columns["cosine_best"] = share(best(scores.cosines))
    columns["centroid"] = share(scores.centroids)
    # A text that mentions a file is less surely about it than a query that is nothing but its path.
    sure = 1.0 if query.kind is QueryKind.PATH else 0.5
    named = [evidence.found[space].files for space in scores.spaces.tolist()]
    columns["path_match"] = np.array([sure * own.get(path, 0.0) for own, path in zip(named, scores.paths, strict=True)])
    columns |= zip(_NAMES, np.array(_names(evidence), np.float64).reshape(-1, len(_NAMES)).T, strict=True)
    sizes = np.bincount(scores.file_of, minlength=count)
    columns["size"] = np.log1p(sizes) / np.log1p(sizes.max(initial=1))
    # Where files are single functions, no words add up over a file's chunks, its size does not say that it is central,
    # and the nearest chunk tells more.
    small = count / max(1, len(scores.ids))
    columns["nearest_in_small"] = columns["cosine_best"] * small
    columns["words_in_small"] = columns["words_sum3"] * small
    columns["size_in_small"] = columns["size"] * small
    return tuple(columns), np.array(list(columns.values())).T


def _top_sum(values: NDArray[np.float64], scores: FileScores, count: int) -> NDArray[np.float64]:
    """Return the sum of the `count` largest values of each file's chunks."""
    import numpy as np

    if not len(scores.paths):
        return np.zeros(0)
    order = np.lexsort((-values, scores.file_of))
    place = np.arange(len(values)) - scores.starts[scores.file_of]
    return np.add.reduceat(np.where(place < count, values[order], 0.0), scores.starts)


def _names(evidence: Evidence) -> list[tuple[float, ...]]:
    """Return for each file how its path and its definitions answer to the query's words, and what sort of file it is:
    the features _NAMES."""
    query, scores, weights = evidence.asked.query, evidence.scores, evidence.rarity
    # In a long text a file's name is met by chance unless it is written as only code is.
    spelled = {*query.wholes, *(name.lower() for name in query.names if not query.is_long or is_code_name(name))}
    is_symbol = query.kind is QueryKind.SYMBOL
    # A question may ask for tests or documents; an issue's text mentions them by the way.
    wants_tests = not query.is_long and not _TEST_WORDS.isdisjoint(query.words)
    wants_prose = not query.is_long and not _PROSE_WORDS.isdisjoint(query.words)
    wants_data = not _DATA_WORDS.isdisjoint(query.words) or bool(query.paths)
    count = max(1, len(query.words))
    defined: dict[tuple[int, str], float] = {}
    for space, own in enumerate(evidence.definitions):
        for definition in own.values():
            key = space, definition.path
            defined[key] = max(defined.get(key, 0.0), definition_value(query, definition))
    find = alike(tuple(query.words))
    told = [told_by_path(path) for path in scores.paths]
    deepest = max((own.depth for own in told), default=0) or 1
    return [
        (
            len(set().union(*find(own.words))) / count,
            own.name in spelled,
            # A folder named like a symbol holds what is around it, not the symbol.
            0.0 if is_symbol else sum([weights.get(word, 0.0) for word in own.folders]) ** 0.5,
            defined.get(key, 0.0),
            not wants_tests and own.is_test,
            own.is_compatibility,
            not wants_prose and own.is_prose,
            not wants_data and own.is_data,
            own.depth / deepest,
        )
        for key, own in zip(zip(scores.spaces.tolist(), scores.paths, strict=True), told, strict=True)
    ]


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
    """Return what a chunk is a part of."""
    return Definition(source_path(chunk.path), chunk.kind, chunk.name, chunk.qualified_name, is_head=is_head(chunk))


def is_head(chunk: StoredChunk) -> bool:
    """Whether the name of what a chunk is a part of stands in it; a group is at its own beginning."""
    return bool(chunk.definitions) and (
        not chunk.part or any(own.qualified_name == chunk.qualified_name for own in chunk.definitions)
    )


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
        near = [term for term in terms if term[:ALIKE_CHARS] in beginning]
        if not near:  # as of most
            return []
        found = [
            known.intersection([term[:end] for end in range(ALIKE_CHARS, len(term))]).union(beginning.get(term, none))
            for term in near
        ]
        return [own for own in found if own]

    return find


class ToldByPath(NamedTuple):
    """What a file's path tells: the terms of the name that it goes by, that name as the analyzer joins identifiers, the
    terms of its folders, and what sort of file it is."""

    words: tuple[str, ...]
    name: str
    folders: tuple[str, ...]
    depth: int
    is_test: bool
    is_compatibility: bool
    is_prose: bool
    is_data: bool


@lru_cache(maxsize=1 << 14)
def told_by_path(path: str) -> ToldByPath:
    """Return what a path tells; a name of several parts counts by these alone."""
    stem = _stem(path)
    found = terms(stem)
    return ToldByPath(
        words=tuple(dict.fromkeys(found[1:] if len(found) > 2 else found)),
        name="".join(piece for word in re.findall(r"\w+", stem) for piece in word_parts(word)),
        folders=tuple(dict.fromkeys(terms(path.rpartition("/")[0]))),
        depth=path.count("/"),
        is_test=is_test(path),
        is_compatibility=is_compatibility(path),
        is_prose=is_prose(path),
        is_data=is_data(path),
    )


def _stem(path: str) -> str:
    """Return a file's name without extension, or the folder's for a file that stands for its folder."""
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    return folder.rpartition("/")[2] if stem.lower() in _INDEX_FILES and folder else stem
