"""What a worker and its parent tell each other, and the limits that both know; needs no parser."""

from __future__ import annotations

from typing import Any, NamedTuple

from indexer.config import Config
from indexer.types import Document, FileRecord, Quantized, Reader

from .encode import ChunkEncoder

OUT_OF_MEMORY = 77
"""Exit code of a worker that met its memory limit."""

WALL_GRACE = 10.0
"""A process that waits (for a file system that hangs) is killed after this many time limits by the clock."""


class Settings(NamedTuple):
    """What a worker is told first; `for_index` asks for documents with the chunks, `encoder` for vectors."""

    config: Config
    reader: Reader
    for_index: bool = False
    encoder: ChunkEncoder | None = None


class Batch(NamedTuple):
    """Some files to work on. Their outcomes may come `together`; else each comes as soon as there is one.

    What ends the worker is then among the files without an outcome, or else it is the first of these.
    """

    records: list[FileRecord]
    together: bool


class Outcome(NamedTuple):
    """What became of one file: its record and, unless it is skipped, its chunks as tuples of their fields.

    Where documents are asked for, these come in place of the chunks. `error` is a failure that concerns the
    installation and not the file, `seconds` processor time.
    """

    record: FileRecord
    chunks: list[tuple[Any, ...]] | None
    error: str = ""
    documents: tuple[Document, ...] = ()
    quantized: Quantized | None = None
    centroid: bytes = b""
    seconds: float = 0.0


READY = "ready"
"""What a worker sends when it can work."""
