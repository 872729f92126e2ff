"""Keep what a process holds in its memory bounded: of an index's files, and of what it has freed.

Tantivy and usearch map files, and each page that a search touches stays mapped, with the fifteen around it that the
system maps along; over many searches that comes to the size of the index. Pages that are let go stay in the system's
cache and are mapped again at the next touch, so that what a search finds never changes.

A build frees what it takes, but in such an order that the C library keeps most of it. Tantivy maps and reads whole each
segment that it merges; and while its thread writes one, what it was given waits in memory.
"""

from __future__ import annotations

import mmap
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAPPED_BYTES = 192 << 20
"""Of file-backed pages, libraries included, that a process may hold after a search. An index of 100,000 chunks stays
below. At 1,000,000 chunks of 64 dims letting go, which each search then leads to, doubles a search's processor time;
without, 1,000 searches leave 950 MB mapped."""

MERGED_BYTES = 64 << 20
"""Of file-backed pages that a build may hold more than at its start, or more for a moment. A merge reads words and
postings of eight segments in no order, 55 MB of 33,000 chunks each: what leaves the system's cache is read again."""

MADV_PAGEOUT = 21
"""Of Linux 5.4 (madvise(2)); Python's mmap has no name for it. Older ones refuse it, and nothing is bounded."""

_PATIENCE_SECONDS = 5.0
"""Far longer than Tantivy takes for one of its segments and what waits behind it; its merges are not waited for."""
_PAUSE_SECONDS = 0.02
_HURRIED_LOOKS = 200
"""A merge ends with the copying of documents, a gigabyte a second."""
_LOOKS = 3

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Of mallopt(3)."""
_KEPT_AT_AN_END, _OF_AN_ARENA = 2 << 20, 32 << 20
"""Bytes that an arena keeps of what is free at its end, and up to which a block is an arena's: glibc's most for both is
twice, and once, the second; it comes there by itself once such a block was freed."""

_TASKS = Path("/proc/self/task")
_STATM = Path("/proc/self/statm")
_MAPS = Path("/proc/self/maps")


def mapped_bytes() -> int:
    """Return the bytes of file-backed pages in this process's memory, 0 where the system does not say."""
    return _resident()[1]


def private_bytes() -> int:
    """Return the bytes of this process's memory that are no file's pages, 0 where the system does not say."""
    resident, mapped = _resident()
    return resident - mapped


def _resident() -> tuple[int, int]:
    """Return the bytes in this process's memory, and how many of them are pages of files."""
    if sys.platform != "linux":
        return 0, 0
    try:
        with _STATM.open("rb", buffering=0) as file:
            _, resident, mapped, *_ = map(int, file.read(256).split())
    except OSError:
        return 0, 0
    return resident * mmap.PAGESIZE, mapped * mmap.PAGESIZE


class Residency:
    """The mapped files of a folder and those in it, whose pages can be let go; safe to share between threads.

    Only for files that are mapped to be read: what was written to private pages would be lost.
    """

    def __init__(self, folder: Path, *, advice: int = getattr(mmap, "MADV_DONTNEED", 0)) -> None:
        """Look for files in `folder`. With the `advice` MADV_PAGEOUT pages leave the system's cache too, and nothing is
        lost wherever others map and close files meanwhile, without `changing`."""
        self._folder = folder
        self._advice = advice
        self._runs: list[tuple[int, int]] = []
        self._seen = -1

    def release(self) -> int:
        """Let go of all pages, unless files are being mapped or closed; return of how many stretches of addresses."""
        if sys.platform != "linux":
            return 0
        import ctypes

        advise = ctypes.PyDLL(None).madvise  # keeps the interpreter's lock, for which each of many calls would wait
        advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        with _changes.lock:
            if self._advice == MADV_PAGEOUT:
                self._runs = self._find()
            elif _changes.under_way:
                return 0
            elif self._seen != _changes.count:
                self._runs, self._seen = self._find(), _changes.count
            for first, end in self._runs:
                advise(first, end - first, self._advice)
            return len(self._runs)

    @contextmanager
    def bounded(self, limit: int, *, every: float) -> Iterator[None]:
        """Let go of the pages whenever this process has more than `limit` bytes of any file's.

        A thread looks `every` so many seconds, since one call of an engine may touch more than that; ten times as often
        while there was more lately.
        """
        done = threading.Event()

        def look_after() -> None:
            hurried = 0
            while not done.wait(every / 10 if hurried else every):
                hurried = max(0, hurried - 1)
                with suppress(OSError):  # it looks again
                    if mapped_bytes() > limit:
                        hurried = _HURRIED_LOOKS
                        self.release()

        looking = threading.Thread(target=look_after, name="residency", daemon=True)
        looking.start()
        try:
            yield
        finally:
            done.set()
            looking.join()

    def _find(self) -> list[tuple[int, int]]:
        """Return from where to where files are mapped, one after the other as one."""
        inside = re.escape(os.fsencode(os.path.realpath(self._folder)) + b"/")
        mapped = re.compile(rb"^(\w+)-(\w+) .-.. \S+ \S+ \S+ +" + inside, re.MULTILINE)
        runs: list[tuple[int, int]] = []
        for span in mapped.findall(_MAPS.read_bytes()):
            first, end = (int(part, 16) for part in span)
            follows = runs and runs[-1][1] == first
            runs.append((runs.pop()[0] if follows else first, end))
        return runs


