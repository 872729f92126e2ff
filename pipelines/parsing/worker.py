"""A process that parses files, of one source after the other, until its parent closes the connection; started by the
pool.

A file that takes too much processor time, or crashes the grammar's C code, ends the process: the kernel's timers need
no help from Python. Memory is limited by RLIMIT_AS, and what is written to stderr by RLIMIT_FSIZE. Where the platform
has neither, there is no such limit. The parent's end, however it comes, closes the connection, and with it the worker.
"""

from __future__ import annotations

import gc
import mmap
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from operator import attrgetter
from typing import TypeAlias

from indexer.stores.generation.residency import release_freed
from indexer.stores.text.document import make_documents
from indexer.types import Chunk, FileRecord, ParsedFile, Quantized

from .encode import file_centroids, load_encoder
from .file import parse_file, read_file
from .messages import OUT_OF_MEMORY, READY, WALL_GRACE, Batch, Outcome, Settings

GRACE = 2.0
"""The parser gives up by itself at its time limit; a process that burns this many times as much is killed."""

HEADROOM = 64 << 20
"""Bytes; with less than this to itself a worker could parse nothing."""

ERRORS_BYTES = 1 << 20
"""What workers may write to stderr in all; what comes after that is lost."""

GARBAGE = 50_000
"""So many objects more than before are looked through for cycles at a time: a file makes thousands and few cycles."""

RELEASED_BATCHES = 16
"""Freed memory is given back after so many, some megabytes of it."""

PATIENCE = 1.0
"""Seconds; an outcome waits no longer for those of the files after it, so that the parent sees that there is work."""

_Unencoded: TypeAlias = tuple[Outcome, tuple[Chunk, ...]]
"""What became of a file, and its chunks, which have no vectors yet."""

_CHUNK_FIELDS = attrgetter(*Chunk.__struct_fields__)


def serve(descriptor: int) -> None:
    """Answer each batch of files that comes over the connection with their outcomes, in order.

    What comes first is the encoder that will be asked for, or None, so that it is loaded while the parent gets ready;
    then settings, for the batches up to the next settings.
    """
    with Connection(descriptor) as connection:
        try:
            if (variant := connection.recv()) is not None:
                load_encoder(variant)
            _default_signals()
            gc.set_threshold(GARBAGE)
            settings: Settings = connection.recv()
            while True:
                if settings.encoder is not None:
                    settings.encoder.load()
                _limit_resources(settings.config.parse.memory_megabytes)
                gc.enable()
                connection.send(READY)
                answered = 0
                while not isinstance(message := connection.recv(), Settings):
                    for outcomes in _answers(message, settings):
                        connection.send(outcomes)
                    answered += 1
                    if answered % RELEASED_BATCHES == 0:
                        release_freed()
                settings = message
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
        except MemoryError:
            os._exit(OUT_OF_MEMORY)


def _answers(batch: Batch, settings: Settings) -> Iterator[list[Outcome]]:
    """Yield the outcomes of a batch: all at once where they may come together, unless that takes long."""
    waiting: list[_Unencoded] = []
    begun = time.monotonic()
    for record in batch.records:
        waiting.append(_answer(record, settings))
        if not batch.together or time.monotonic() - begun > PATIENCE:
            yield _encoded(waiting, settings)
            waiting, begun = [], time.monotonic()
    if waiting:
        yield _encoded(waiting, settings)


def _answer(record: FileRecord, settings: Settings) -> _Unencoded:
    try:
        with _time_limit(settings.config.parse.timeout_seconds):
            return _parse(record, settings)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:
        return Outcome(record, None, f"{type(error).__name__}: {error}"), ()


def _parse(record: FileRecord, settings: Settings) -> _Unencoded:
    begun = time.process_time()
    record, content = read_file(record, settings.reader)
    if content is None:
        return Outcome(record, None), ()
    result = parse_file(record, content, settings.config)
    if isinstance(result, ParsedFile):
        is_encoded, for_index = settings.encoder is not None, settings.for_index
        documents = make_documents(result.chunks, is_encoded=is_encoded) if for_index else ()
        chunks = [] if for_index else [_CHUNK_FIELDS(chunk) for chunk in result.chunks]
        seconds = time.process_time() - begun
        return Outcome(result.record, chunks, documents=documents, seconds=seconds), result.chunks
    return Outcome(result, None), ()


def _encoded(files: Sequence[_Unencoded], settings: Settings) -> list[Outcome]:
    """Return outcomes with the vectors of their chunks; those of several files cost less together."""
    outcomes = [outcome for outcome, _ in files]
    if settings.encoder is None:
        return outcomes
    begun = time.process_time()
    try:
        with _time_limit(settings.config.parse.timeout_seconds):
            made = settings.encoder.encode([chunk.embedded_text for _, chunks in files for chunk in chunks])
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:
        return [outcome._replace(error=f"{type(error).__name__}: {error}") for outcome in outcomes]
    seconds = (time.process_time() - begun) / max(1, len(made.scales))
    means = file_centroids(made.vectors, [len(chunks) for _, chunks in files])
    stop = 0
    for place, (outcome, chunks) in enumerate(files):
        start, stop = stop, stop + len(chunks)
        own = Quantized(made.vectors[start:stop], made.scales[start:stop])
        spent = outcome.seconds + seconds * len(chunks)
        outcomes[place] = outcome._replace(quantized=own, centroid=means[place], seconds=spent)
    return outcomes


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
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if hard == resource.RLIM_INFINITY or hard > ERRORS_BYTES:
        resource.setrlimit(resource.RLIMIT_FSIZE, (ERRORS_BYTES, ERRORS_BYTES))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = megabytes << 20
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        # Not a bytearray, whose pages would be written, and be memory that every worker has for a moment.
        mmap.mmap(-1, HEADROOM).close()
    except OSError:
        raise SystemExit(f"parse.memory_megabytes = {megabytes} leaves no room for any file; raise it") from None
