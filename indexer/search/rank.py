"""Put files in order by a linear model over what is known of them, then pick the chunk to show of each.

The features are few and scaled to the query: each is a share of the best file's, or lies between 0 and 1. The weights
are in ranker.json, written by pipelines/train_ranker.py: a conditional logit (McFadden 1973; ListNet with one relevant
file, Cao et al. 2007) with an L2 penalty, fitted on queries with known answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import msgspec

from indexer.languages.analyzer import terms
from indexer.search.fuse import WEIGHTS, reciprocal_ranks
from indexer.search.query import Query, QueryKind, is_code_name
from indexer.search.retrieve import FileScores, Found, Scores
from indexer.types import SymbolKind

FORMAT = 1

_TEST = re.compile(
    r"(?:^|/)(?:tests?|testing|specs?|__tests__|testdata|fixtures|mocks?|_?examples?|samples?|demos?|bench(?:es|marks?)?)"
    r"(?:/|$)|(?:^|/)test_|(?:_tests?|[._]spec|\.test|[a-z]Tests?|_bench)\.\w+$"
)
_TEST_WORDS = frozenset(("test", "exampl", "mock", "bench", "benchmark", "spec", "fixtur", "sampl", "demo"))
_COMPATIBILITY = re.compile(
    r"(?:^|[/._-])(?:compat|compatibility|legacy|deprecated|obsolete|vendor|vendored|third[_-]?party|polyfills?|shims?)(?:[/._-]|$)"
)
_INDEX_FILES = frozenset(("mod", "index", "__init__", "init", "lib", "main"))
_TYPES = frozenset(
    str(kind)
    for kind in (
        SymbolKind.CLASS,
        SymbolKind.STRUCT,
        SymbolKind.INTERFACE,
        SymbolKind.TRAIT,
        SymbolKind.PROTOCOL,
        SymbolKind.ENUM,
        SymbolKind.UNION,
        SymbolKind.TYPE,
        SymbolKind.MODULE,
        SymbolKind.OBJECT,
    )
)


class Ranker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The weights of the linear model by feature; `trained_on` says where they come from."""

    format: int
    trained_on: str
    weights: dict[str, float]


@lru_cache(maxsize=1)
def shipped_ranker() -> Ranker:
    """Return the ranker that is part of the package."""
    return msgspec.json.decode(files("indexer.search").joinpath("ranker.json").read_bytes(), type=Ranker)


@dataclass(frozen=True, slots=True)
class Definition:
    """A chunk whose name the query writes."""

    path: str
    kind: str
    name: str
    qualified_name: str


