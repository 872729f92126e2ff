"""The schema of the text index, and the queries that can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec
import tantivy

from indexer.errors import ConfigError
from indexer.stores.text.document import RAW_FIELDS, WORD_FIELDS, index_path, utf8

TOKENIZER = "words"
"""How analysed fields are split."""
MARGIN = 1e-4
"""More than the share by which a sum of single-precision numbers can be wrong."""


@lru_cache(maxsize=1)
def schema() -> tantivy.Schema:
    """Return the schema of the text index."""
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("id", indexed=True, fast=True)
    for name in RAW_FIELDS:
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in WORD_FIELDS:
        builder.add_text_field(name, tokenizer_name=TOKENIZER, index_option="freq")
    builder.add_bytes_field("stored", stored=True)
    builder.add_bytes_field("embedding", stored=True)
    return builder.build()


def register_tokenizer(index: tantivy.Index) -> None:
    """Tell an index how analysed fields are split."""
    index.register_tokenizer(TOKENIZER, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What a chunk must be: of one of the languages, of one of the kinds, in one of the files (`paths`, as the source
    has them), in a file whose path one of the regular expressions of globs.path_pattern matches, or none matches, and
    with every one of the terms in its `body`."""

    languages: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    path_patterns: tuple[str, ...] = ()
    not_path_patterns: tuple[str, ...] = ()
    body: tuple[str, ...] = ()


def weighing(
    fields: tantivy.Schema, weights: Mapping[str, float], field: str, *, least: float
) -> list[tuple[tantivy.Occur, tantivy.Query]]:
    """Return clauses for chunks whose terms weigh `least` together, scored by that; some that weigh less pass."""
    clauses: list[tuple[tantivy.Occur, tantivy.Query]] = []
    group: list[tantivy.Query] = []
    without = total = sum(weights.values())
    for word in sorted(weights, key=lambda word: -weights[word]):
        group.append(tantivy.Query.const_score_query(term_query(fields, field, word), weights[word]))
        without -= weights[word]
        # What has none of these can't weigh enough, so that only chunks with one of each group are visited.
        if without < least * (1 - MARGIN):
            clauses.append((tantivy.Occur.Must, either(group)))
            group, without = [], total
    return [*clauses, *((tantivy.Occur.Should, own) for own in group)]


def term_query(fields: tantivy.Schema, field: str, term: str) -> tantivy.Query:
    """Ask for a term in a field, scored by BM25; lone surrogates are question marks, as in what is stored."""
    return tantivy.Query.term_query(fields, field, utf8(term), index_option="freq")


def among(fields: tantivy.Schema, field: str, values: Sequence[str] | Sequence[int]) -> tantivy.Query:
    """Ask for any of the values, without a score.

    Each is looked up: Tantivy's own set of terms walks the term dictionary, five times as long for 25 paths.
    """
    terms = [tantivy.Query.term_query(fields, field, value, index_option="basic") for value in values]
    return _silent(either(terms))


def limited(query: tantivy.Query, clauses: Sequence[tuple[tantivy.Occur, tantivy.Query]]) -> tantivy.Query:
    """Limit a query to what the clauses let through.

    They come first: where a segment has nothing that one of them lets through, Tantivy opens nothing of what follows.
    """
    return tantivy.Query.boolean_query([*clauses, (tantivy.Occur.Must, query)]) if clauses else query


def either(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    """Ask for any of the queries; the scores add up."""
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])


def limits(
    fields: tantivy.Schema, filters: Filters | None, any_of: Sequence[int] = ()
) -> list[tuple[tantivy.Occur, tantivy.Query]]:
    """Return what the filters let through, of the chunk ids `any_of` if there are any, as clauses without a score."""
    clauses: list[tuple[tantivy.Occur, tantivy.Query]] = []
    if any_of:
        clauses.append((tantivy.Occur.Must, among(fields, "id", any_of)))
    if filters is not None:
        if filters.languages:
            clauses.append((tantivy.Occur.Must, among(fields, "language", filters.languages)))
        if filters.kinds:
            clauses.append((tantivy.Occur.Must, among(fields, "kind", filters.kinds)))
        if filters.paths:
            clauses.append((tantivy.Occur.Must, _in_files(filters.paths)))
        if filters.path_patterns:
            wanted = either([_path_query(pattern) for pattern in filters.path_patterns])
            clauses.append((tantivy.Occur.Must, _silent(wanted)))
        clauses.extend((tantivy.Occur.MustNot, _path_query(pattern)) for pattern in filters.not_path_patterns)
        clauses.extend((tantivy.Occur.Must, _silent(term_query(fields, "body", term))) for term in filters.body)
    return clauses


@lru_cache(maxsize=8)
def _in_files(paths: tuple[str, ...]) -> tantivy.Query:
    """Ask for the chunks of files; the second pass of a search does so several times."""
    return among(schema(), "path", [index_path(path) for path in paths])


@lru_cache(maxsize=64)
def _path_query(pattern: str) -> tantivy.Query:
    """Ask for paths that a regular expression matches; raise ConfigError when its automaton is too large.

    Making the automaton is what takes time, and a search asks several times.
    """
    try:
        return tantivy.Query.regex_query(schema(), "path", index_path(pattern))
    except ValueError as error:
        reason = str(error).strip().rpartition("\n")[2].rpartition(": ")[2].rstrip("'")
        raise ConfigError(f"a glob of paths asks for too much at once ({reason}); give simpler ones") from error


def _silent(query: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.const_score_query(query, 0.0)
