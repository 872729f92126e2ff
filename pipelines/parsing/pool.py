"""Worker processes that parse files; each dies alone with a file that hangs, crashes or eats memory.

Plain processes with a socket pair each, instead of the standard library's pools: those lose a whole batch, or hang,
when a worker is killed, import the caller's __main__ anew, and take the terminal's Ctrl-C. Here a worker answers file
by file, so the first file without an answer is the one that killed it. That file is tried once more, alone in a new
process, lest it pays for its predecessors' memory, unless it ran out of time; then once without its grammar, which
leaves its lines; the rest of its batch goes elsewhere. Where workers encode, a batch is answered at once, since its
vectors cost less together; after a death its files are answered one by one.
"""

from __future__ import annotations

import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from multiprocessing.connection import wait

from msgspec.structs import replace

from indexer.closing import Closing
from indexer.config import Config
from indexer.cores import cores
from indexer.encoders.registry import Variant, for_children
from indexer.errors import NO_TEMPORARY, IndexerError, StorageError
from indexer.types import Chunk, FileRecord, ParsedFile, Source

from .encode import ChunkEncoder
from .messages import Outcome, Settings
from .process import WorkerDied, WorkerProcess
from .waiting import WaitingFiles

BATCH_FILES = 32
BATCH_BYTES = 1 << 18
"""A batch takes a worker about 50 ms, so that the round trip to the parent weighs little."""

WINDOW_FILES = 1024
WINDOW_BYTES = 4 << 20
"""What may be in work or wait for an earlier file, in files and in bytes of source: the bound on memory."""


def parse_files(
    source: Source,
    records: Sequence[FileRecord] | WaitingFiles,
    config: Config,
    *,
    for_index: bool = False,
    encoder: ChunkEncoder | None = None,
    workers: Workers | None = None,
) -> Iterator[ParsedFile | FileRecord]:
    """Yield each file parsed and chunked, or its record with the reason to skip it, in the order of `records`.

    `for_index` asks for documents in place of the chunks, and `encoder` for their vectors. A file whose record has a
    `failure` is chunked by its lines, as if its grammar had just failed that way. The outcome is the same for any
    `config.parse.workers` (0: one a core), which read the files themselves; `workers` are those that got ready for
    these records. A record's hash is that of the content that was parsed. Memory is bounded by the window, not
    by the number of files, if `records` are WaitingFiles, which are emptied. Raises IndexerError when workers can't be
    started at all.
    """
    settings = Settings(config, source.reader(), for_index, encoder)
    with ExitStack() as stack:
        waiting = records if isinstance(records, WaitingFiles) else WaitingFiles(records)
        if workers is None:
            workers = stack.enter_context(Workers(config))
            workers.get_ready(waiting)
        yield from _Pool(settings, waiting, workers).run()


class Workers(Closing):
    """Processes that parse the files of one build, or of several in turn.

    Between two builds those stay that came through the one before, until they have read `keep_bytes` of source in all:
    so what a file leaves behind in their memory is bounded, and the next files get new ones.
    """

    def __init__(self, config: Config, *, keep_bytes: int = 0) -> None:
        """Start nothing yet; raises StorageError where the system has no place for a temporary file."""
        self.count = 0
        self._config = config
        self._keep_bytes = keep_bytes
        self._bytes = 0
        self._asked: Variant | None = None
        self._variant: Variant | None = None
        self._all: list[WorkerProcess] = []
        self._spare: list[WorkerProcess] = []
        with ExitStack() as stack:
            try:
                self._errors = stack.enter_context(tempfile.TemporaryFile())
            except OSError as error:
                what = error.strerror or error
                raise StorageError(f"no temporary file can be made ({what}); {NO_TEMPORARY}") from error
            self._stack = stack.pop_all()

    def get_ready(self, records: WaitingFiles, variant: Variant | None = None) -> Variant | None:
        """Start what `parse_files` will want, so that it gets ready while the caller does something else.

        `variant` is what these processes will be asked to encode with, if anything; returned as they load it. Raises
        IndexerError when they can't be started, and ModelError when its files are damaged.
        """
        self.count = _worker_count(records, self._config) if records else 0
        self._bytes += records.size
        started = [self._start() for _ in range(self.count - len(self._spare))]
        if variant != self._asked:  # while they import what they need
            self._asked, self._variant = variant, None if variant is None else for_children(variant)
        for worker in started:
            worker.load(self._variant)
        self._spare.extend(started)
        return self._variant

    def take(self, settings: Settings, *, is_new: bool = False) -> WorkerProcess:
        """Return one that waits, or else a new one, and tell it what to do; with `is_new` one that has read nothing."""
        worker = self._spare.pop() if self._spare and not is_new else self._new()
        worker.begin(settings)
        return worker

    def rest(self) -> None:
        """Keep those that have nothing to do for the files to come, and end the others."""
        kept = [worker for worker in self._all if worker.is_idle] if self._bytes < self._keep_bytes else []
        kept = kept[: self._config.parse.workers or cores()]
        self._end([worker for worker in self._all if worker not in kept])
        self._all, self._spare = kept, list(kept)
        self._bytes = self._bytes if kept else 0

    def close(self) -> None:
        """End all of them."""
        self._end(self._all)
        self._all.clear()
        self._spare.clear()
        self._stack.close()

    def _new(self) -> WorkerProcess:
        worker = self._start()
        worker.load(self._variant)
        return worker

    def _start(self) -> WorkerProcess:
        self._all.append(WorkerProcess(self._config, self._errors))
        return self._all[-1]

    def _end(self, workers: Sequence[WorkerProcess]) -> None:
        for worker in workers:
            worker.stop()