@dataclass(frozen=True, slots=True)
class RankedFile:
    """A file in the order: its score, the part that each feature has in it, and its chunks, best first."""

    path: str
    score: float
    contributions: dict[str, float]
    chunks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of the candidates of one query."""

    query: Query
    found: Found
    scores: FileScores
    definitions: Mapping[int, Definition]


def rank(evidence: Evidence, ranker: Ranker) -> list[RankedFile]:
    """Return the candidate files, best first, equal ones by path."""
    chunks = _chunk_scores(evidence)
    ranked = []
    for path, row in features(evidence).items():
        parts = {name: weight * row[name] for name, weight in ranker.weights.items() if row[name]}
        own = sorted(chunks.get(path, {}).items(), key=lambda item: (-item[1], item[0]))
        score = round(math.fsum(parts.values()), 6)
        ranked.append(RankedFile(path, score, parts, tuple(chunk_id for chunk_id, _ in own)))
    return sorted(ranked, key=lambda file: (-file.score, file.path))


def features(evidence: Evidence) -> dict[str, dict[str, float]]:
    """Return the features of each file by path; every file has all of them."""
    query, found, scores = evidence.query, evidence.found, evidence.scores
    by_file: dict[str, list[int]] = {}
    for chunk_id, path in scores.path_of.items():
        by_file.setdefault(path, []).append(chunk_id)
    columns: dict[str, dict[str, float]] = {}

    def add(name: str, values: Mapping[str, float], *, scaled: bool = True) -> None:
        top = max(values.values(), default=0.0) if scaled else 1.0
        columns[name] = {path: values.get(path, 0.0) / top if top > 0 else 0.0 for path in by_file}

    text = found.chunks.get("text", {})
    total = _sum(scores.fields)
    for name, field in scores.fields.items():
        add(f"{name}_best", _best(by_file, field))
    for name in ("names", "body"):
        add(f"whole_{name}", _best(by_file, scores.wholes.get(name, {})))
    add("text_best", _best(by_file, text))
    add("text_sum3", _top_sum(by_file, text, 3))
    add("text_sum10", _top_sum(by_file, text, 10))
    add("fields_sum3", _top_sum(by_file, total, 3))
    add("fields_sum10", _top_sum(by_file, total, 10))
    add("cosine_best", _best(by_file, scores.cosines))
    add("cosine_top3", {path: _mean_top(ids, scores.cosines, 3) for path, ids in by_file.items()})
    add("centroid", scores.centroids)
    top_text, top_cosine = max(total.values(), default=0.0) or 1.0, max(scores.cosines.values(), default=0.0) or 1.0
    both = {i: total[i] / top_text * max(0.0, scores.cosines.get(i, 0.0)) / top_cosine for i in total}
    add("text_and_cosine", _best(by_file, both))
    rankings = found.rankings()
    for name in ("text", "vector"):
        add(f"{name}_rank", {path: 1 / place for place, path in enumerate(rankings.get(name, ()), 1)}, scaled=False)
    add("rrf", reciprocal_ranks(rankings, WEIGHTS[query.kind]))
    add("path_match", found.files, scaled=False)
    pairs = {i: count / len(query.pairs) for i, count in scores.pairs.items()}
    add("pairs", _best(by_file, pairs), scaled=False)
    for name, values in _coverage(query, by_file, scores).items():
        add(name, values, scaled=False)
    for name, values in _names(query, by_file, evidence.definitions).items():
        add(name, values, scaled=False)
    most = math.log1p(max((len(ids) for ids in by_file.values()), default=1))
    add("size", {path: math.log1p(len(ids)) / most for path, ids in by_file.items()}, scaled=False)
    return {path: {name: column[path] for name, column in columns.items()} for path in by_file}


def _coverage(query: Query, by_file: Mapping[str, Sequence[int]], scores: FileScores) -> dict[str, dict[str, float]]:
    """Return which share of the query's words, rare ones counting more, a file and its best chunk have."""
    of_word = {word: {scores.path_of[i] for i in ids if i in scores.path_of} for word, ids in scores.terms.items()}
    rarity = {word: math.log1p((len(by_file) + 0.5) / (len(paths) + 0.5)) for word, paths in of_word.items() if paths}
    total = math.fsum(rarity.values()) or 1.0
    file_share = {path: math.fsum(w for word, w in rarity.items() if path in of_word[word]) / total for path in by_file}
    in_chunk: dict[int, float] = {}
    for word, weight in rarity.items():
        for chunk_id in scores.terms[word]:
            in_chunk[chunk_id] = in_chunk.get(chunk_id, 0.0) + weight / total
    path_share: dict[str, float] = {}
    stem_share: dict[str, float] = {}
    for path in by_file:
        own, around = set(file_words(path)), set(terms(path.rpartition("/")[0]))
        stem_share[path] = math.fsum(w for word, w in rarity.items() if word in own) / total
        path_share[path] = math.fsum(w for word, w in rarity.items() if word in around) / total
    return {
        "file_coverage": file_share,
        "chunk_coverage": _best(by_file, in_chunk),
        "stem_coverage": stem_share,
        "folder_coverage": path_share,
    }


