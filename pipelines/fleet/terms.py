"""Document frequencies as a file: of one shard, or of all together, so that a word weighs the same in each.

    magic 8 bytes, rows u64          little-endian, as all numbers
    u64[rows]                        xxh3_64 of a term, ascending
    u32[rows]                        how many chunks have it

A table of all shards leaves out what one chunk alone has: a term that some shard has and the table has not is in one.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Collection, Sequence
from contextlib import ExitStack, suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.closing import Closing
from indexer.errors import DamagedIndexError
from indexer.search.candidates import FIELD_WEIGHTS, WHOLE_WEIGHTS
from indexer.stores import durable
from indexer.stores.folder import Folder
from indexer.stores.generation.layout import reading
from indexer.stores.generation.manifest import FileSum, sum_of
from indexer.stores.text.index import TextIndex
from indexer.stores.text.statistics import Term

_HEADER = struct.Struct("<8sQ")
_MAGIC = b"FLTERMS1"
_ROW_BYTES = 12
_RANGES = 64
"""In so many ranges of hashes tables are added up, one after the other: the bound on memory."""

FIELDS = tuple(sorted({*FIELD_WEIGHTS, *WHOLE_WEIGHTS, "name", "qualified_name"}))
"""Fields whose terms a search weighs."""


class TermTable(Closing):
    """A table, mapped; raises DamagedIndexError for a file that is none, or, given its sum, another one."""

    def __init__(self, folder: Folder, name: str, *, expected: FileSum | None = None) -> None:
        path = folder.path / name
        with reading(path), folder.open(name) as file:
            if expected is not None and sum_of(file) != expected:
                raise DamagedIndexError(f"{path}: was altered, its checksum differs; run `indexer fleet build`")
            size = file.seek(0, 2)
            file.seek(0)
            header = file.read(_HEADER.size) or b""
            magic, rows = _HEADER.unpack(header) if len(header) == _HEADER.size else (b"", 0)
            if magic != _MAGIC or size != _HEADER.size + rows * _ROW_BYTES:
                raise DamagedIndexError(f"{path}: is no table of terms; run `indexer fleet build`")
            self._content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.hashes = np.frombuffer(self._content, "<u8", rows, _HEADER.size)
        self.counts = np.frombuffer(self._content, "<u4", rows, _HEADER.size + 8 * rows)

    def frequencies(self, terms: Collection[Term], *, otherwise: int) -> dict[Term, int]:
        """Return how many chunks have each of the terms, `otherwise` for one that is not in the table."""
        if not len(self.hashes):
            return dict.fromkeys(terms, otherwise)
        wanted = _hashes(tuple(terms))
        at = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
        found = np.where(self.hashes[at] == wanted, self.counts[at], otherwise)
        return dict(zip(terms, found.tolist(), strict=True))

    def close(self) -> None:
        """Let go of the file."""
        self.hashes, self.counts = np.empty(0, np.uint64), np.empty(0, np.uint32)
        with suppress(BufferError):
            self._content.close()


def write_shard_table(text: TextIndex, path: Path) -> None:
    """Write the terms of a shard's text index to a path, in place of a file that may be there; raises OSError."""
    hashes: list[int] = []
    counts: list[int] = []
    for field in FIELDS:
        for term, count in text.vocabulary(field):
            hashes.append(_hash(field, term))
            counts.append(count)
    keys, values = np.array(hashes, np.uint64), np.array(counts, np.uint32)
    order = np.argsort(keys)
    _write(path, keys[order], values[order])


def add_up(folder: Folder, names: Sequence[str], path: Path) -> FileSum:
    """Write the sum of the tables of these names to a path, and return the file's sum; raises OSError."""
    parts_of_keys: list[NDArray[np.uint64]] = []
    parts_of_counts: list[NDArray[np.uint32]] = []
    edges = [(number << 64) // _RANGES for number in range(1, _RANGES)]
    with ExitStack() as stack:
        tables = [stack.enter_context(TermTable(folder, name)) for name in dict.fromkeys(names)]
        times = np.array([names.count(name) for name in dict.fromkeys(names)], np.int64)
        bounds = [
            [0, *np.searchsorted(table.hashes, np.array(edges, np.uint64)).tolist(), len(table.hashes)]
            for table in tables
        ]
        for number in range(_RANGES):
            spans = [slice(own[number], own[number + 1]) for own in bounds]
            keys = np.concatenate([table.hashes[span] for table, span in zip(tables, spans, strict=True)])
            counts = np.concatenate(
                [table.counts[span] * time for table, span, time in zip(tables, spans, times, strict=True)]
            )
            order = np.argsort(keys, kind="stable")
            keys, counts = keys[order], counts[order].astype(np.uint64)
            starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.empty(0, np.int64)
            sums = np.add.reduceat(counts, starts) if len(starts) else np.empty(0, np.uint64)
            common = sums > 1
            parts_of_keys.append(keys[starts][common])
            parts_of_counts.append(np.minimum(sums[common], np.uint64(2**32 - 1)).astype(np.uint32))
    _write(path, np.concatenate(parts_of_keys), np.concatenate(parts_of_counts))
    with Folder(path.parent) as target, target.open(path.name) as file:
        return sum_of(file)


def _write(path: Path, keys: NDArray[np.uint64], counts: NDArray[np.uint32]) -> None:
    """Write a table beside its place, durably, and rename it there."""
    draft = path.with_suffix(".draft")
    with Folder(path.parent) as folder:
        folder.unlink(draft.name)
        content = _HEADER.pack(_MAGIC, len(keys)) + keys.astype("<u8").tobytes() + counts.astype("<u4").tobytes()
        durable.write_file(draft, content)
        durable.rename(draft, path)
        durable.fsync_dir(folder.path)


@lru_cache(maxsize=64)
def _hashes(terms: tuple[Term, ...]) -> NDArray[np.uint64]:
    """Return the hashes of a query's terms, which every shard's table is asked for."""
    return np.fromiter((_hash(*term) for term in terms), np.uint64, len(terms))


def _hash(field: str, term: str) -> int:
    return xxhash.xxh3_64_intdigest(f"{field}\0{term}".encode("utf-8", "surrogatepass"))
