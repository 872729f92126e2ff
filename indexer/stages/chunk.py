"""Cut a file into chunks: the units of retrieval.

A symbol is one chunk, or several parts when it is longer than `max_chars`. A class, or a long function with definitions
inside, is an outline: its own lines, with the signature in place of each member that is a chunk of its own. Small
neighbours (fields, constants, one-line accessors) and the code between symbols become group and region chunks.
Cuts fall between lines, save in a line longer than `max_chars`. Sizes are bytes of text without indentation.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import xxhash

from indexer.config import ChunkOptions
from indexer.stages.chunk_lines import LineTable, Part, pack
from indexer.types import Chunk, Symbol, SymbolKind

GLUE_BYTES: Final = 48
"""Code between symbols smaller than this (closing braces, `#endif`) goes with the symbol before it."""

MAX_GROUP_NAMES: Final = 24
MAX_ANCHOR_BYTES: Final = 80

_CALLABLE: Final = frozenset({SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.CONSTRUCTOR, SymbolKind.TEST})
_TYPES: Final = frozenset(
    {
        SymbolKind.CLASS,
        SymbolKind.STRUCT,
        SymbolKind.INTERFACE,
        SymbolKind.TRAIT,
        SymbolKind.PROTOCOL,
        SymbolKind.ENUM,
        SymbolKind.UNION,
        SymbolKind.MODULE,
        SymbolKind.OBJECT,
        SymbolKind.IMPLEMENTATION,
        SymbolKind.MESSAGE,
        SymbolKind.SERVICE,
        SymbolKind.SECTION,
    }
)
_WORD_BREAK: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9\x80-\U0010ffff]+")


class _Item(NamedTuple):
    """Lines [first, last] of a container, 0-based: one large symbol, or code with small symbols in it."""

    first: int
    last: int
    large: int
    small: tuple[int, ...]


def chunk(
    path: str, language: str, source: str | bytes, symbols: Sequence[Symbol], options: ChunkOptions
) -> tuple[Chunk, ...]:
    """Return the chunks of a file in file order.

    `symbols` are those of `parse` for the same source, sorted by position, outer before inner. Every non-blank line is
    in the span and the text of at least one chunk; ids are unique in the file.
    """
    data = source if isinstance(source, bytes) else source.encode("utf-8", "replace")
    chunker = _Chunker(path, language, data, symbols, options)
    chunker.cut_container(None, 0, len(chunker.table.lines) - 1)
    return tuple(sorted(chunker.chunks, key=lambda made: (made.start_byte, made.part, made.id)))


def embedded_text(*, path: str, qualified_name: str, signature: str, body: str, part: int) -> str:
    """Return what is embedded for a chunk: words of the path, the symbol's names, then the code.

    The body of a symbol's first part holds its signature and documentation; the later parts are given the signature.
    """
    header = [path_words(path)]
    if qualified_name:
        header.append(qualified_name)
    if part and signature:
        header.append(signature)
    return "\n".join([*header, body])


@lru_cache(maxsize=1024)
def path_words(path: str) -> str:
    """Return the words of the last three steps of a path, extension left out."""
    steps = path.rsplit("/", 3)[-3:]
    steps[-1] = steps[-1].rpartition(".")[0] or steps[-1]
    return " ".join(_WORD_BREAK.sub(" ", step).strip() for step in steps)


def chunk_id(*, path: str, qualified_name: str, kind: str, ordinal: int, part: int) -> int:
    """Return a chunk's 63-bit identity: xxh3_64 of its coordinates, each text with its length before it."""
    key = f"{len(path)}:{path}{len(qualified_name)}:{qualified_name}{kind}:{ordinal}:{part}"
    return xxhash.xxh3_64_intdigest(key.encode("utf-8", "surrogatepass")) >> 1


