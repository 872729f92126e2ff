"""From definitions to symbols: qualified names by nesting, signatures and documentation from the source text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Container, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from indexer.languages.registry import Language
from indexer.stages.parse.comments import clean_comment, clean_docstring, fold
from indexer.stages.parse.definitions import Definition, Leading
from indexer.types import TYPE_KINDS, Symbol, SymbolKind

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_DEPTH: Final = 16
"""Definitions nested deeper than this stay in the text of the one around them."""

MAX_NAME_BYTES: Final = 200
MAX_SIGNATURE_BYTES: Final = 400
MAX_VALUE_BYTES: Final = 120
MAX_DOC_BYTES: Final = 2000

_TYPES: Final = TYPE_KINDS | {SymbolKind.ENUM_MEMBER, SymbolKind.IMPLEMENTATION}
_SCOPES: Final = frozenset({SymbolKind.MODULE, SymbolKind.NAMESPACE})
_FIELDS: Final = frozenset({SymbolKind.FIELD, SymbolKind.PROPERTY})
_MEMBERS: Final = _FIELDS | {SymbolKind.METHOD, SymbolKind.CONSTRUCTOR}


def name_symbols(
    definitions: Sequence[Definition], scopes: Sequence[tuple[int, Node]], language: Language, data: bytes
) -> tuple[Symbol, ...]:
    """Return the symbols of definitions that are sorted by start, the widest first; the order stays.

    A definition inside one of the same name and kind is the same one. In a language of clauses, equal neighbours are.
    """
    symbols: list[Symbol] = []
    open_places: list[int] = []
    starts = {definition.start for definition in definitions}
    scope_starts = [start for start, _ in scopes]
    latest: dict[tuple[str, SymbolKind], int] = {}
    for definition in definitions:
        start, end = definition.start, -definition.negative_end
        while open_places and not _holds(symbols[open_places[-1]], definition):
            last = open_places.pop()
            if symbols[last].start_byte < start < symbols[last].end_byte:
                symbols[last] = replace(symbols[last], end_byte=start, end_line=definition.row)
        if len(open_places) >= MAX_DEPTH:
            continue
        outer = symbols[open_places[-1]] if open_places else None
        parent = "" if outer is None else _whole(outer, definition.kind)
        if outer is not None:
            end = min(end, outer.end_byte)
        elif scopes and definition.kind not in _SCOPES and (place := bisect_right(scope_starts, start)):
            parent = _text(scopes[place - 1][1], data)
        is_member = outer is not None and outer.kind in _TYPES
        captures = definition.captures
        if "owner" in captures:
            owner = language.separator.join([_text(node, data) for node in captures["owner"]])
            parent = f"{parent}{language.separator}{owner}" if parent else owner
            is_member = True
        name = _text(captures["name"][0], data, captures.get("name.start"))
        kind = _kind(definition, name, language, is_member=is_member)
        if outer is not None and name == outer.name and kind is outer.kind:
            continue
        separator = (language.method_separator if kind in _MEMBERS else "") or language.separator
        if "static" in captures:
            separator = "."
        qualified = f"{parent}{separator}{name}" if parent else name
        last_line = definition.last_row + 1
        if language.has_clauses:
            before = latest.get((qualified, kind))
            if before is not None and not data[symbols[before].end_byte : start].strip():
                symbols[before] = replace(symbols[before], end_byte=end, end_line=last_line)
                open_places.append(before)
                continue
            latest[qualified, kind] = len(symbols)
        name, parent = _split_name(name, qualified, parent, language)
        signature, doc = _signature(definition, data), _doc(definition, data, starts)
        line = captures["name"][0].start_point[0] + 1
        symbol = Symbol(kind, name, qualified, signature, doc, parent, start, end, definition.row + 1, last_line, line)
        open_places.append(len(symbols))
        symbols.append(symbol)
    return tuple(symbols)


def _holds(symbol: Symbol, definition: Definition) -> bool:
    """Whether a definition is inside a symbol, not its twin (`a = b = 1`), nor after it with a comment inside it."""
    if definition.signature_start >= symbol.end_byte:
        return False
    return symbol.start_byte != definition.start or symbol.end_byte != -definition.negative_end


def _whole(outer: Symbol, kind: SymbolKind) -> str:
    """Return what a definition in `outer` is part of: a constructor's parameter that declares a field is the type's."""
    return outer.parent if outer.kind is SymbolKind.CONSTRUCTOR and kind in _FIELDS else outer.qualified_name


def _kind(definition: Definition, name: str, language: Language, *, is_member: bool) -> SymbolKind:
    """Return the kind: a function is what its name or a telling attribute says, and a method if it is in a type."""
    kind = definition.kind
    if kind is not SymbolKind.FUNCTION and kind is not SymbolKind.METHOD:
        return kind
    for items in (definition.leading, definition.inside):
        for item in items:
            if item.kind is not None:
                return item.kind
    if language.test_name and _compiled(language.test_name).search(name):
        return SymbolKind.TEST
    return SymbolKind.METHOD if is_member else kind


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _split_name(name: str, qualified: str, parent: str, language: Language) -> tuple[str, str]:
    """Return the last step of a name that has several (`Foo::bar`), and what stands before it."""
    separator = language.separator
    if separator.isspace():
        return name, parent
    conversion = name.find("operator ")
    place = name.rfind(separator, 0, conversion if conversion >= 0 else len(name))
    if language.method_separator and name.rfind(language.method_separator) > place:
        separator = language.method_separator
        place = name.rfind(separator)
    if place <= 0:
        return name, parent
    last = name[place + len(separator) :]
    if last and _is_whole(last):
        return last, qualified[: -len(last) - len(separator)]
    return name, parent


def _is_whole(name: str) -> bool:
    """Whether brackets are balanced, so that no separator inside them was taken for one between names."""
    if name.startswith("operator"):
        return True
    return " " not in name and all(name.count(one) == name.count(other) for one, other in ("()", "[]", "<>"))


def _text(node: Node, data: bytes, starts: Sequence[Node] | None = None) -> str:
    """Return a name, from the first of `starts` on, without the marks of a string, a quoted identifier or a symbol."""
    start = starts[0].start_byte if starts else node.start_byte
    text = fold(data[start : node.end_byte], MAX_NAME_BYTES)
    if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'`":
        return text[1:-1]
    return text[1:] if node.type == "simple_symbol" else text


def _signature(definition: Definition, data: bytes) -> str:
    for item in definition.leading:
        if item.is_signature:
            return fold(data[item.start : item.end], MAX_SIGNATURE_BYTES)
    start = definition.signature_start
    limit = MAX_SIGNATURE_BYTES if "body" in definition.captures else MAX_VALUE_BYTES
    end = min(definition.signature_end, start + 4 * limit)
    if not definition.inside and "doc" not in definition.captures:
        return fold(data[start:end], limit).rstrip(" {:=;,\\")
    left_out = [(item.start, item.end) for item in definition.inside]
    if "doc" in definition.captures:
        left_out = sorted([*left_out, definition.captures["doc"][0].byte_range])
    pieces: list[bytes] = []
    for first, last in left_out:
        if start <= first < end:
            pieces.append(data[start:first])
            start = last
    pieces.append(data[start:end])
    return fold(b" ".join(pieces), limit).rstrip(" {:=;,\\")


def _before_body(definition: Definition, data: bytes, starts: Container[int]) -> Sequence[Leading]:
    """Return the comments that stand right before a body: the documentation of a definition that has no other.

    Those at which another definition begins, and all after them, are that one's.
    """
    found: list[Leading] = []
    end = definition.signature_end
    for item in reversed(definition.inside if "body" in definition.captures else ()):
        if data[item.end : end].strip():
            break
        found.insert(0, item)
        end = item.start
        if end in starts:
            found.clear()
    return found


def _doc(definition: Definition, data: bytes, starts: Container[int]) -> str:
    doc = definition.captures.get("doc")
    if doc is not None:
        return clean_docstring(_source(data, doc[0].start_byte, doc[0].end_byte))[:MAX_DOC_BYTES]
    items = definition.leading or (_before_body(definition, data, starts) if definition.inside else ())
    parts: list[str] = []
    for item in items:
        if item.doc is not None:
            parts.append(clean_docstring(_source(data, item.doc.start_byte, item.doc.end_byte)))
        elif item.is_comment:
            parts.append(clean_comment(_source(data, item.start, item.end)))
    return "\n".join([part for part in parts if part])[:MAX_DOC_BYTES] if parts else ""


def _source(data: bytes, start: int, end: int) -> str:
    return data[start : min(end, start + 2 * MAX_DOC_BYTES)].decode("utf-8", "replace")
