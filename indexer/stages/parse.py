"""Parse a file into symbols: one tree-sitter query a language, read by byte offsets.

The only module that imports tree_sitter and tree_sitter_language_pack. Captures that a query may use:

- `@definition.<kind>` the whole definition, `@name` its name, `@body` where its signature stops, `@owner` the type that
  a method is declared on, `@doc` its documentation;
- in patterns of their own: `@comment` a comment; `@leading` a node that stands before its definition and belongs to it
  (attribute, annotation, type signature), perhaps with `@doc` inside; `@doc` the first node of a body; `@wrapped` inside
  `@wrapper` a definition and the node around it that belongs to it (decorators, export, template).

Where two patterns take the same name, the one that stands first in the query decides.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Final, NamedTuple

from tree_sitter import Node, Parser, Query, QueryCursor, Tree

from indexer.errors import ParseTimeoutError
from indexer.languages.comments import clean_comment, clean_docstring, fold
from indexer.languages.registry import LANGUAGES, Language, load_query
from indexer.types import Symbol, SymbolKind

MAX_DEPTH: Final = 16
"""Definitions nested deeper than this stay in the text of the one around them."""

MAX_ERROR_CHILDREN: Final = 20_000
"""A tree that is one error with more children than this is not queried: the time would grow with their square."""

MAX_NAME_BYTES: Final = 200
MAX_SIGNATURE_BYTES: Final = 400
MAX_DOC_BYTES: Final = 2000

_READ_BYTES: Final = 1 << 16
_GAP_BYTES: Final = 256
_CAPTURE: Final = re.compile(r"@([A-Za-z_.]+)")
_TYPES: Final = frozenset(
    {
        SymbolKind.CLASS,
        SymbolKind.STRUCT,
        SymbolKind.INTERFACE,
        SymbolKind.TRAIT,
        SymbolKind.PROTOCOL,
        SymbolKind.ENUM,
        SymbolKind.UNION,
        SymbolKind.OBJECT,
        SymbolKind.IMPLEMENTATION,
    }
)
_MEMBERS: Final = frozenset({SymbolKind.METHOD, SymbolKind.CONSTRUCTOR, SymbolKind.FIELD, SymbolKind.PROPERTY})


@dataclass(frozen=True, slots=True)
class ParseResult:
    """The symbols of one file sorted by position, outer before inner, and the number of the parser's error nodes."""

    symbols: tuple[Symbol, ...]
    errors: int


class _Grammar(NamedTuple):
    """A language made ready; `definitions` holds, for each pattern of the query, its definition capture and kind."""

    language: Language
    parser: Parser
    query: Query
    errors: Query
    definitions: tuple[tuple[str, SymbolKind] | None, ...]


class _Leading(NamedTuple):
    """A comment or attribute that may belong to the definition after it; `row` is 0-based."""

    start: int
    end: int
    row: int
    is_comment: bool
    doc: Node | None


class _Definition(NamedTuple):
    """One definition: its widest span with all that belongs to it, and the nodes that describe it.

    `leading` holds the comments and attributes before it, `comments` those in its signature.
    """

    start: int
    negative_end: int
    row: int
    node: Node
    kind: SymbolKind
    captures: dict[str, list[Node]]
    leading: list[_Leading]
    comments: list[_Leading]


def parse(source: str | bytes, language: str, *, timeout_seconds: float = 10.0) -> ParseResult:
    """Return the symbols of a source text (UTF-8 when given as bytes) in a language of the registry.

    A language without a grammar has no symbols. Raises ParseTimeoutError after `timeout_seconds` of parsing.
    """
    row = LANGUAGES.get(language)
    if row is None or not row.has_symbols:
        return ParseResult((), 0)
    data = source if isinstance(source, bytes) else source.encode("utf-8", "replace")
    grammar = _load_grammar(language)
    root = _parse_tree(grammar, data, timeout_seconds).root_node
    errors = 0
    if root.has_error:
        if root.is_error and root.child_count > MAX_ERROR_CHILDREN:
            return ParseResult((), root.child_count)
        errors = max(1, len(QueryCursor(grammar.errors).captures(root).get("error", ())))
    return ParseResult(_name_symbols(_find_definitions(grammar, data, root), grammar.language, data), errors)