class _Chunker:
    """One file on its way to chunks: line tables, the tree of its symbols, and the chunks made so far."""

    def __init__(self, path: str, language: str, data: bytes, symbols: Sequence[Symbol], options: ChunkOptions) -> None:
        self.path = path
        self.language = language
        self.data = data
        self.symbols = symbols
        self.options = options
        self.chunks: list[Chunk] = []
        self.table = LineTable(data)
        self.children = _children(symbols)
        self.ordinals: dict[tuple[str, str], int] = {}

    def cut_container(self, owner: int | None, first: int, last: int) -> None:
        """Make the chunks of a file or a symbol that spans lines [first, last] and has definitions inside."""
        has_outline = owner is not None and self.symbols[owner].kind is not SymbolKind.NAMESPACE
        children = self.children.get(-1 if owner is None else owner, ())
        items = self.layout(children, first, last, glue=not has_outline)
        if owner is not None and has_outline:
            self.cut_outline(owner, items)
        anchor = "" if owner is None else self.symbols[owner].qualified_name
        for item in items:
            if item.large >= 0:
                self.cut_symbol(item.large, item.first, item.last)
                anchor = self.symbols[item.large].qualified_name
            elif not has_outline:
                self.cut_region(item, owner, anchor)

    def layout(self, children: Sequence[int], first: int, last: int, *, glue: bool) -> list[_Item]:
        """Divide lines [first, last] among the large children, with the code and small children between them.

        With `glue`, a few characters of code go with the large symbol beside them.
        """
        items: list[_Item] = []
        small: list[int] = []
        position = first
        for child, start, end in self.clusters(children, first, last):
            if end < start:
                small.append(child)
                continue
            self.add_code(items, position, start - 1, small, glue=glue)
            small = []
            is_alone = glue and len(items) == 1 and self.is_glue(items[0])
            items.append(_Item(items.pop().first if is_alone else start, end, child, ()))
            position = end + 1
        self.add_code(items, position, last, small, glue=glue)
        return items

    def clusters(self, children: Sequence[int], first: int, last: int) -> list[tuple[int, int, int]]:
        """Return each child and its lines; no lines for one that is small or shares a line with a sibling.

        A child on the last line of a larger one (the name of `typedef struct {…} name`) is left out.
        """
        symbols, trim = self.symbols, self.table.trim
        spans = [
            (child, *trim(max(first, symbols[child].start_line - 1), min(last, symbols[child].end_line - 1)))
            for child in children
        ]
        found: list[tuple[int, int, int]] = []
        reach, is_tall = -1, False
        for place, (child, start, end) in enumerate(spans):
            if is_tall and start == end == reach:
                continue
            shares = start <= reach
            is_tall = end > start and not shares
            for _, next_start, next_end in spans[place + 1 : place + 2]:
                shares = shares or (next_start <= end and not (is_tall and next_start == next_end == end))
            reach = max(reach, end)
            is_large = not shares and self.is_large(child, start, end)
            found.append((child, start, end if is_large else start - 1))
        return found

    def is_large(self, index: int, first: int, last: int) -> bool:
        """Whether a symbol deserves a chunk of its own."""
        kind = self.symbols[index].kind
        size = self.table.size(first, last)
        if kind is SymbolKind.NAMESPACE or size >= self.options.min_chars:
            return True
        return (kind in _CALLABLE or kind in _TYPES) and (last - first >= 3 or 2 * size >= self.options.min_chars)

    def is_glue(self, item: _Item) -> bool:
        """Whether an item is too little code to stand alone."""
        return item.large < 0 and not item.small and self.table.size(item.first, item.last) < GLUE_BYTES

    def add_code(self, items: list[_Item], first: int, last: int, small: Sequence[int], *, glue: bool) -> None:
        """Add lines [first, last] as an item without blank ends, or to the large symbol before them."""
        first, last = self.table.trim(first, last)
        if first > last:
            return
        item = _Item(first, last, -1, tuple(small))
        if glue and items and items[-1].large >= 0 and self.is_glue(item):
            items[-1] = items[-1]._replace(last=last)
        else:
            items.append(item)

    def cut_symbol(self, index: int, first: int, last: int) -> None:
        """Make the chunks of a large symbol: itself, its parts, or its outline and members."""
        symbol = self.symbols[index]
        fits = self.table.size(first, last) <= self.options.max_chars
        if symbol.kind is SymbolKind.NAMESPACE or (self.children.get(index) and (symbol.kind in _TYPES or not fits)):
            self.cut_container(index, first, last)
        else:
            self.add_symbol(symbol, self.parts(first, last))

    def parts(self, first: int, last: int) -> Iterable[Part]:
        """Return lines [first, last] as parts no larger than the limit."""
        if self.table.size(first, last) <= self.options.max_chars:
            return (self.table.join(first, last),)
        return self.table.cut(first, last, self.options.max_chars)

    def cut_outline(self, owner: int, items: Sequence[_Item]) -> None:
        """Make the chunks of a symbol from its own lines and the signatures of its large members."""
        pieces: list[Part] = []
        shows_members = self.symbols[owner].kind is not SymbolKind.SECTION
        for item in items:
            if item.large < 0:
                pieces.extend(self.parts(item.first, item.last))
            elif shows_members:
                member = self.symbols[item.large]
                code = min(item.last, max(item.first, member.start_line - 1))
                pieces.append(self.table.outline(item.first, item.last, code, member.signature or member.name))
        self.add_symbol(self.symbols[owner], pack(pieces, self.options.max_chars))

    def cut_region(self, item: _Item, owner: int | None, anchor: str) -> None:
        """Make the chunks of code between large symbols; a small symbol that is all of it keeps its identity."""
        small = [self.symbols[index] for index in item.small]
        if len(small) == 1 and small[0].start_line - 1 <= item.first and small[0].end_line - 1 >= item.last:
            self.add_symbol(small[0], self.parts(item.first, item.last))
            return
        parent = "" if owner is None else self.symbols[owner].qualified_name
        lines = [symbol.start_line - 1 for symbol in small]
        for part in self.parts(item.first, item.last):
            inside = small[bisect_right(lines, part.first - 1) : bisect_right(lines, part.last)]
            self.add_group(part, inside, parent, anchor)

    def add_symbol(self, symbol: Symbol, parts: Iterable[Part]) -> None:
        """Add the parts of one symbol."""
        ordinal = self.ordinal(symbol.qualified_name, symbol.kind)
        for number, part in enumerate(parts):
            key = chunk_id(
                path=self.path,
                qualified_name=symbol.qualified_name,
                kind=symbol.kind,
                ordinal=ordinal,
                part=number,
            )
            self.add(key, symbol, number, part)

    def add_group(self, part: Part, small: Sequence[Symbol], parent: str, anchor: str) -> None:
        """Add code between symbols. Its identity is the symbol before it and its first line, whatever its place."""
        first_line = part.body.partition(b"\n")[0][:MAX_ANCHOR_BYTES].decode("utf-8", "replace")
        kinds = {symbol.kind for symbol in small}
        names = small[:MAX_GROUP_NAMES]
        symbol = Symbol(
            kind=kinds.pop() if len(kinds) == 1 and self.is_covered(part, small) else SymbolKind.REGION,
            name=", ".join(dict.fromkeys([symbol.name for symbol in names])),
            qualified_name=", ".join(dict.fromkeys([symbol.qualified_name for symbol in names])),
            signature="",
            doc="",
            parent=parent,
            start_byte=part.start,
            end_byte=part.end,
            start_line=part.first + 1,
            end_line=part.last + 1,
        )
        place = f"{len(anchor)}:{anchor}{first_line}"
        ordinal = self.ordinal(place, SymbolKind.REGION)
        key = chunk_id(path=self.path, qualified_name=place, kind=SymbolKind.REGION, ordinal=ordinal, part=0)
        self.add(key, symbol, 0, part)

    def is_covered(self, part: Part, small: Sequence[Symbol]) -> bool:
        """Whether small symbols make up all of a part."""
        outside = part.first
        for symbol in small:
            if self.table.size(outside, symbol.start_line - 2) > 0:
                return False
            outside = max(outside, symbol.end_line)
        return outside > part.last or self.table.size(outside, part.last) == 0

    def ordinal(self, qualified_name: str, kind: str) -> int:
        """Return how many equals came before in this file."""
        key = (qualified_name, kind)
        count = self.ordinals.get(key, 0)
        self.ordinals[key] = count + 1
        return count

    def add(self, key: int, symbol: Symbol, number: int, part: Part) -> None:
        """Add one chunk."""
        embedded = embedded_text(
            path=self.path,
            qualified_name=symbol.qualified_name,
            signature=symbol.signature,
            body=part.body.decode("utf-8", "replace"),
            part=number,
        )
        self.chunks.append(
            Chunk(
                id=key,
                path=self.path,
                language=self.language,
                kind=symbol.kind,
                name=symbol.name,
                qualified_name=symbol.qualified_name,
                signature=symbol.signature,
                doc=symbol.doc,
                parent=symbol.parent,
                part=number,
                start_line=part.first + 1,
                end_line=part.last + 1,
                start_byte=part.start,
                end_byte=part.end,
                text=part.text.decode("utf-8", "replace"),
                embedded_text=embedded,
                text_hash=xxhash.xxh3_128_digest(embedded.encode("utf-8", "surrogatepass")),
            )
        )


def _children(symbols: Sequence[Symbol]) -> dict[int, list[int]]:
    """Return, for each symbol's index (-1 is the file), the indexes of the symbols directly inside it."""
    children: dict[int, list[int]] = {}
    open_symbols: list[int] = []
    for index, symbol in enumerate(symbols):
        while open_symbols:
            outer = symbols[open_symbols[-1]]
            is_twin = (outer.start_byte, outer.end_byte) == (symbol.start_byte, symbol.end_byte)
            if outer.end_byte > symbol.start_byte and not is_twin:
                break
            open_symbols.pop()
        children.setdefault(open_symbols[-1] if open_symbols else -1, []).append(index)
        open_symbols.append(index)
    return children
