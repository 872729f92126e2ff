"""Parse a file into symbols: one tree-sitter query a language.

The only module that imports tree_sitter and tree_sitter_language_pack. definitions.py tells what a query may capture.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple, TypeAlias

from tree_sitter import Node, Parser, Query, QueryCursor, Tree

from indexer.errors import ParseTimeoutError
from indexer.languages.registry import LANGUAGES, Language, load_query
from indexer.stages.parse.bodies import are_cut_well, blanked, without_bodies
from indexer.stages.parse.cells import NOTEBOOK, code_of_cells, language_of_cells
from indexer.stages.parse.definitions import Plan, read_definitions
from indexer.stages.parse.scripts import COMPONENTS, scripts_alone
from indexer.stages.parse.symbols import name_symbols
from indexer.types import Symbol, SymbolKind

MAX_TOKEN_RUN: Final = 1_000
"""So many tokens in a row in broken code are not searched: the query looks at all that follow for each one of them."""

WATCHED_BYTES: Final = 1 << 14
"""Shorter text takes milliseconds, so the parser is not interrupted to look at the clock.

A scanner that hangs would not ask for it either; the limit of the worker's process ends that.
"""

_NAME_BYTES: Final = 256
"""What the query reads at a time where a pattern tests a name."""

_READ_BYTES = 1024
"""What is read at a time. Scala's grammar looks back so often that it reads thousands of times; each time is kept."""

_buffers: Final[list[bytearray]] = []
"""What the parser reads from: the binding never frees what a callback returns, so it is given the same few again."""

_CAPTURE: Final = re.compile(r"@([A-Za-z_.]+)")


@dataclass(frozen=True, slots=True)
class ParseResult:
    """The symbols of one file sorted by position, outer before inner, and the number of the parser's error nodes.

    Errors in bodies that hold no definition, which the parser doesn't see in some languages, are not among these.
    """

    symbols: tuple[Symbol, ...]
    errors: int


_Match: TypeAlias = tuple[int, dict[str, list[Node]]]
"""A pattern's index, and the nodes that it captured by name."""


class _Grammar(NamedTuple):
    """A language made ready; `plans` says for each pattern of the query what it is for."""

    language: Language
    parser: Parser
    query: Query
    plans: tuple[Plan, ...]
    blank: re.Pattern[bytes] | None


class _Parsed(NamedTuple):
    """A tree's root, the number of the parser's error nodes, and spans that are not to be searched."""

    root: Node
    errors: int
    runs: list[tuple[int, int]]


def parse(source: str | bytes, language: str, *, timeout_seconds: float = 10.0) -> ParseResult:
    """Return the symbols of a source text (UTF-8 when given as bytes) in a language of the registry.

    A language without a grammar has no symbols. Raises ParseTimeoutError after `timeout_seconds` of the processor's
    time in the parser, so that a busy machine skips no file.
    """
    row = LANGUAGES.get(language)
    if row is None or not row.has_symbols:
        return ParseResult((), 0)
    data = source if isinstance(source, bytes) else source.encode("utf-8", "replace")
    data = data.replace(b"\x00", b" ")  # grammars take NUL for the end of the file
    if language in COMPONENTS:
        data = scripts_alone(data)
    grammar = _load_grammar(language)
    if grammar.blank is not None:
        data = grammar.blank.sub(blanked, b"\n" + data)[1:]
    # Some scanners look for the end of the last line without end, Perl's after a comment.
    ended = data if data.endswith(b"\n") else data + b"\n"
    seen = without_bodies(language, ended)
    begin = time.thread_time()
    root, errors, runs = _parse_tree(grammar, seen, begin, timeout_seconds)
    if errors and seen != ended and not are_cut_well(language, seen):
        whole = _parse_tree(grammar, ended, begin, timeout_seconds)
        if whole.errors < errors:
            root, errors, runs = whole
    matches = _search_around(grammar, root, runs) if runs else QueryCursor(grammar.query).matches(root)
    definitions, scopes = read_definitions(matches, grammar.plans, data)
    symbols = name_symbols(definitions, scopes, row, data)
    if language == NOTEBOOK and (inner := language_of_cells(data)) in LANGUAGES and inner != NOTEBOOK:
        left = timeout_seconds - (time.thread_time() - begin)
        symbols = _merged(symbols, parse(code_of_cells(data), inner, timeout_seconds=left).symbols)
    return ParseResult(symbols, errors)


