"""Reads what Tantivy stores of its documents, in Tantivy's place: it would take as much memory as a document asks for.

The one module that imports lz4. A block ends with where each of its documents begins, u32 each, and their number; a
document is a number of values, and each value its field u32, its type u8, its length and its bytes.
"""

from __future__ import annotations

import mmap
import struct
from typing import NamedTuple

import lz4.block
import numpy as np

from indexer.stores.text.store_check import StoreIndex

STORED_FIELD, EMBEDDING_FIELD = 12, 13
"""The numbers of `stored` and `embedding` in the schema."""
_BYTES = 4
_VALUE = struct.Struct("<IB")
_MARK = 0x80


class Stored(NamedTuple):
    """What is stored of a chunk: `document.encode_stored` and `document.encode_embedding`."""

    stored: bytes
    embedding: bytes


class DocumentStore:
    """The document store of one segment, whose index was checked. Raises ValueError for what is malformed."""

    def __init__(self, content: mmap.mmap, index: StoreIndex) -> None:
        self._content = content
        self._index = index
        self._last: tuple[int, bytes] = (-1, b"")

    def get(self, document: int) -> Stored:
        """Return a document by its number in the segment."""
        place = int(np.searchsorted(self._index.documents, document, side="right")) - 1
        if not 0 <= place < len(self._index.documents) - 1:
            raise ValueError("has no such document")
        block = self._block(place)
        (count,) = struct.unpack_from("<I", block, len(block) - 4)
        first, last = self._index.documents[place : place + 2].tolist()
        end = len(block) - 4 * (count + 1)
        if count != last - first or end < 0:
            raise ValueError("has a block of other documents")
        starts = struct.unpack_from(f"<{count}I", block, end)
        row = document - first
        return _read(block[starts[row] : starts[row + 1] if row + 1 < count else end])

    def _block(self, place: int) -> bytes:
        # Neighbours are asked for one after the other. Another thread may replace the pair, but not take it apart.
        known, block = self._last
        if known != place:
            start, stop = self._index.bytes[place : place + 2].tolist()
            (size,) = struct.unpack_from("<I", self._content, start)
            try:
                block = lz4.block.decompress(self._content[start + 4 : stop], uncompressed_size=size)
            except lz4.block.LZ4BlockError as error:
                raise ValueError(f"has a block that can't be decompressed ({error})") from error
            if len(block) != size or size < 8:
                raise ValueError("has a block of another size")
            self._last = (place, block)
        return block


def _read(content: bytes) -> Stored:
    values: dict[int, bytes] = {}
    try:
        count, at = _integer(content, 0)
        while at < len(content):
            field, kind = _VALUE.unpack_from(content, at)
            length, at = _integer(content, at + _VALUE.size)
            if kind != _BYTES or field in values or length > len(content) - at:
                raise ValueError("has a malformed document")
            values[field] = content[at : at + length]
            at += length
        if count != len(values):
            raise ValueError("has a malformed document")
        return Stored(values[STORED_FIELD], values[EMBEDDING_FIELD])
    except (struct.error, IndexError, KeyError) as error:
        raise ValueError("has a document without what a chunk has") from error


def _integer(content: bytes, at: int) -> tuple[int, int]:
    """Return a variable-length integer and where it ends."""
    value = shift = 0
    while not (byte := content[at]) & _MARK:
        value |= byte << shift
        shift += 7
        at += 1
    return value | (byte & ~_MARK) << shift, at + 1