class _Pool:
    """The workers, what waits for them, and what waits for an earlier file."""

    def __init__(self, settings: Settings, records: WaitingFiles, started: Workers) -> None:
        self._settings = settings
        self._count = len(records)
        self._left = records
        self._records: dict[int, FileRecord] = {}
        self._started = started
        self._workers: list[WorkerProcess] = []
        self._orphans: deque[int] = deque()
        self._suspects: deque[int] = deque()
        self._apart: set[int] = set()
        self._tried: set[int] = set()
        self._next = 0
        self._bytes = 0
        self._done: dict[int, ParsedFile | FileRecord] = {}

    def run(self) -> Iterator[ParsedFile | FileRecord]:
        """Yield outcomes in order."""
        for position in range(self._count):
            while position not in self._done:
                self._feed(position)
                self._collect()
            self._bytes -= self._records.pop(position).size
            yield self._done.pop(position)

    def _feed(self, head: int) -> None:
        """Give each free worker a batch; start workers up to the pool's size while there is more to give."""
        while batch := self._batch(head) if self._free() else ():
            idle = next((worker for worker in self._workers if not worker.tasks), None)
            is_second_try = batch[0] in self._tried and not self._records[batch[0]].failure
            worker = self._start(is_new=is_second_try) if idle is None or is_second_try else idle
            together = self._settings.encoder is not None and batch[0] not in self._apart
            worker.give(batch, [self._records[position] for position in batch], together=together)

    def _free(self) -> bool:
        return len(self._workers) < self._started.count or any(not worker.tasks for worker in self._workers)

    def _start(self, *, is_new: bool) -> WorkerProcess:
        self._workers.append(self._started.take(self._settings, is_new=is_new))
        return self._workers[-1]

    def _batch(self, head: int) -> list[int]:
        """Take the next files to parse: one that may have killed a worker, alone; what dead workers left; new ones."""
        if self._suspects:
            self._tried.add(self._suspects[0])
            return [self._suspects.popleft()]
        batch: list[int] = []
        while self._orphans and len(batch) < BATCH_FILES:
            batch.append(self._orphans.popleft())
        size = 0
        while not self._orphans and len(batch) < BATCH_FILES and size < BATCH_BYTES and self._in_window(head):
            batch.append(self._next)
            record = self._records[self._next] = self._left.popleft()
            size += record.size
            self._bytes += record.size
            self._next += 1
        return batch

    def _in_window(self, head: int) -> bool:
        if not self._left:
            return False
        return self._next == head or (self._next - head < WINDOW_FILES and self._bytes < WINDOW_BYTES)

    def _collect(self) -> None:
        """Wait until a worker answers, dies or is overdue, and take in what there is."""
        busy = {worker.connection: worker for worker in self._workers if worker.tasks}
        first = min(worker.deadline for worker in busy.values())
        ready = wait(list(busy), max(0.0, first - time.monotonic()))
        for connection, worker in busy.items():
            if connection not in ready and worker.deadline > time.monotonic():
                continue
            try:
                outcomes = worker.receive()
            except WorkerDied as death:
                self._bury(worker, death)
                continue
            for outcome in outcomes:
                self._done[worker.tasks.popleft()] = _result(outcome)

    def _bury(self, worker: WorkerProcess, death: WorkerDied) -> None:
        """Try a dead worker's current file again, then without its grammar, then give up; queue its batch's rest."""
        self._workers.remove(worker)
        self._apart.update(worker.tasks)
        if worker.together and len(worker.tasks) > 1:  # the culprit is one of them
            self._orphans.extendleft(reversed(worker.tasks))
            return
        culprit = worker.tasks.popleft()
        self._orphans.extendleft(reversed(worker.tasks))
        record, cause = self._records[culprit], str(death)
        if record.failure:
            from .file import give_up  # with the parser, which this process needs for nothing else

            self._done[culprit] = give_up(record, self._settings.reader, self._settings.config, cause)
            return
        if death.timed_out or culprit in self._tried:
            self._records[culprit] = replace(record, failure=cause)
        self._suspects.append(culprit)


def _worker_count(records: WaitingFiles, config: Config) -> int:
    """Return how many workers are worth their start, about 0.1 s each."""
    worth = 1 + records.size // BATCH_BYTES
    return min(config.parse.workers or cores(), worth, max(1, len(records)))


def _result(outcome: Outcome) -> ParsedFile | FileRecord:
    if outcome.error:
        raise IndexerError(f"{outcome.record.path}: the parser can't work ({outcome.error}); reinstall the package")
    if outcome.chunks is None:
        return outcome.record
    chunks = tuple(Chunk(*fields) for fields in outcome.chunks)
    _, _, _, documents, quantized, centroid, seconds = outcome
    return ParsedFile(outcome.record, chunks, documents, quantized, centroid, seconds)
