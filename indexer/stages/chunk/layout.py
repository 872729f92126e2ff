"""How the lines of a file are shared out: which symbols deserve a chunk of their own, and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from indexer.config import ChunkOptions
from indexer.stages.chunk.lines import LineTable
from indexer.types import TYPE_KINDS, Symbol, SymbolKind

GLUE_BYTES: Final = 48
"""Code between symbols smaller than this (closing braces, `#endif`) goes with the symbol before it."""

CALLABLES: Final = frozenset({SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.CONSTRUCTOR, SymbolKind.TEST})
CONTAINERS: Final = TYPE_KINDS | {
    SymbolKind.MODULE,
    SymbolKind.IMPLEMENTATION,
    SymbolKind.MESSAGE,
    SymbolKind.SERVICE,
    SymbolKind.SECTION,
}


class Item(msgspec.Struct, frozen=True, gc=False):
    """Lines [first, last] of a container, 0-based: one large symbol, or code with small symbols in it."""

    first: int
    last: int
    large: int
    small: tuple[int, ...]


class Layout:
    """The tree of a file's symbols over its lines."""

    def __init__(self, symbols: Sequence[Symbol], table: LineTable, options: ChunkOptions) -> None:
        self.symbols = symbols
        self.table = table
        self.options = options
        self.children = _children(symbols)

    def has_chunks_inside(self, index: int, first: int, last: int) -> bool:
        """Whether a symbol on lines [first, last] is shown as an outline, its large members as chunks of their own."""
        kind = self.symbols[index].kind
        if kind is SymbolKind.NAMESPACE:
            return True
        is_long = self.table.size(first, last) > self.options.max_chars
        return index in self.children and (kind in CONTAINERS or is_long)

    def items(self, owner: int, first: int, last: int, *, glue: bool) -> list[Item]:
        """Divide lines [first, last] among a symbol's large children (-1: the file's), and what lies between them.

        With `glue`, a few characters of code go with the large symbol beside them.
        """
        items: list[Item] = []
        small: list[int] = []
        position = first
        for child, start, end in self.clusters(self.children.get(owner, ()), first, last):
            if end < start:
                small.append(child)
                continue
            self.add_code(items, position, start - 1, small, glue=glue)
            small = []
            is_alone = glue and len(items) == 1 and self.is_glue(items[0])
            items.append(Item(items.pop().first if is_alone else start, end, child, ()))
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
        return (kind in CALLABLES or kind in CONTAINERS) and (last - first >= 3 or 2 * size >= self.options.min_chars)

    def is_glue(self, item: Item) -> bool:
        """Whether an item is too little code to stand alone."""
        return item.large < 0 and not item.small and self.table.size(item.first, item.last) < GLUE_BYTES

    def add_code(self, items: list[Item], first: int, last: int, small: Sequence[int], *, glue: bool) -> None:
        """Add lines [first, last] as an item without blank ends, or to the large symbol before them."""
        first, last = self.table.trim(first, last)
        if first > last:
            return
        item = Item(first, last, -1, tuple(small))
        if glue and items and items[-1].large >= 0 and self.is_glue(item):
            items[-1] = replace(items[-1], last=last)
        else:
            items.append(item)


def _children(symbols: Sequence[Symbol]) -> dict[int, list[int]]:
    """Return, for each symbol's index (-1 is the file), the indexes of the symbols directly inside it."""
    children: dict[int, list[int]] = {}
    open_symbols: list[int] = []
    for index, symbol in enumerate(symbols):
        while open_symbols:
            outer = symbols[open_symbols[-1]]
            is_twin = outer.start_byte == symbol.start_byte and outer.end_byte == symbol.end_byte
            if outer.end_byte > symbol.start_byte and not is_twin:
                break
            open_symbols.pop()
        children.setdefault(open_symbols[-1] if open_symbols else -1, []).append(index)
        open_symbols.append(index)
    return children
