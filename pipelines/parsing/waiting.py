"""Files that wait to be parsed. Of a large tree they are hundreds of thousands, whose records take 500 bytes each."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import xxhash
from msgspec.structs import astuple, fields

from indexer.types import FileRecord

_BLOCK = 1024
"""Records that are packed together, and unpacked when the first of them is asked for."""

_ROW: Any = tuple[tuple(bytes if field.type is str else field.type for field in fields(FileRecord))]  # type: ignore[misc]
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[list[Any]] = msgspec.msgpack.Decoder(list[_ROW])


class WaitingFiles:
    """Records in order, each held until it is taken; many take a twentieth of their memory.

    `size` is that of all files at the start, in bytes.
    """

    def __init__(self, records: Sequence[FileRecord]) -> None:
        self.size = sum(record.size for record in records)
        self._count = len(records)
        # Not even the first are kept as they came: each would hold on to the memory around it, that of other records.
        starts = range(0, len(records) if len(records) > _BLOCK else 0, _BLOCK)
        self._packed = deque(_pack(records[start : start + _BLOCK]) for start in starts)
        self._open = deque(() if self._packed else records)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[FileRecord]:
        """Yield what waits, without taking it."""
        yield from tuple(self._open)
        for packed in tuple(self._packed):
            yield from _unpack(packed)

    def popleft(self) -> FileRecord:
        """Take the first; raises IndexError when none waits."""
        if not self._open and self._packed:
            self._open.extend(_unpack(self._packed.popleft()))
        record = self._open.popleft()
        self._count -= 1
        return record


def fair_order(records: Iterable[FileRecord]) -> list[FileRecord]:
    """Order files by the hashes of their paths, so that the first ones are a fair sample, not the first folders.

    A projection is fitted on the first ones, and a full build's recall is measured with them.
    """
    return sorted(records, key=lambda record: xxhash.xxh3_64_intdigest(record.path.encode("utf-8", "surrogateescape")))


def _pack(records: Sequence[FileRecord]) -> bytes:
    # A path need not be UTF-8.
    rows = [[v.encode("utf-8", "surrogatepass") if type(v) is str else v for v in astuple(own)] for own in records]
    return zlib.compress(_encoder.encode(rows), level=1)


def _unpack(packed: bytes) -> list[FileRecord]:
    texts = [field.type is str for field in fields(FileRecord)]
    records: list[FileRecord] = []
    for row in _decoder.decode(zlib.decompress(packed)):
        own: list[Any] = [v.decode("utf-8", "surrogatepass") if text else v for v, text in zip(row, texts, strict=True)]
        records.append(FileRecord(*own))
    return records