class _Changes:
    """How many are mapping or closing files now, how many have, and the lock of both numbers."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.under_way = 0
        self.count = 0


_changes = _Changes()


@contextmanager
def changing() -> Iterator[None]:
    """Map or close files: nothing is let go meanwhile, since an address may be another's memory by then."""
    with _changes.lock:
        _changes.under_way += 1
    try:
        yield
    finally:
        with _changes.lock:
            _changes.under_way -= 1
            _changes.count += 1


class Growth:
    """Bounds how much a process's own memory grows while it hands work to a thread, which holds what is still to do.

    Only Linux says how much that is, and what the thread does; elsewhere nothing is bounded.
    """

    def __init__(self, *, kept: int, most: int, thread: str) -> None:
        """Let it grow by `kept` bytes before what was freed is given back. Once it has grown by `most` in all, wait
        while the thread works that the system knows by that name."""
        keep_little_freed()
        release_freed()  # what was freed before is not to be grown into
        held = private_bytes()
        self._kept = kept
        self._most = held + most
        self._thread = thread
        self._limit = held + kept

    def look(self) -> None:
        """Keep the bounds."""
        if (held := private_bytes()) >= self._limit:
            release_freed()
            held, until = private_bytes(), time.monotonic() + _PATIENCE_SECONDS
            while held > self._most and time.monotonic() < until and self._is_at_work():
                release_freed()
                held = private_bytes()
            self._limit = held + self._kept
        self._limit = min(self._limit, held + self._kept)

    def _is_at_work(self) -> bool:
        """Look a few times, since the thread may rest for a moment."""
        for _ in range(_LOOKS):
            time.sleep(_PAUSE_SECONDS)
            if works(self._thread):
                return True
        return False


def keep_little_freed() -> None:
    """Let each thread's arena give back what is free at its end, where the C library is glibc.

    That may be 64 MB an arena, and `malloc_trim` gives back the first one's alone; the writers that a large build opens
    one after the other have threads that may take other arenas each time.
    """
    if sys.platform == "linux":
        import ctypes

        if option := getattr(ctypes.CDLL(None), "mallopt", None):
            option(_M_MMAP_THRESHOLD, _OF_AN_ARENA)
            option(_M_TRIM_THRESHOLD, _KEPT_AT_AN_END)


def works(thread: str) -> bool:
    """Whether a thread of this process with that name runs or waits for a disk; False where the system does not say."""
    with suppress(OSError):
        for task in _TASKS.iterdir():
            with suppress(OSError):  # it has ended
                name, _, state = (task / "stat").read_bytes().partition(b"(")[2].rpartition(b") ")
                if name == thread.encode() and state[:1] in (b"R", b"D"):
                    return True
    return False


def release_freed() -> bool:
    """Give freed memory back to the system; return whether there was any, False where the C library can not."""
    if sys.platform != "linux":
        return False
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(trim and trim(0))
