"""One writer at a time, and generations that are not collected while a reader has them open.

Both are locks that the kernel releases when a process ends, however it ends.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from indexer.errors import LockedError, StorageError

try:
    import fcntl
except ImportError:  # Windows: a file that is open can't be removed, which is all that a lease is for.
    fcntl = None  # type: ignore[assignment]


class Holder(msgspec.Struct, frozen=True):
    """Who holds the writer's lock: process id, host name, and when it began, in ISO 8601."""

    pid: int
    host: str
    since: str


@contextmanager
def writer_lock(index_dir: Path, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the index's only writer's lock; raise LockedError, which names the holder, when another one has it."""
    from filelock import FileLock, Timeout

    path = index_dir / "writer.lock"
    lock = FileLock(path, timeout=max(0.0, wait_seconds), thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise LockedError(_who(index_dir)) from None
    except OSError as error:
        raise StorageError(f"{path}: can't be locked ({error.strerror}); check the permissions") from error
    try:
        _note_holder(index_dir)
        yield
    finally:
        lock.release()


def lease(file: BinaryIO, path: Path) -> bool:
    """Keep a generation from being collected while `file`, its manifest, is open; False when it is being collected."""
    if fcntl is not None:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # A file system without locks: the files that are open stay readable, which is what most readers need.
            return True
    return os.fstat(file.fileno()).st_nlink > 0 and path.exists()


@contextmanager
def collecting(manifest: Path) -> Iterator[bool]:
    """Say whether no reader has a generation open, and keep new ones out meanwhile."""
    if fcntl is None:
        yield True
        return
    try:
        file = manifest.open("rb")
    except FileNotFoundError:
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
    holder = Holder(os.getpid(), socket.gethostname(), datetime.now(UTC).isoformat(timespec="seconds"))
    # The note helps a person; a full disk is reported by the first write that matters.
    with suppress(OSError):
        (index_dir / "writer.json").write_bytes(msgspec.json.encode(holder))


def _who(index_dir: Path) -> str:
    advice = "wait for it to end, or use --wait SECONDS"
    try:
        holder = msgspec.json.decode((index_dir / "writer.json").read_bytes(), type=Holder)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return f"{index_dir}: another process is writing this index; {advice}"
    return (
        f"{index_dir}: process {holder.pid} on {holder.host} has been writing this index since {holder.since}; {advice}"
    )