def _names(
    query: Query, by_file: Mapping[str, Sequence[int]], definitions: Mapping[int, Definition]
) -> dict[str, dict[str, float]]:
    """Return how a file's name and its definitions answer to the query's words, and what sort of file it is."""
    asked = {*query.words, *query.wholes}
    wants_tests = not _TEST_WORDS.isdisjoint(query.words)
    columns: dict[str, dict[str, float]] = {
        name: {}
        for name in (
            "stem_match",
            "stem_exact",
            "stem_prefix",
            "definition",
            "test",
            "compatibility",
            "index_file",
            "depth",
        )
    }
    deepest = max((path.count("/") for path in by_file), default=0) or 1
    for path in by_file:
        words = file_words(path)
        columns["stem_match"][path] = sum(word in asked for word in words) / len(words) if words else 0.0
        columns["stem_prefix"][path] = _prefix_share(query, words)
        columns["stem_exact"][path] = float("".join(_plain(path)) in {*query.wholes, *map(str.lower, query.names)})
        columns["test"][path] = float(not wants_tests and bool(_TEST.search(path)))
        columns["compatibility"][path] = float(bool(_COMPATIBILITY.search(path.lower())))
        columns["index_file"][path] = float(path.rpartition("/")[2].partition(".")[0] in _INDEX_FILES)
        columns["depth"][path] = path.count("/") / deepest
    written = {*query.names, *query.qualified}
    for definition in definitions.values():
        value = 1.0 if query.kind is QueryKind.SYMBOL or is_code_name(definition.name) else 0.3
        value *= 1.5 if definition.name in written or definition.qualified_name in written else 1.0
        value *= 1.0 if definition.kind in _TYPES else 0.8
        best = columns["definition"]
        best[definition.path] = max(best.get(definition.path, 0.0), value)
    return columns


def _prefix_share(query: Query, words: Sequence[str]) -> float:
    """Return the share of the query's words that begin a word of a file's name, or that such a word begins.

    `auth.py` is about authentication, `config.c` about configuration.
    """
    hits = sum(
        any(one[: len(other)] == other or other[: len(one)] == one for one in words if min(len(one), len(other)) > 2)
        for other in query.words
    )
    return hits / len(query.words) if query.words else 0.0


def _plain(path: str) -> list[str]:
    """Return the file's name without extension, or the folder's for a file that stands for its folder."""
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0].lower()
    if stem in _INDEX_FILES and folder:
        stem = folder.rpartition("/")[2].lower()
    return re.findall(r"[^\W_]+", stem)


@lru_cache(maxsize=4096)
def file_words(path: str) -> tuple[str, ...]:
    """Return the terms of a file's name without extension, or of the folder's for a file that stands for its folder."""
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    if stem.lower() in _INDEX_FILES and folder:
        stem = folder.rpartition("/")[2]
    found = terms(stem)
    return tuple(dict.fromkeys(found[1:] if len(found) > 2 else found))


def _chunk_scores(evidence: Evidence) -> dict[str, dict[int, float]]:
    """Return the chunks of each file with what speaks for each: words, meaning, and being what was named."""
    scores, definitions = evidence.scores, evidence.definitions
    vector = evidence.found.chunks.get("vector", {})
    total = _sum(scores.fields)
    top_text = max(total.values(), default=0.0) or 1.0
    top_cosine = max(scores.cosines.values(), default=0.0) or 1.0
    chunks: dict[str, dict[int, float]] = {}
    # Words were asked for with the filters, similarities were not: a chunk counts when some retriever let it through.
    for chunk_id in {**total, **vector, **definitions}:
        path = scores.path_of.get(chunk_id)
        if path is not None:
            cosine = scores.cosines.get(chunk_id, vector.get(chunk_id, 0.0))
            value = total.get(chunk_id, 0.0) / top_text + max(0.0, cosine) / top_cosine
            chunks.setdefault(path, {})[chunk_id] = round(value + (1.0 if chunk_id in definitions else 0.0), 6)
    return chunks


def _best(by_file: Mapping[str, Sequence[int]], scores: Mapping[int, float]) -> dict[str, float]:
    return {path: max((scores.get(i, 0.0) for i in ids), default=0.0) for path, ids in by_file.items()}


def _top_sum(by_file: Mapping[str, Sequence[int]], scores: Mapping[int, float], count: int) -> dict[str, float]:
    return {
        path: math.fsum(sorted((scores[i] for i in ids if i in scores), reverse=True)[:count])
        for path, ids in by_file.items()
    }


def _mean_top(ids: Iterable[int], scores: Mapping[int, float], count: int) -> float:
    best = sorted((scores[i] for i in ids if i in scores), reverse=True)[:count]
    return math.fsum(best) / len(best) if best else 0.0


def _sum(fields: Mapping[str, Scores]) -> Scores:
    total: Scores = {}
    for scores in fields.values():
        for chunk_id, score in scores.items():
            total[chunk_id] = total.get(chunk_id, 0.0) + score
    return total
