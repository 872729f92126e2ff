"""A process that parses files until its parent closes the connection; started by the pool.

A file that takes too much processor time, or crashes the grammar's C code, ends the process: the kernel's timers need
no help from Python. Memory is limited by RLIMIT_AS, and what is written to stderr by RLIMIT_FSIZE. Where the platform
has neither, there is no such limit. The parent's end, however it comes, closes the connection, and with it the worker.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from operator import attrgetter
from typing import Any, NamedTuple

from indexer.config import Config
from indexer.stores.text.document import make_document
from indexer.types import Chunk, Document, FileRecord, ParsedFile, Quantized, Reader

from .encode import ChunkEncoder
from .file import parse_file, read_file

OUT_OF_MEMORY = 77
"""Exit code of a worker that met its memory limit."""

GRACE = 2.0
"""The parser gives up by itself at its time limit; a process that burns this many times as much is killed."""

WALL_GRACE = 10.0
"""A process that waits (for a file system that hangs) is killed after this many time limits by the clock."""


class Settings(NamedTuple):
    """What a worker is told first; `for_index` asks for documents with the chunks, `encoder` for vectors."""

    config: Config
    reader: Reader
    for_index: bool = False
    encoder: ChunkEncoder | None = None


class Outcome(NamedTuple):
    """What became of one file: its record and, unless it is skipped, its chunks as tuples of their fields.

    `error` is a failure that concerns the installation and not the file, `seconds` processor time.
    """

    record: FileRecord
    chunks: list[tuple[Any, ...]] | None
    error: str = ""
    documents: tuple[Document, ...] = ()
    quantized: Quantized | None = None
    seconds: float = 0.0


HEADROOM = 64 << 20
"""Bytes; with less than this to itself a worker could parse nothing."""

ERRORS_BYTES = 1 << 20
"""What workers may write to stderr in all; what comes after that is lost."""

READY = "ready"
"""What a worker sends when it can work."""

_CHUNK_FIELDS = attrgetter(*Chunk.__struct_fields__)


def serve(descriptor: int) -> None:
    """Answer each batch of records that comes over the connection with one outcome a file, in order."""
    with Connection(descriptor) as connection:
        try:
            settings: Settings = connection.recv()
            _default_signals()
            if settings.encoder is not None:
                settings.encoder.load()
            _limit_resources(settings.config.parse.memory_megabytes)
            connection.send(READY)
            while True:
                for record in connection.recv():
                    connection.send(_answer(record, settings))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
        except MemoryError:
            os._exit(OUT_OF_MEMORY)


def _answer(record: FileRecord, settings: Settings) -> Outcome:
    try:
        with _time_limit(settings.config.parse.timeout_seconds):
            return _parse(record, settings)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:
        return Outcome(record, None, f"{type(error).__name__}: {error}")


def _parse(record: FileRecord, settings: Settings) -> Outcome:
    begun = time.process_time()
    record, content = read_file(record, settings.reader)
    if content is None:
        return Outcome(record, None)
    result = parse_file(record, content, settings.config)
    if isinstance(result, ParsedFile):
        documents = tuple(map(make_document, result.chunks)) if settings.for_index else ()
        quantized = settings.encoder.encode(result.chunks) if settings.encoder else None
        chunks = [_CHUNK_FIELDS(chunk) for chunk in result.chunks]
        seconds = time.process_time() - begun
        return Outcome(result.record, chunks, documents=documents, quantized=quantized, seconds=seconds)
    return Outcome(result, None)


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Let the kernel end this process when the body takes too long."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, GRACE * seconds)
    signal.setitimer(signal.ITIMER_REAL, WALL_GRACE * seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _default_signals() -> None:
    """Let the timers' signals end the process even where the parent ignored or blocked them."""
    if hasattr(signal, "setitimer"):
        timers = {signal.SIGPROF, signal.SIGALRM}
        for number in timers:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, timers)


def _limit_resources(megabytes: int) -> None:
    """Bound this process's memory, and the file that all workers write their errors to."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (ERRORS_BYTES, ERRORS_BYTES))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = megabytes << 20
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        bytearray(HEADROOM)
    except MemoryError:
        raise SystemExit(f"parse.memory_megabytes = {megabytes} leaves no room for any file; raise it") from None
