"""Can Tantivy's document store be read without taking more memory than it holds? Tantivy believes the sizes in it.

A crafted size makes Tantivy end the process: it is no error that could be caught. The layout is that of Tantivy's
document store, version 2 (src/store of github.com/quickwit-oss/tantivy), from the end of the file:

    tail     JSON, its length u32, magic u32
    footer   28 bytes: version u32, where the index begins u64, compression u8
    index    layers, the last one of checkpoints of blocks, those above of checkpoints of the layer below; a checkpoint
             is how many documents and how many bytes, eight of them after their number, first document and first byte,
             all as variable-length integers
    blocks   size when decompressed u32, LZ4
"""

from __future__ import annotations

import mmap
import struct
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_BLOCK_BYTES = 16 << 20
"""Of a block when decompressed; Tantivy closes one at 16 KB, so only a document of that size could need as much."""

_TAIL = struct.Struct("<II")
_MAGIC = 1337
_FOOTER = struct.Struct("<IQB15x")
_VERSION, _LZ4 = 2, 1
_PERIOD = 8
_MAX_LAYERS = 12
_MAX_INTEGER_BYTES = 8


class StoreIndex(NamedTuple):
    """The first document and the first byte of each block, and where the last one ends: int64[blocks + 1] each."""

    documents: NDArray[np.int64]
    bytes: NDArray[np.int64]


def check_store(content: mmap.mmap | bytes, *, documents: int) -> StoreIndex:
    """Return where the blocks are; raise ValueError that says what is wrong with a store of so many documents."""
    end = payload_end(content) - _FOOTER.size
    if end < 0:
        raise ValueError("is shorter than its footer")
    version, start, compression = _FOOTER.unpack_from(content, end)
    if (version, compression) != (_VERSION, _LZ4) or start >= end:
        raise ValueError("has another footer than this program writes")
    below: _Checkpoints | None = None
    blocks: _Checkpoints | None = None
    for layer in reversed(_layers(np.frombuffer(content, np.uint8, end - start, start))):
        found = _checkpoints(layer)
        if below is None:
            if int(found.documents[-1]) != documents or int(found.bytes[-1]) != start:
                raise ValueError("has an index of other documents")
            _check_sizes(content, found.bytes)
            blocks = found
        elif not (np.array_equal(found.documents, below.groups) and np.array_equal(found.bytes, below.groups_at)):
            raise ValueError("has an index whose layers differ")
        below = found
    assert blocks is not None
    return StoreIndex(blocks.documents, blocks.bytes)


def payload_end(content: mmap.mmap | bytes) -> int:
    """Return where a Tantivy file's tail begins; raises ValueError."""
    if len(content) < _TAIL.size:
        raise ValueError("is shorter than its footer")
    length, magic = _TAIL.unpack_from(content, len(content) - _TAIL.size)
    end = len(content) - _TAIL.size - int(length)
    if magic != _MAGIC or end < 0:
        raise ValueError("has no footer")
    return end


class _Checkpoints(NamedTuple):
    """The first document and byte of each checkpoint of a layer, and their ends; the same of each group of eight."""

    documents: NDArray[np.int64]
    bytes: NDArray[np.int64]
    groups: NDArray[np.int64]
    groups_at: NDArray[np.int64]


def _layers(index: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Split an index into its layers, the highest first."""
    numbers, ends = _integers(index[: (_MAX_LAYERS + 1) * _MAX_INTEGER_BYTES], whole=False)
    count = int(numbers[0]) if len(numbers) else 0
    if not 0 < count <= _MAX_LAYERS or len(numbers) <= count:
        raise ValueError("has an index without layers")
    body = index[ends[count] :]
    limits = [0, *numbers[1 : count + 1].tolist()]
    if limits != sorted(set(limits)) or limits[-1] != len(body):
        raise ValueError("has an index of another size")
    return [body[first:last] for first, last in pairwise(limits)]


def _checkpoints(layer: NDArray[np.uint8]) -> _Checkpoints:
    numbers, ends = _integers(layer, whole=True)
    width = 3 + 2 * _PERIOD
    groups = -(-len(numbers) // width)
    counts = numbers[::width]
    places = np.arange(len(numbers)) % width
    left = len(numbers) - (groups - 1) * width
    if (counts[:-1] != _PERIOD).any() or not 0 < counts[-1] <= _PERIOD or left != 3 + 2 * counts[-1]:
        raise ValueError("has an index that can't be followed")
    documents = np.append(0, np.cumsum(numbers[(places >= 3) & (places % 2 == 1)]))
    at = np.append(0, np.cumsum(numbers[(places >= 4) & (places % 2 == 0)]))
    first = np.arange(groups) * _PERIOD
    rising = (np.diff(documents) > 0).all() and (np.diff(at) > 0).all()
    if not rising or (numbers[1::width] != documents[first]).any() or (numbers[2::width] != at[first]).any():
        raise ValueError("has an index that can't be followed")
    starts = np.append(0, ends[:-1])
    return _Checkpoints(
        documents, at, np.append(documents[first], documents[-1]), np.append(starts[::width], len(layer))
    )


def _integers(content: NDArray[np.uint8], *, whole: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return variable-length integers, seven bits a byte from the lowest, the last byte marked, and where each ends."""
    ends = np.flatnonzero(content & 0x80) + 1
    if not len(ends) or (whole and ends[-1] != len(content)):
        raise ValueError("has an index that ends within a number")
    starts = np.append(0, ends[:-1])
    lengths = ends - starts
    if whole and lengths.max() > _MAX_INTEGER_BYTES:
        raise ValueError("has an index with a number that is too large")
    places = np.arange(ends[-1]) - np.repeat(starts, lengths)
    parts = (content[: ends[-1]] & 0x7F).astype(np.int64) << (7 * np.minimum(places, _MAX_INTEGER_BYTES - 1))
    return np.add.reduceat(parts, starts), ends


def _check_sizes(content: mmap.mmap | bytes, at: NDArray[np.int64]) -> None:
    """No block may claim more than MAX_BLOCK_BYTES."""
    everywhere: NDArray[np.uint32] = np.ndarray((len(content) - 3,), "<u4", content, strides=(1,))
    if (np.diff(at) < 4).any() or everywhere[at[:-1]].max() > MAX_BLOCK_BYTES:
        raise ValueError("has a block that claims more than any document needs")
