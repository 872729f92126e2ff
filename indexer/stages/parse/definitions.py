"""From the matches of a query to definitions: which node is defined, where it starts, and what belongs to it.

Captures that a query may use:

- `@definition.<kind>` the whole definition, `@name` its name, `@name.start` where a name of several tokens begins,
  `@body` where its signature stops, `@owner` the type that a method is declared on, perhaps in several steps, `@static`
  what makes a member one of the type itself, `@doc` its documentation, `@open` on a definition that lasts until the
  next one marked so (a stage), `@level` on the mark of one that lasts until the next of its level or a lower one (a
  heading), which is the digit in the mark's node type;
- in patterns of their own: `@comment` a comment; `@leading` a node that stands before or in a definition and belongs
  to it (attribute, annotation, keyword), perhaps with `@doc` inside; `@leading.<kind>` one that gives a function its
  kind; `@signature` one that is its signature; `@doc` the first node of a body; `@wrapped` inside `@wrapper` a
  definition and the node around it that belongs to it (decorators, export, template); `@scope` the name that what
  follows is declared in (package, namespace).

Where two patterns take the same name or node, the one that stands first in the query decides. What a pattern captures
as `@place` is a node of PLACES, or there is no definition: a predicate would be asked by a callback, which leaks. What
it captures as `@declarator` are, in C and C++, the nodes around the name, which must be of DECLARATORS for its kind.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from indexer.types import SymbolKind

if TYPE_CHECKING:
    from tree_sitter import Node

_GAP_BYTES: Final = 256
"""White space longer than this parts a comment from what follows it."""

PLACES: Final = frozenset(
    {"translation_unit", "preproc_ifdef", "preproc_if", "declaration_list", "linkage_specification"}
)
"""Where a prototype of C stands; elsewhere what looks like one is a variable."""

_FUNCTIONS: Final = frozenset({"function", "pointer function", "pointer pointer function", "reference function"})
DECLARATORS: Final = {
    SymbolKind.FUNCTION: _FUNCTIONS,
    SymbolKind.METHOD: _FUNCTIONS,
    SymbolKind.VARIABLE: frozenset(
        {"array", "init", "init array", "init pointer", "init pointer array", "pointer", "pointer array"}
    ),
    SymbolKind.FIELD: frozenset({"array", "function parenthesized pointer", "pointer"}),
    SymbolKind.TYPE: frozenset({"array", "function", "function parenthesized pointer", "pointer"}),
}
"""What may stand around a name that C declares, by what is declared; outermost first, without `_declarator`."""

POD: Final = b"="
"""How Perl's documentation starts; an empty line must follow it."""

_BY_PLACE: Final = attrgetter("start", "negative_end", "name_start")


class Plan(NamedTuple):
    """What a pattern of a query is for: its role, the full name of its main capture, and the kind that it gives."""

    role: str
    capture: str
    kind: SymbolKind | None


class Leading(msgspec.Struct, frozen=True, gc=False):
    """A comment, or another node that belongs to the definition after it; `row` is 0-based."""

    start: int
    end: int
    row: int
    is_comment: bool
    kind: SymbolKind | None
    doc: Node | None
    is_signature: bool
    is_keyword: bool


class Definition(msgspec.Struct, frozen=True, gc=False):
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
    leading: Sequence[Leading]
    inside: Sequence[Leading]
    signature_start: int
    signature_end: int


class _Match(msgspec.Struct, frozen=True, gc=False):
    """What one definition pattern took: the pattern's place, the defined node, its kind and all captures."""

    pattern: int
    node: Node
    kind: SymbolKind
    captures: dict[str, list[Node]]


def read_definitions(
    matches: Iterable[tuple[int, dict[str, list[Node]]]], plans: Sequence[Plan], data: bytes
) -> tuple[list[Definition], list[tuple[int, Node]]]:
    """Return a file's definitions sorted by start, the widest first, and its scopes with where each begins.

    The tree may be that of `data` with a line feed after it.
    """
    found = _Found(matches, plans, data)
    within = sorted([item for item in found.leading.values() if not item.is_keyword], key=attrgetter("start"))
    starts = [item.start for item in within]
    definitions: list[Definition] = []
    for name_start, match in found.names.items():
        node, captures = match.node, match.captures
        if match.pattern > found.nodes[node.byte_range]:
            continue
        outer = node
        while found.wrappers and (wrapper := found.wrappers.get(outer.byte_range)) is not None:
            outer = wrapper
        start, row, before = _take_leading(outer, found.leading, data)
        code, end, stop = outer.start_byte, min(outer.end_byte, len(data)), min(node.end_byte, len(data))
        last_row, column = outer.end_point
        if "body" in captures:
            body = captures["body"][0]
            stop = body.start_byte
            if body.end_byte > end:
                end, (last_row, column) = min(body.end_byte, len(data)), body.end_point
            if "doc" not in captures and (doc := found.docs.get(stop)) is not None:
                captures["doc"] = [doc]
        last_row -= column == 0 and last_row > row
        inside = within[bisect_left(starts, code) : bisect_left(starts, stop)] if within else ()
        definitions.append(
            Definition(start, -end, name_start, row, last_row, match.kind, captures, before, inside, code, stop)
        )
    definitions.sort(key=_BY_PLACE)
    levels = [_level(definition) for definition in definitions]
    if any(level is not None for level in levels):
        definitions = _close(definitions, levels, data)
    return definitions, found.scopes


