"""Reads what Tantivy stores of its documents, in Tantivy's place: it would take as much memory as a document asks for.

The one module that imports lz4. A block ends with where each of its documents begins, u32 each, and their number; a
document is the number of its values, embedding and stored fields, and each value its field u32, its type u8, its length
and its bytes; numbers and lengths are variable-length integers, seven bits a byte from the lowest, the last one marked.
"""

from __future__ import annotations

import mmap
import struct
from typing import NamedTuple

import lz4.block

from indexer.stores.text.store_check import StoreIndex

STORED_FIELD, EMBEDDING_FIELD = 12, 13
"""The numbers of `stored` and `embedding` in the schema."""
MOST_BLOCKS = 512
"""So many blocks are kept, 8 MB, since a search asks for a document's neighbours too; then the memory starts anew."""
MOST_STORES = 2
"""Where an index has more segments, each keeps fewer blocks, so that all keep as many as these would, ..."""
LEAST_BLOCKS = 2
"""... but no fewer than this."""
USUAL_BYTES = 1 << 15
"""A larger block holds a document that is larger than most, and is not kept."""
_NUMBER, _SPAN = struct.Struct("<I"), struct.Struct("<II")
_MARK = 0x80
_TWO_VALUES = _MARK | 2
_BYTES = 4
_STORED, _EMBEDDING = (struct.pack("<IB", field, _BYTES) for field in (STORED_FIELD, EMBEDDING_FIELD))


class Stored(NamedTuple):
    """What is stored of a chunk: `document.encode_stored` and `document.encode_embedding`."""

    stored: bytes
    embedding: bytes


class _Block(NamedTuple):
    """The documents from `first` to before `last`, which end at `end`, where it says where each begins."""

    first: int
    last: int
    content: bytes
    end: int


class DocumentStore:
    """The document store of one segment, whose index was checked. Raises ValueError for what is malformed."""

    def __init__(self, content: mmap.mmap, index: StoreIndex) -> None:
        self._content = content
        self._index = index
        self.most_blocks = MOST_BLOCKS
        self._blocks: dict[int, _Block] = {}
        self._latest = _Block(0, 0, b"", 0)
        self._is_touched = True  # by who checked it

    def get(self, document: int) -> Stored:
        """Return a document by its number in the segment."""
        block = self._latest  # a search reads neighbours
        if not block.first <= document < block.last:
            block = self._holding(document)
        # What follows where the last one begins is their number.
        start, stop = _SPAN.unpack_from(block.content, block.end + 4 * (document - block.first))
        return _read(block.content, start, stop if document + 1 < block.last else block.end)

    def let_go(self) -> None:
        """Let go of the pages that were touched; they stay in the system's cache, and are mapped again when needed."""
        if self._is_touched and hasattr(self._content, "madvise"):
            self._is_touched = False
            self._content.madvise(mmap.MADV_DONTNEED)

    def _holding(self, document: int) -> _Block:
        place = int(self._index.documents.searchsorted(document, side="right")) - 1
        block = self._blocks.get(place)
        if block is None:
            block = self._block(place)
            if len(self._blocks) >= self.most_blocks:
                self._blocks = {}
            if len(block.content) > USUAL_BYTES:
                return block
            self._blocks[place] = block
        self._latest = block
        return block

    def _block(self, place: int) -> _Block:
        if not 0 <= place < len(self._index.documents) - 1:
            raise ValueError("has no such document")
        self._is_touched = True
        start, stop = self._index.bytes[place : place + 2].tolist()
        (size,) = _NUMBER.unpack_from(self._content, start)
        try:
            content = lz4.block.decompress(self._content[start + 4 : stop], uncompressed_size=size)
        except lz4.block.LZ4BlockError as error:
            raise ValueError(f"has a block that can't be decompressed ({error})") from error
        if len(content) != size or size < 8:
            raise ValueError("has a block of another size")
        (count,) = _NUMBER.unpack_from(content, size - 4)
        first, last = self._index.documents[place : place + 2].tolist()
        end = size - 4 * (count + 1)
        if count != last - first or end < 0:
            raise ValueError("has a block of other documents")
        return _Block(first, last, content, end)


def _read(content: bytes, at: int, end: int) -> Stored:
    """Return the document that lies from `at` to `end`."""
    try:
        if content[at] != _TWO_VALUES:
            raise ValueError("has a document of other values than a chunk has")
        start, middle = _value(content, at + 1, _EMBEDDING)
        first, last = _value(content, middle, _STORED)
    except IndexError as error:
        raise ValueError("has a document without what a chunk has") from error
    if last != end:
        raise ValueError("has a malformed document")
    return Stored(content[first:last], content[start:middle])


def _value(content: bytes, at: int, head: bytes) -> tuple[int, int]:
    """Return where the value lies that begins with `head`, from its bytes on."""
    if not content.startswith(head, at):
        raise ValueError("has a document without what a chunk has")
    at += len(head)
    length = shift = 0
    while (byte := content[at]) < _MARK:
        length |= byte << shift
        shift += 7
        at += 1
    at += 1
    return at, at + (length | (byte - _MARK) << shift)
