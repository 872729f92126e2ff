"""Keep what a process holds in its memory bounded: of an index's files, and of what it has freed.

Tantivy and usearch map files, and each page that a search touches stays mapped, with the fifteen around it that the
system maps along; over many searches that comes to the size of the index. Pages that are let go stay in the system's
cache and are mapped again at the next touch, so that what a search finds never changes.

A build frees what it takes, but in such an order that the C library keeps most of it; and Tantivy's threads merge
segments meanwhile, each of which is mapped and read whole.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
from pathlib import Path

from indexer.closing import Closing

MAPPED_BYTES = 192 << 20
"""Of file-backed pages, libraries included, that a process may hold after a search. An index of 100,000 chunks stays
below. At 1,000,000 chunks of 64 dims letting go, which each search then leads to, doubles a search's processor time;
without, 1,000 searches leave 950 MB mapped."""

MERGED_BYTES = 32 << 20
"""Of file-backed pages that a build may hold more than at its start, or little more for a moment."""

_LOOK_SECONDS = 0.05
"""Tantivy reads some 10 MB between two looks."""

MADV_PAGEOUT = 21
"""Of Linux 5.4 (madvise(2)); Python's mmap has no name for it. Older ones refuse it, and nothing is bounded."""

UNMAPPING = threading.RLock()
"""Held while files of an index are unmapped that another thread may let go of."""

_STATM = Path("/proc/self/statm")
_MAPS = Path("/proc/self/maps")


def mapped_bytes() -> int:
    """Return the bytes of file-backed pages in this process's memory, 0 where the system does not say."""
    if sys.platform != "linux":
        return 0
    try:
        with _STATM.open("rb", buffering=0) as file:
            return int(file.read(256).split()[2]) * mmap.PAGESIZE
    except OSError:
        return 0


def release_pages(folder: Path, *, advice: int = getattr(mmap, "MADV_DONTNEED", 0)) -> int:
    """Let go of all pages of mapped files in a folder and those in it; return how many mappings there were.

    Only for files that are mapped to be read: what was written to private pages would be lost. So would be what comes
    to lie where a file was: who unmaps files of the folder holds `UNMAPPING`, unless the `advice` loses nothing.
    """
    if sys.platform != "linux":
        return 0
    import ctypes

    inside = os.fsencode(os.path.realpath(folder)) + b"/"
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    released = 0
    with UNMAPPING:
        for line in _MAPS.read_bytes().splitlines():
            span, rights, _, _, _, *path = line.split(maxsplit=5)
            if path and path[0].startswith(inside) and b"w" not in rights:
                first, end = (int(part, 16) for part in span.split(b"-"))
                advise(first, end - first, advice)
                released += 1
    return released


class BoundedPages(Closing):
    """While it is open, a thread bounds the pages of an index's files that others map and read, merging them.

    Pages that go out leave the system's cache too, since nothing is lost so wherever other threads map what; each is
    read once.
    """

    def __init__(self, folder: Path, *, more: int = MERGED_BYTES) -> None:
        """Bound the file-backed pages of this process to `more` bytes than now."""
        self._folder = folder
        self._limit = mapped_bytes() + more
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._bound, name="bounded-pages", daemon=True)
        if sys.platform == "linux":
            self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _bound(self) -> None:
        while not self._is_over.wait(_LOOK_SECONDS):
            if mapped_bytes() > self._limit:
                release_pages(self._folder, advice=MADV_PAGEOUT)


def release_freed() -> bool:
    """Give freed memory back to the system; return whether there was any, False where the C library can not."""
    if sys.platform != "linux":
        return False
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(trim and trim(0))