def _level(definition: Definition) -> int | None:
    """Return the level of a definition that lasts until another one, 0 for a plain `@open`."""
    if "open" in definition.captures:
        return 0
    mark = definition.captures.get("level")
    return None if mark is None else next((int(char) for char in mark[0].type if char.isdigit()), 0)


def _close(definitions: Sequence[Definition], levels: Sequence[int | None], data: bytes) -> list[Definition]:
    """Return the definitions, each that has a level lasting until the next of its level or a lower one.

    It ends at the latest with a definition around it that has no level.
    """
    around: list[int] = []
    limits: dict[int, int] = {}
    open_places: list[int] = []
    for place, (definition, level) in enumerate(zip(definitions, levels, strict=True)):
        while around and around[-1] <= definition.start:
            around.pop()
        if level is None:
            around.append(-definition.negative_end)
            continue
        limits[place] = around[-1] if around else len(data)
        while open_places and level <= (levels[open_places[-1]] or 0):
            earlier = open_places.pop()
            limits[earlier] = min(limits[earlier], definition.start)
        open_places.append(place)
    closed = list(definitions)
    for place, limit in limits.items():
        closed[place] = _extended(definitions[place], limit, data)
    closed.sort(key=_BY_PLACE)
    return closed


def _extended(definition: Definition, limit: int, data: bytes) -> Definition:
    """Return a definition that lasts until `limit`, white space left out."""
    end = definition.start + len(data[definition.start : limit].rstrip())
    last_row = definition.row + data.count(b"\n", definition.start, end)
    return replace(definition, negative_end=-end, last_row=last_row)


class _Found:
    """What the query found in one file, by the byte offsets that tie the parts together."""

    def __init__(
        self, matches: Iterable[tuple[int, dict[str, list[Node]]]], plans: Sequence[Plan], data: bytes
    ) -> None:
        self.names: dict[int, _Match] = {}
        self.nodes: dict[tuple[int, int], int] = {}
        self.wrappers: dict[tuple[int, int], Node] = {}
        self.leading: dict[int, Leading] = {}
        self.docs: dict[int, Node] = {}
        self.scopes: list[tuple[int, Node]] = []
        for pattern, captures in matches:
            role, capture, kind = plans[pattern]
            if role == "definition":
                if "place" in captures and captures["place"][0].type not in PLACES:
                    continue
                if "declarator" in captures and not _declares(kind, captures["declarator"]):
                    continue
                if "name" in captures and kind is not None:
                    self.add_definition(_Match(pattern, captures[capture][0], kind, captures))
            elif role in ("comment", "leading", "signature"):
                self.add_leading(captures[capture][0], role, kind, captures.get("doc", [None])[0], data)
            elif role == "wrapper":
                inner, outer = captures["wrapped"][0].byte_range, captures["wrapper"][0]
                if inner != outer.byte_range:
                    self.wrappers[inner] = outer
            elif role == "doc":
                self.docs[captures["doc"][0].start_byte] = captures["doc"][0]
            else:
                self.scopes.append((captures["scope"][0].start_byte, captures["scope"][0]))

    def add_definition(self, match: _Match) -> None:
        """Keep the match of the first pattern for a name; of two by one pattern, the one that captured more.

        A name that the parser made up to go on has no text.
        """
        key, end = match.captures["name"][0].byte_range
        if key == end:
            return
        known = self.names.get(key)
        if known is None or (match.pattern, -len(match.captures)) < (known.pattern, -len(known.captures)):
            self.names[key] = match
        span = match.node.byte_range
        if match.pattern < self.nodes.get(span, match.pattern + 1):
            self.nodes[span] = match.pattern

    def add_leading(self, node: Node, role: str, kind: SymbolKind | None, doc: Node | None, data: bytes) -> None:
        """Remember a node that may belong to the definition after it, by where its last line ends."""
        start, end = node.start_byte, min(node.end_byte, len(data))
        while end > start and data[end - 1] in b" \t\r\n":
            end -= 1
        known = self.leading.get(end)
        if known is not None:
            kind, doc = kind or known.kind, doc or known.doc
        self.leading[end] = Leading(
            start, end, node.start_point[0], role == "comment", kind, doc, role == "signature", not node.is_named
        )


def _declares(kind: SymbolKind | None, declarators: Sequence[Node]) -> bool:
    """Whether what stands around a name, outermost first, says that it is of this kind."""
    types = " ".join([node.type.removesuffix("_declarator") for node in declarators])
    return kind is not None and types in DECLARATORS[kind]


def _take_leading(node: Node, leading: dict[int, Leading], data: bytes) -> tuple[int, int, list[Leading]]:
    """Return where a definition starts with the comments and attributes right before it, its row, and those."""
    start, row = node.start_byte, node.start_point[0]
    taken: list[Leading] = []
    while leading:
        before = data[max(0, start - _GAP_BYTES) : start]
        text = len(before.rstrip())
        item = leading.get(start - len(before) + text)
        if item is None:
            break
        if before.count(b"\n", text) > 1 and not data.startswith(POD, item.start):
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
