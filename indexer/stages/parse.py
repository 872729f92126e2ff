"""Parse a file into symbols: one tree-sitter query a language, read by byte offsets.

The only module that imports tree_sitter and tree_sitter_language_pack. Captures that a query may use:

- `@definition.<kind>` the whole definition, `@name` its name, `@body` where its signature stops, `@owner` the type that
  a method is declared on, `@static` what makes a member one of the type itself, `@doc` its documentation;
- in patterns of their own: `@comment` a comment; `@leading` a node that stands before its definition and belongs to it
  (attribute, annotation, type signature), perhaps with `@doc` inside; `@doc` the first node of a body; `@wrapped`
  inside `@wrapper` a definition and the node around it that belongs to it (decorators, export, template).

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
MAX_VALUE_BYTES: Final = 120
MAX_DOC_BYTES: Final = 2000

_READ_BYTES: Final = 1 << 11
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
        SymbolKind.ENUM_MEMBER,
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


_Plan = tuple[str, SymbolKind] | str
"""What a pattern of a query is for: its definition capture and kind, or the name of its main capture."""


class _Grammar(NamedTuple):
    """A language made ready; `plans` says for each pattern of the query what it is for."""

    language: Language
    parser: Parser
    query: Query
    errors: Query
    plans: tuple[_Plan, ...]


class _Leading(NamedTuple):
    """A comment, or an attribute that may belong to the definition after it; `row` is 0-based."""

    start: int
    end: int
    row: int
    is_comment: bool
    kind: SymbolKind | None
    doc: Node | None


class _Definition(NamedTuple):
    """One definition: its widest span with all that belongs to it, and the nodes that describe it.

    The signature is [signature_start, signature_end) without the `inside` comments and attributes; `leading` holds
    those before it. Rows are 0-based, `last_row` is the last one with text.
    """

    start: int
    negative_end: int
    name_start: int
    row: int
    last_row: int
    kind: SymbolKind
    captures: dict[str, list[Node]]
    leading: list[_Leading]
    inside: list[_Leading]
    signature_start: int
    signature_end: int


def parse(source: str | bytes, language: str, *, timeout_seconds: float = 10.0) -> ParseResult:
    """Return the symbols of a source text (UTF-8 when given as bytes) in a language of the registry.

    A language without a grammar has no symbols. Raises ParseTimeoutError after `timeout_seconds` of parsing.
    """
    row = LANGUAGES.get(language)
    if row is None or not row.has_symbols:
        return ParseResult((), 0)
    data = source if isinstance(source, bytes) else source.encode("utf-8", "replace")
    data = data.replace(b"\x00", b" ")  # grammars take NUL for the end of the file
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
    plans: list[_Plan] = []
    for pattern in range(query.pattern_count):
        span = source[query.start_byte_for_pattern(pattern) : query.end_byte_for_pattern(pattern)].decode()
        names = _CAPTURE.findall(span)
        kinds = [(name, SymbolKind(name[11:])) for name in names if name.startswith("definition.")]
        others = [name for name in names if name in ("comment", "wrapper") or name.startswith("leading")]
        plans.append(kinds[0] if kinds else next(iter([*others, *names])))
    return _Grammar(row, Parser(handle), query, Query(handle, "[(ERROR) (MISSING)] @error"), tuple(plans))


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


class _Matches:
    """What the query found in one file, by the byte offsets that tie the parts together."""

    def __init__(self, grammar: _Grammar, data: bytes, root: Node) -> None:
        self.names: dict[int, tuple[int, Node, SymbolKind, dict[str, list[Node]]]] = {}
        self.wrappers: dict[tuple[int, int], Node] = {}
        self.leading: dict[int, _Leading] = {}
        self.docs: dict[int, Node] = {}
        plans = grammar.plans
        for pattern, captures in QueryCursor(grammar.query).matches(root):
            plan = plans[pattern]
            if isinstance(plan, tuple):
                if "name" in captures:
                    key = captures["name"][0].start_byte
                    known = self.names.get(key)
                    if known is None or (pattern, -len(captures)) < (known[0], -len(known[3])):
                        self.names[key] = (pattern, captures[plan[0]][0], plan[1], captures)
            elif plan == "comment":
                self.add_leading(captures["comment"][0], data, None, None, is_comment=True)
            elif plan == "wrapper":
                inner, outer = captures["wrapped"][0].byte_range, captures["wrapper"][0]
                if inner != outer.byte_range:
                    self.wrappers[inner] = outer
            elif plan == "doc":
                self.docs[captures["doc"][0].start_byte] = captures["doc"][0]
            elif plan:
                kind = SymbolKind(plan[8:]) if len(plan) > 7 else None
                self.add_leading(captures[plan][0], data, kind, captures.get("doc", [None])[0], is_comment=False)

    def add_leading(
        self, node: Node, data: bytes, kind: SymbolKind | None, doc: Node | None, *, is_comment: bool
    ) -> None:
        """Remember a node that may belong to the definition after it, by where its last line ends."""
        start, end = node.start_byte, node.end_byte
        while end > start and data[end - 1] in b"\r\n":
            end -= 1
        known = self.leading.get(end)
        if known is not None:
            kind, doc = kind or known.kind, doc or known.doc
        self.leading[end] = _Leading(start, end, node.start_point[0], is_comment, kind, doc)


def _find_definitions(grammar: _Grammar, data: bytes, root: Node) -> list[_Definition]:
    """Run the query and return the definitions sorted by start, the widest first."""
    matches = _Matches(grammar, data, root)
    leading, wrappers = matches.leading, matches.wrappers
    first_patterns: dict[tuple[int, int], int] = {}
    for pattern, node, _, _ in matches.names.values():
        span = node.byte_range
        if pattern < first_patterns.get(span, pattern + 1):
            first_patterns[span] = pattern
    within = sorted(leading.values(), key=itemgetter(0))
    starts = [item.start for item in within]
    definitions: list[_Definition] = []
    for name_start, (pattern, node, plain_kind, captures) in matches.names.items():
        if pattern > first_patterns[node.byte_range]:
            continue
        outer = node
        while wrappers and (wrapper := wrappers.get(outer.byte_range)) is not None:
            outer = wrapper
        start, row, before = _take_leading(outer, leading, data)
        last_row, column = outer.end_point
        last_row -= column == 0 and last_row > row
        body = captures.get("body")
        if body is not None and "doc" not in captures and (doc := matches.docs.get(body[0].start_byte)) is not None:
            captures["doc"] = [doc]
        code, stop = outer.start_byte, node.end_byte if body is None else body[0].start_byte
        inside = within[bisect_left(starts, code) : bisect_left(starts, stop)] if within else []
        kind = plain_kind
        if (before or inside) and kind in (SymbolKind.FUNCTION, SymbolKind.METHOD):
            kind = next((item.kind for item in (*before, *inside) if item.kind is not None), kind)
        definitions.append(
            _Definition(start, -outer.end_byte, name_start, row, last_row, kind, captures, before, inside, code, stop)
        )
    definitions.sort(key=itemgetter(0, 1, 2))
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
    open_symbols: list[Symbol] = []
    for definition in definitions:
        start, end = definition.start, -definition.negative_end
        span = (start, end)
        while open_symbols and (open_symbols[-1].end_byte <= start or _span(open_symbols[-1]) == span):
            open_symbols.pop()
        if len(open_symbols) >= MAX_DEPTH:
            continue
        kind, captures = definition.kind, definition.captures
        outer = open_symbols[-1] if open_symbols else None
        parent = "" if outer is None else outer.qualified_name
        is_member = outer is not None and outer.kind in _TYPES
        end = end if outer is None else min(end, outer.end_byte)
        if "owner" in captures:
            owner = _text(captures["owner"][0], data)
            parent = f"{parent}{language.separator}{owner}" if parent else owner
            is_member = True
        if kind is SymbolKind.FUNCTION and is_member:
            kind = SymbolKind.METHOD
        name = _text(captures["name"][0], data)
        if outer is not None and name == outer.name and kind is outer.kind:
            continue
        separator = (language.method_separator if kind in _MEMBERS else "") or language.separator
        if "static" in captures:
            separator = "."
        qualified = f"{parent}{separator}{name}" if parent else name
        name, parent = _split_name(name, qualified, parent, language)
        symbol = Symbol(
            kind,
            name,
            qualified,
            _signature(definition, data),
            _doc(definition, data),
            parent,
            start,
            end,
            definition.row + 1,
            definition.last_row + 1,
        )
        symbols.append(symbol)
        open_symbols.append(symbol)
    return tuple(symbols)


def _span(symbol: Symbol) -> tuple[int, int]:
    return symbol.start_byte, symbol.end_byte


def _split_name(name: str, qualified: str, parent: str, language: Language) -> tuple[str, str]:
    """Return the last step of a name that has several (`Foo::bar`), and what stands before it."""
    separators = (language.separator, language.method_separator or language.separator)
    place, separator = max((name.rfind(one), one) for one in separators)
    last = name[place + len(separator) :]
    if place > 0 and last and _is_whole(last):
        return last, qualified[: -len(last) - len(separator)]
    return name, parent


def _is_whole(name: str) -> bool:
    """Whether brackets are balanced, so that no separator inside them was taken for one between names."""
    if name.startswith("operator"):
        return True
    return " " not in name and all(name.count(one) == name.count(other) for one, other in ("()", "[]", "<>"))


def _text(node: Node, data: bytes) -> str:
    """Return a name without the marks of a string, a quoted identifier or a symbol literal."""
    text = fold(data[node.start_byte : node.end_byte], MAX_NAME_BYTES)
    if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'`":
        return text[1:-1]
    return text[1:] if text[0] == ":" and text[1:].isidentifier() else text


def _signature(definition: _Definition, data: bytes) -> str:
    start = definition.signature_start
    limit = MAX_SIGNATURE_BYTES if "body" in definition.captures else MAX_VALUE_BYTES
    end = min(definition.signature_end, start + 4 * limit)
    if not definition.inside:
        return fold(data[start:end], limit).rstrip(" {:=;,\\")
    pieces: list[bytes] = []
    for item in definition.inside:
        pieces.append(data[start : item.start])
        start = max(start, item.end)
    pieces.append(data[start:end])
    return fold(b" ".join(pieces), limit).rstrip(" {:=;,\\")


def _before_body(definition: _Definition, data: bytes) -> list[_Leading]:
    """Return the comments that stand right before a body: the documentation of a definition that has no other."""
    found: list[_Leading] = []
    end = definition.signature_end
    for item in reversed(definition.inside if "body" in definition.captures else ()):
        if data[item.end : end].strip():
            break
        found.insert(0, item)
        end = item.start
    return found


def _doc(definition: _Definition, data: bytes) -> str:
    doc = definition.captures.get("doc")
    if doc is not None:
        return clean_docstring(data[doc[0].start_byte : doc[0].end_byte].decode("utf-8", "replace"))[:MAX_DOC_BYTES]
    parts: list[str] = []
    for item in definition.leading or _before_body(definition, data):
        if item.doc is not None:
            parts.append(clean_docstring(data[item.doc.start_byte : item.doc.end_byte].decode("utf-8", "replace")))
        elif item.is_comment:
            parts.append(clean_comment(data[item.start : item.end].decode("utf-8", "replace")))
    return "\n".join([part for part in parts if part])[:MAX_DOC_BYTES]
