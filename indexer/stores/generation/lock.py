"""One writer at a time, and generations that are not collected while a reader has them open.

Both are locks that the kernel releases when a process ends, however it ends.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

import msgspec
from msgspec.structs import replace

from indexer.errors import LockedError, StorageError
from indexer.stores.folder import Folder
from indexer.stores.generation.layout import MANIFEST

try:
    import fcntl
except ImportError:  # Windows: a file that is open can't be removed, which is all that a lease is for.
    fcntl = None  # type: ignore[assignment]

LOCK = "writer.lock"
HOLDER = "writer.json"
_MAX_HOLDER_BYTES = 1 << 12


class Holder(msgspec.Struct, frozen=True):
    """Who holds the writer's lock: process id, host name, when it began, in ISO 8601, and how far it is."""

    pid: int
    host: str
    since: str
    progress: str = ""


@contextmanager
def writer_lock(
    index_dir: Path, *, wait_seconds: float = 0.0, waiting: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the index's only writer's lock; raise LockedError, which names the holder, when another one has it.

    `waiting` is told who has it, once, when there is somebody to wait for.
    """
    from filelock import FileLock, Timeout

    path = index_dir / LOCK
    lock = FileLock(path, timeout=max(0.0, wait_seconds), thread_local=False)
    try:
        with Folder(index_dir) as folder:
            folder.require_regular(LOCK)  # a FIFO can be locked too; links are refused by filelock itself
        if waiting and wait_seconds > 0:
            try:
                lock.acquire(timeout=0)
            except Timeout:
                waiting(_who(index_dir))
        if not lock.is_locked:
            lock.acquire()
    except Timeout:
        raise LockedError(f"{_who(index_dir)}; wait for it to end, or use --wait SECONDS") from None
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"{path}: can't be locked ({reason}); check the file and the permissions") from error
    try:
        _note_holder(index_dir)
        yield
    finally:
        # The kernel frees the lock with this process at the latest; what led here is what the caller must hear of.
        with suppress(OSError):
            lock.release()


def writing(index_dir: Path) -> str:
    """Return who is writing an index now, a sentence without its end; nothing when nobody is or it can't be told."""
    if fcntl is None:
        return ""
    try:
        with Folder(index_dir) as folder, folder.open(LOCK) as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _who(index_dir)
    except OSError:
        pass
    return ""


def note_progress(index_dir: Path, progress: str) -> None:
    """Write how far the holder of the lock is, which is this process, for others who ask."""
    with suppress(OSError, msgspec.DecodeError, UnicodeDecodeError), Folder(index_dir) as folder:
        holder = msgspec.json.decode(folder.read(HOLDER, _MAX_HOLDER_BYTES), type=Holder)
        if (holder.pid, holder.host) == (os.getpid(), _host()):
            folder.replace(HOLDER, msgspec.json.encode(replace(holder, progress=progress)))


def _host() -> str:
    import socket  # for writers alone

    return socket.gethostname()


def lease(file: FileIO, path: Path) -> bool:
    """Keep a generation from being collected while `file`, its manifest, is open; False when it is being collected."""
    if fcntl is not None:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # A file system without locks: the files that are open stay readable, which is what most readers need.
            return True
    return os.fstat(file.fileno()).st_nlink > 0 and os.path.lexists(path)


def is_leased(file: FileIO) -> bool:
    """Whether a reader keeps what this open file stands for; where the file system has no locks, none does."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def collecting(generation: Folder) -> Iterator[bool]:
    """Say whether no reader has a generation open, and keep new ones out meanwhile."""
    if fcntl is None:
        yield True
        return
    try:
        file = generation.open(MANIFEST)
    except OSError:  # without a manifest that can be opened there are no readers
        yield True
        return
    with file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        except OSError:
            yield True
        else:
            yield True


def _note_holder(index_dir: Path) -> None:
    """Write who we are beside the lock: on Windows nobody else can read a locked file."""
    holder = Holder(os.getpid(), _host(), datetime.now(UTC).isoformat(timespec="seconds"))
    # The note helps a person; a full disk is reported by the first write that matters.
    with suppress(OSError), Folder(index_dir) as folder:
        folder.replace(HOLDER, msgspec.json.encode(holder))


def _who(index_dir: Path) -> str:
    try:
        with Folder(index_dir) as folder:
            holder = msgspec.json.decode(folder.read(HOLDER, _MAX_HOLDER_BYTES), type=Holder)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return f"{index_dir}: another process is writing this index"
    told = f"{index_dir}: process {holder.pid} on {holder.host} has been writing this index since {holder.since}"
    return f"{told} ({holder.progress})" if holder.progress else told