@cache
def _load_grammar(language: str) -> _Grammar:
    from tree_sitter_language_pack import get_language  # takes 15 ms

    row = LANGUAGES[language]
    handle = get_language(row.grammar)  # type: ignore[arg-type]
    text = load_query(language)
    query = Query(handle, text)
    source = text.encode()
    definitions: list[tuple[str, SymbolKind] | None] = []
    for pattern in range(query.pattern_count):
        span = source[query.start_byte_for_pattern(pattern) : query.end_byte_for_pattern(pattern)].decode()
        found = [name for name in _CAPTURE.findall(span) if name.startswith("definition.")]
        definitions.append((found[0], SymbolKind(found[0].removeprefix("definition."))) if found else None)
    return _Grammar(row, Parser(handle), query, Query(handle, "[(ERROR) (MISSING)] @error"), tuple(definitions))


def _parse_tree(grammar: _Grammar, data: bytes, timeout_seconds: float) -> Tree:
    clock = time.monotonic
    deadline = clock() + timeout_seconds

    def read(offset: int, _point: object) -> bytes:
        return data[offset : offset + _READ_BYTES]

    def is_late(_offset: int, _has_error: bool) -> bool:
        return clock() > deadline

    try:
        return grammar.parser.parse(read, progress_callback=is_late)
    except ValueError as error:
        grammar.parser.reset()
        message = f"parsing {grammar.language.name} took longer than {timeout_seconds:g} s (parse.timeout_seconds)"
        raise ParseTimeoutError(message) from error


def _find_definitions(grammar: _Grammar, data: bytes, root: Node) -> list[_Definition]:
    """Run the query and return the definitions sorted by start, the widest first."""
    found: dict[int, tuple[int, Node, SymbolKind, dict[str, list[Node]]]] = {}
    wrappers: dict[tuple[int, int], Node] = {}
    leading: dict[int, _Leading] = {}
    docs: dict[int, Node] = {}
    plans = grammar.definitions
    for pattern, captures in QueryCursor(grammar.query).matches(root):
        plan = plans[pattern]
        if plan is not None:
            if "name" not in captures:
                continue
            key = captures["name"][0].start_byte
            known = found.get(key)
            if known is None or pattern < known[0]:
                found[key] = (pattern, captures[plan[0]][0], plan[1], captures)
        elif "comment" in captures or "leading" in captures:
            is_comment = "comment" in captures
            node = captures["comment" if is_comment else "leading"][0]
            start, end = node.start_byte, node.end_byte
            while end > start and data[end - 1] in b"\r\n":
                end -= 1
            leading[end] = _Leading(start, end, node.start_point[0], is_comment, captures.get("doc", [None])[0])
        elif "wrapper" in captures:
            inner = captures["wrapped"][0]
            wrappers[inner.start_byte, inner.end_byte] = captures["wrapper"][0]
        elif "doc" in captures:
            node = captures["doc"][0]
            docs[node.start_byte] = node
    definitions: list[_Definition] = []
    comments = [item for item in leading.values() if item.is_comment]
    comments.sort()
    starts = [item.start for item in comments]
    for _, node, kind, captures in found.values():
        outer = node
        while wrappers and (wrapper := wrappers.get((outer.start_byte, outer.end_byte))) is not None:
            outer = wrapper
        start, row, before = _take_leading(outer, leading, data)
        body = captures.get("body")
        if body is not None and "doc" not in captures and (doc := docs.get(body[0].start_byte)) is not None:
            captures["doc"] = [doc]
        stop = node.end_byte if body is None else body[0].start_byte
        inside = comments[bisect_left(starts, node.start_byte) : bisect_left(starts, stop)] if comments else []
        definitions.append(_Definition(start, -outer.end_byte, row, node, kind, captures, before, inside))
    definitions.sort(key=itemgetter(0, 1))
    return definitions


