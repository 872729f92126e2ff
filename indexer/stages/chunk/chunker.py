"""Cut a file into chunks: the units of retrieval.

A symbol is one chunk, or several parts when it is longer than `max_chars`. A class, or a long function with definitions
inside, is an outline: its own lines, with the signature in place of each member that is a chunk of its own. Small
neighbours (fields, constants, one-line accessors) and the code between symbols become group and region chunks.
Cuts fall between lines, save in a line longer than `max_chars`. Sizes are bytes of text without indentation.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final

import xxhash
from msgspec.structs import replace

from indexer.config import ChunkOptions
from indexer.stages.chunk.layout import Item, Layout
from indexer.stages.chunk.lines import LineTable, Part, pack
from indexer.stages.chunk.text import embedded_text, notebook_body
from indexer.types import Chunk, DefinedName, Symbol, SymbolKind

EMBEDDED_FACTOR: Final = 4
"""Of a part that could not be cut, this many times `max_chars` are embedded at most; encoders read no further."""

MAX_GROUP_NAMES: Final = 24
MAX_ANCHOR_BYTES: Final = 80


def chunk(
    path: str, language: str, source: str | bytes, symbols: Sequence[Symbol], options: ChunkOptions
) -> tuple[Chunk, ...]:
    """Return the chunks of a file in file order.

    `symbols` are those of `parse` for the same source, sorted by position, outer before inner. Every non-blank line is
    in the span and the text of at least one chunk; ids are unique in the file.
    """
    data = source if isinstance(source, bytes) else source.encode("utf-8", "replace")
    chunker = _Chunker(path, language, data, symbols, options)
    chunker.cut_container(-1, 0, len(chunker.table.lines) - 1)
    return tuple(sorted(chunker.with_definitions(), key=attrgetter("start_byte", "part", "id")))


def chunk_id(*, path: str, qualified_name: str, kind: str, ordinal: int, part: int) -> int:
    """Return a chunk's 63-bit identity: xxh3_64 of its coordinates, each text with its length before it."""
    key = f"{len(path)}:{path}{len(qualified_name)}:{qualified_name}{kind}:{ordinal}:{part}"
    return xxhash.xxh3_64_intdigest(key.encode("utf-8", "surrogatepass")) >> 1


class _Chunker:
    """One file on its way to chunks: line tables, the tree of its symbols, and the chunks made so far."""

    def __init__(self, path: str, language: str, data: bytes, symbols: Sequence[Symbol], options: ChunkOptions) -> None:
        self.path = path
        self.language = language
        self.symbols = symbols
        self.options = options
        self.chunks: list[Chunk] = []
        self.table = LineTable(data)
        self.layout = Layout(symbols, self.table, options)
        self.ordinals: dict[tuple[str, str], int] = {}

    def cut_container(self, owner: int, first: int, last: int) -> None:
        """Make the chunks of a file (-1), or of a symbol that spans lines [first, last] and has definitions inside."""
        has_outline = owner >= 0 and self.symbols[owner].kind is not SymbolKind.NAMESPACE
        parent = self.symbols[owner].qualified_name if owner >= 0 else ""
        items = self.layout.items(owner, first, last, glue=not has_outline)
        if has_outline:
            self.cut_outline(owner, items)
        anchor = parent
        for item in items:
            if item.large >= 0:
                self.cut_symbol(item.large, item.first, item.last)
                anchor = self.symbols[item.large].qualified_name
            elif not has_outline:
                self.cut_region(item, parent, anchor)

    def cut_symbol(self, index: int, first: int, last: int) -> None:
        """Make the chunks of a large symbol: itself, its parts, or its outline and members."""
        if self.layout.has_chunks_inside(index, first, last):
            self.cut_container(index, first, last)
        else:
            self.add_symbol(self.symbols[index], self.parts(first, last))

    def parts(self, first: int, last: int) -> Iterable[Part]:
        """Return lines [first, last] as parts no larger than the limit."""
        if self.table.size(first, last) <= self.options.max_chars:
            return (self.table.join(first, last),)
        return self.table.cut(first, last, self.options.max_chars)

    def cut_outline(self, owner: int, items: Sequence[Item]) -> None:
        """Make the chunks of a symbol from its own lines and the signatures of its large members."""
        pieces: list[Part] = []
        shows_members = self.symbols[owner].kind is not SymbolKind.SECTION
        for item in items:
            if item.large < 0:
                pieces.extend(self.parts(item.first, item.last))
            elif shows_members:
                member = self.symbols[item.large]
                code = min(item.last, max(item.first, member.start_line - 1))
                pieces.append(
                    self.table.outline(item.first, item.last, code, member.signature or member.name, member.line - 1)
                )
        self.add_symbol(self.symbols[owner], pack(pieces, self.options.max_chars))

    def cut_region(self, item: Item, parent: str, anchor: str) -> None:
        """Make the chunks of code between large symbols; a small symbol that is all of it keeps its identity."""
        small = [self.symbols[index] for index in item.small]
        if len(small) == 1 and small[0].start_line - 1 <= item.first and small[0].end_line - 1 >= item.last:
            self.add_symbol(small[0], self.parts(item.first, item.last))
            return
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
            line=part.first + 1,
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

    def with_definitions(self) -> list[Chunk]:
        """Return the chunks with the symbols whose names stand in them, each in the smallest that has its line."""
        place_of: dict[int, int] = {}
        by_size = sorted(
            range(len(self.chunks)), key=lambda place: self.chunks[place].start_line - self.chunks[place].end_line
        )
        for place in by_size:
            place_of.update(dict.fromkeys(_shown(self.chunks[place]), place))
        defined: dict[int, list[DefinedName]] = {}
        for symbol in self.symbols:
            if symbol.line in place_of:
                name = DefinedName(symbol.name, symbol.qualified_name, symbol.line)
                defined.setdefault(place_of[symbol.line], []).append(name)
        return [
            replace(chunk, definitions=tuple(defined[place])) if place in defined else chunk
            for place, chunk in enumerate(self.chunks)
        ]

    def add(self, key: int, symbol: Symbol, number: int, part: Part) -> None:
        """Add one chunk."""
        body = part.body[: EMBEDDED_FACTOR * self.options.max_chars].decode("utf-8", "ignore")
        embedded = embedded_text(
            path=self.path,
            qualified_name=symbol.qualified_name,
            signature=symbol.signature,
            body=notebook_body(body) if self.language == "notebook" else body,
            part=number,
        )
        self.chunks.append(
            Chunk(
                key,
                self.path,
                self.language,
                symbol.kind,
                symbol.name,
                symbol.qualified_name,
                symbol.signature,
                symbol.doc,
                symbol.parent,
                number,
                part.first + 1,
                part.last + 1,
                part.start,
                part.end,
                part.text.decode("utf-8", "replace"),
                embedded,
                xxhash.xxh3_128_digest(embedded.encode("utf-8", "surrogatepass")),
                (),
                tuple([(row, line + 1) for row, line in part.runs]),
            )
        )


def _shown(chunk: Chunk) -> Iterable[int]:
    """Return the lines of the file that a chunk's text shows."""
    if not chunk.runs:
        return range(chunk.start_line, chunk.end_line + 1)
    ends = [row for row, _ in chunk.runs[1:]] + [chunk.text.count("\n") + 1]
    return [line + row for (first, line), end in zip(chunk.runs, ends, strict=True) for row in range(end - first)]
