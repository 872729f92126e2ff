"""The unit of retrieval."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from indexer.types.files import FileRecord
from indexer.types.symbols import SymbolKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ChunkFields(msgspec.Struct, frozen=True, gc=False):
    """What a chunk is known by in every form: as it is made, as it is stored, and as a hit.

    `id` is 63 bits of xxh3 over (path, qualified name, kind, ordinal, part), so that it survives edits elsewhere; code
    outside symbols has the qualified name of the symbol before it with its own first line in place of a name. `part`
    counts the parts of a long symbol from 0. Spans are as a symbol's.
    """

    id: int
    path: str
    language: str
    kind: SymbolKind
    name: str
    qualified_name: str
    signature: str
    doc: str
    parent: str
    part: int
    start_line: int
    end_line: int
    start_byte: int
    end_byte: int


class DefinedName(NamedTuple):
    """A definition in a chunk: its names, and the line of the file that its name stands on."""

    name: str
    qualified_name: str
    line: int


class Chunk(ChunkFields, frozen=True, gc=False):
    """The unit of retrieval: a symbol, a part of a long one, or a region between symbols.

    `text` is the source of the span, save that a class shows the signatures of the members that are chunks of their
    own; code that holds several small symbols has all their names. `text_hash` is xxh3_128 of `embedded_text`.
    `definitions` are those whose names stand in the text, in file order; of a symbol's parts, one has it. Where rows of
    the text don't follow one another in the file, `runs` are those, from 0, at which some that do begin, each with its
    line in the file.
    """

    text: str
    embedded_text: str
    text_hash: bytes
    definitions: tuple[DefinedName, ...] = ()
    runs: tuple[tuple[int, int], ...] = ()


class Document(NamedTuple):
    """A chunk made ready to be stored: what the catalog keeps of it, and `fields`, all but its embedding in JSON.

    `fields` lacks the brace that closes it. `embedded_text` is empty where the vector is known.
    """

    id: int
    path: str
    text_hash: bytes
    embedded_text: str
    fields: bytes


class Quantized(NamedTuple):
    """Reduced vectors: int8[n, k], and float32[n] scales such that vector = int8 * scale."""

    vectors: NDArray[np.int8]
    scales: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """One file after parsing and chunking: the record for the catalog and its chunks in file order.

    Where `documents` were asked for, they are in place of the chunks; `quantized` are the vectors, if these were, and
    `centroid` is the direction of their mean, int8[k], empty without chunks. `seconds` is the processor time that it
    took.
    """

    record: FileRecord
    chunks: tuple[Chunk, ...] = ()
    documents: tuple[Document, ...] = ()
    quantized: Quantized | None = None
    centroid: bytes = b""
    seconds: float = field(default=0.0, compare=False)