def _take_leading(node: Node, leading: dict[int, _Leading], data: bytes) -> tuple[int, int, list[_Leading]]:
    """Return where a definition starts with the comments and attributes right before it, its row, and those."""
    start, row = node.start_byte, node.start_point[0]
    taken: list[_Leading] = []
    while leading:
        before = data[max(0, start - _GAP_BYTES) : start]
        text = before.rstrip()
        gap = len(before) - len(text)
        item = leading.get(start - gap)
        if item is None or before.count(b"\n", len(text)) > 1:
            break
        if item.is_comment and not _starts_line(data, item.start):
            break
        start, row = item.start, item.row
        taken.append(item)
    taken.reverse()
    return start, row, taken


def _starts_line(data: bytes, start: int) -> bool:
    """Whether only blanks stand before `start` on its line, and it is no interpreter line."""
    line = data.rfind(b"\n", 0, start) + 1
    return not data[line:start].strip() and not (start == 0 and data.startswith(b"#!"))


def _name_symbols(definitions: list[_Definition], language: Language, data: bytes) -> tuple[Symbol, ...]:
    """Give definitions their qualified names by nesting, and read signature and documentation from the source."""
    symbols: list[Symbol] = []
    open_symbols: list[tuple[int, str, SymbolKind]] = []
    for definition in definitions:
        start, end = definition.start, -definition.negative_end
        while open_symbols and open_symbols[-1][0] <= start:
            open_symbols.pop()
        if len(open_symbols) >= MAX_DEPTH:
            continue
        parent, outer_kind = ("", None) if not open_symbols else open_symbols[-1][1:]
        if open_symbols:
            end = min(end, open_symbols[-1][0])
        kind = definition.kind
        captures = definition.captures
        if "owner" in captures:
            owner = fold(captures["owner"][0].text or b"", MAX_NAME_BYTES)
            parent = f"{parent}{language.separator}{owner}" if parent else owner
            outer_kind = SymbolKind.CLASS
        if kind is SymbolKind.FUNCTION and outer_kind in _TYPES:
            kind = SymbolKind.METHOD
        name = fold(captures["name"][0].text or b"", MAX_NAME_BYTES)
        separator = language.separator
        if kind in _MEMBERS and language.method_separator:
            separator = language.method_separator
        qualified = f"{parent}{separator}{name}" if parent else name
        path, found, last = name.rpartition(language.separator)
        if found and path and last:
            name = last
            parent = qualified[: -len(last) - len(found)]
        symbols.append(
            Symbol(
                kind=kind,
                name=name,
                qualified_name=qualified,
                signature=_signature(definition, data),
                doc=_doc(definition, data),
                parent=parent,
                start_byte=start,
                end_byte=end,
                start_line=definition.row + 1,
                end_line=definition.row + 1 + data.count(b"\n", start, end),
            )
        )
        open_symbols.append((end, qualified, kind))
    return tuple(symbols)


def _signature(definition: _Definition, data: bytes) -> str:
    start = definition.node.start_byte
    body = definition.captures.get("body")
    end = definition.node.end_byte if body is None else body[0].start_byte
    end = min(end, start + 4 * MAX_SIGNATURE_BYTES)
    pieces: list[bytes] = []
    for comment in definition.comments:
        pieces.append(data[start : comment.start])
        start = comment.end
    pieces.append(data[start:end])
    return fold(b" ".join(pieces), MAX_SIGNATURE_BYTES).rstrip(" {:=;,")


def _doc(definition: _Definition, data: bytes) -> str:
    doc = definition.captures.get("doc")
    if doc is not None:
        return clean_docstring(data[doc[0].start_byte : doc[0].end_byte].decode("utf-8", "replace"))[:MAX_DOC_BYTES]
    parts: list[str] = []
    has_body = "body" in definition.captures
    for item in definition.leading or (definition.comments if has_body else ()):
        if item.doc is not None:
            parts.append(clean_docstring(data[item.doc.start_byte : item.doc.end_byte].decode("utf-8", "replace")))
        elif item.is_comment:
            parts.append(clean_comment(data[item.start : item.end].decode("utf-8", "replace")))
    return "\n".join([part for part in parts if part])[:MAX_DOC_BYTES]