def _merged(outer: Sequence[Symbol], inner: Sequence[Symbol]) -> tuple[Symbol, ...]:
    """Return the symbols of two readings of one text by position, outer before inner."""
    return tuple(sorted((*outer, *inner), key=lambda symbol: (symbol.start_byte, -symbol.end_byte)))


def _search_around(grammar: _Grammar, root: Node, runs: Sequence[tuple[int, int]]) -> Iterator[_Match]:
    """Yield the matches that lie between spans of bytes that are not to be searched."""
    cursor = QueryCursor(grammar.query)
    start = 0
    for first, last in [*runs, (root.end_byte, root.end_byte)]:
        if start < first:  # an empty range would be taken for no limit
            cursor.set_containing_byte_range(start, first)
            yield from cursor.matches(root)
        start = last


@cache
def _load_grammar(language: str) -> _Grammar:
    from tree_sitter_language_pack import get_language  # takes 15 ms

    row = LANGUAGES[language]
    handle = get_language(row.grammar)  # type: ignore[arg-type]
    text = load_query(language)
    query = Query(handle, text)
    source = text.encode()
    plans: list[Plan] = []
    for pattern in range(query.pattern_count):
        span = source[query.start_byte_for_pattern(pattern) : query.end_byte_for_pattern(pattern)].decode()
        plans.append(_plan(_CAPTURE.findall(span)))
    blank = re.compile(row.blank.encode(), re.MULTILINE) if row.blank else None
    return _Grammar(row, Parser(handle), query, tuple(plans), blank)


def _plan(captures: list[str]) -> Plan:
    """Return what a pattern is for: its definition capture, or else its main capture, and the kind that it gives."""
    for name in captures:
        role, _, kind = name.partition(".")
        if role in ("definition", "comment", "wrapper", "leading", "signature", "scope"):
            return Plan(role, name, SymbolKind(kind) if kind else None)
    return Plan("doc", "doc", None)


def _read_errors(root: Node) -> tuple[int, list[tuple[int, int]]]:
    """Return the number of ERROR and MISSING nodes, at least 1, and the spans of long runs of tokens, sorted.

    A query for the errors would visit every node of the tree; this visits those that have one inside.
    """
    count = int(root.is_error)
    runs: list[tuple[int, int]] = []
    broken = [root]
    while broken:
        tokens: list[Node] = []
        for node in broken.pop().children:
            count += node.is_error or node.is_missing
            if node.has_error:
                broken.append(node)
            if not node.is_named:
                tokens.append(node)
                continue
            if len(tokens) > MAX_TOKEN_RUN:
                runs.append((tokens[0].start_byte, tokens[-1].end_byte))
            tokens = []
        if len(tokens) > MAX_TOKEN_RUN:
            runs.append((tokens[0].start_byte, tokens[-1].end_byte))
    return max(1, count), sorted(runs)


def _parse_tree(grammar: _Grammar, data: bytes, begin: float, timeout_seconds: float) -> _Parsed:
    root = _parse_within(grammar, data, begin, timeout_seconds).root_node
    return _Parsed(root, *_read_errors(root)) if root.has_error else _Parsed(root, 0, [])


def _parse_within(grammar: _Grammar, data: bytes, begin: float, timeout_seconds: float) -> Tree:
    """Parse until the thread's processor time is `begin` and `timeout_seconds`."""
    if len(data) < WATCHED_BYTES:
        return grammar.parser.parse(data)
    deadline = time.monotonic() + begin + timeout_seconds - time.thread_time()
    used = 0
    is_parsed = False

    def read(offset: int, _point: object) -> bytearray | bytes:
        nonlocal used
        if is_parsed:
            return data[offset : offset + _NAME_BYTES]
        if used == len(_buffers):
            _buffers.append(bytearray())
        buffer = _buffers[used]
        used += 1
        buffer[:] = memoryview(data)[offset : offset + _READ_BYTES]
        return buffer

    def is_late(_offset: int, _has_error: bool) -> bool:
        nonlocal deadline
        if time.monotonic() <= deadline:
            return False
        # By the clock on the wall it is late; what counts is the processor's time, which costs more to read.
        left = begin + timeout_seconds - time.thread_time()
        deadline = time.monotonic() + left
        return left <= 0

    try:
        return grammar.parser.parse(read, progress_callback=is_late)
    except ValueError as error:
        grammar.parser.reset()
        message = f"parsing {grammar.language.name} took longer than {timeout_seconds:g} s (parse.timeout_seconds)"
        raise ParseTimeoutError(message) from error
    finally:
        for buffer in _buffers[:used]:
            buffer.clear()
        is_parsed = True
