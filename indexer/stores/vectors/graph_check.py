"""Is what follows a segment's vectors a graph that usearch can follow without leaving it?

usearch trusts a file: a level, a count or a link out of range is memory that is not the file's. The layout is that of
usearch 2.x (index_dense.hpp and index.hpp of github.com/unum-cloud/usearch), for cosine, int8, 64-bit keys and 32-bit
slots; all numbers are little-endian:

    head    64 bytes: magic, version, kinds of metric, scalar, key and slot, vectors present, vectors deleted, dims
    graph   5 x u64: nodes, links a node above the base, links in the base, highest level, entry node
    levels  i16 a node
    nodes   key u64, level i16, then for the base and each level above: count u32, links u32[links of that level]
"""

from __future__ import annotations

import mmap
import struct

import numpy as np
from numpy.typing import NDArray

_HEAD = struct.Struct("<7s6x4B3Q?")
_HEAD_BYTES = 64
_KINDS = (ord("c"), 23, 14, 15)
_GRAPH = struct.Struct("<5Q")
_MOST_LINKS = 1 << 10
_MOST_LEVEL = 64
Content = bytes | mmap.mmap
"""A whole segment file."""

_TAPE = np.dtype([("key", "<u8"), ("level", "<i2")])


def checked_ids(content: Content, start: int, *, rows: int, dims: int) -> NDArray[np.int64]:
    """Return the ids of the nodes, int64[rows], in the order of their slots.

    `start` is where the vectors end. Raises ValueError that says what is wrong with the graph.
    """
    size = len(content)
    levels_at = start + _HEAD_BYTES + _GRAPH.size
    nodes_at = levels_at + 2 * rows
    if size < nodes_at:
        raise ValueError("ends within its graph")
    magic, *kinds, present, deleted, width, several = _HEAD.unpack_from(content, start)
    if magic != b"usearch" or tuple(kinds) != _KINDS or (present, deleted, width, several) != (rows, 0, dims, False):
        raise ValueError("holds another graph than this program writes")
    nodes, above, base, highest, entry = _GRAPH.unpack_from(content, start + _HEAD_BYTES)
    if nodes != rows or not (0 < above <= _MOST_LINKS and 0 < base <= _MOST_LINKS):
        raise ValueError("its graph has other nodes than vectors, or too many links a node")
    levels = np.frombuffer(content, "<i2", rows, levels_at)
    if entry >= rows or levels.min() < 0 or levels.max() > highest or not highest == levels[entry] <= _MOST_LEVEL:
        raise ValueError("its graph begins at no node, or at another level than its highest")
    base_bytes, above_bytes = _TAPE.itemsize + 4 + 4 * base, 4 + 4 * above
    ends = np.cumsum(base_bytes + above_bytes * levels.astype(np.int64))
    if nodes_at + int(ends[-1]) != size:
        raise ValueError("its graph has another size than its levels say")
    starts = nodes_at + ends - (base_bytes + above_bytes * levels.astype(np.int64))
    tape = _records(content, starts, np.dtype([*_TAPE.descr, ("count", "<u4"), ("links", "<u4", (base,))]))
    if not np.array_equal(tape["level"], levels):
        raise ValueError("a node of its graph has another level than the list of levels says")
    _check_links(tape["count"], tape["links"], levels, 0)
    for level in range(1, int(highest) + 1):
        places = starts[levels >= level] + base_bytes + above_bytes * (level - 1)
        upper = _records(content, places, np.dtype([("count", "<u4"), ("links", "<u4", (above,))]))
        _check_links(upper["count"], upper["links"], levels, level)
    return tape["key"].astype(np.int64)


def _records(content: Content, starts: NDArray[np.int64], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """Return the records that begin at the given bytes."""
    last = len(content) - dtype.itemsize
    everywhere: NDArray[np.void] = np.ndarray((last + 1,), dtype, content, strides=(1,))
    return everywhere[starts]


def _check_links(counts: NDArray[np.uint32], links: NDArray[np.uint32], levels: NDArray[np.int16], level: int) -> None:
    """A node links only to nodes that reach its level."""
    if not len(counts):
        return
    if counts.max() > links.shape[1]:
        raise ValueError("a node of its graph has more links than there is room for")
    # Room that is not used holds zeros or old links, so that nearly always one look is enough.
    if links.max() >= len(levels):
        used = np.arange(links.shape[1]) < counts[:, None]
        if links[used].max(initial=0) >= len(levels):
            raise ValueError("a node of its graph links to a node that is not there")
        links = np.where(used, links, 0)
    if level and (levels[links] < level)[np.arange(links.shape[1]) < counts[:, None]].any():
        raise ValueError("a node of its graph links to one that does not reach its level")
