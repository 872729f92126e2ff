"""Indexes as an attacker would make them: altered bytes under checksums that are right, tried where a crash does no harm.

`mutate` alters a file's content, `reseal` makes every checksum fit again, and `tried` runs what reads the index in a
process of its own with limits on memory and time.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from indexer.errors import DamagedIndexError
from indexer.stores.generation import layout
from indexer.stores.generation import manifest as manifests

MEMORY_BYTES = 1 << 30
"""How much more address space a process may take to read a small index."""
SECONDS = 20
ANSWERED, REFUSED = "answered", "refused"
"""What is right: an answer, or a DamagedIndexError."""

_EDGES = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 40,
    (1 << 63) - 1,
    (1 << 64) - 1,
)


def mutate(content: bytes, source: random.Random) -> bytes:
    """Return the content with one to four places altered: a bit, a byte, a number, a span copied, zeroed or removed."""
    altered = bytearray(content)
    for _ in range(source.choice((1, 1, 1, 2, 4))):
        if not altered:
            break
        at = _place(len(altered), source)
        span = min(source.choice((1, 2, 4, 8, 16, 64)), len(altered) - at)
        kind = source.randrange(6)
        if kind == 0:
            altered[at] ^= 1 << source.randrange(8)
        elif kind == 1:
            altered[at] = source.randrange(256)
        elif kind == 2:
            width = source.choice((1, 2, 4, 8))
            number = source.choice(_EDGES) & ((1 << 8 * width) - 1)
            altered[at : at + width] = number.to_bytes(width, "little")[: len(altered) - at]
        elif kind == 3:
            other = source.randrange(len(altered) - span + 1)
            altered[at : at + span] = altered[other : other + span]
        elif kind == 4:
            altered[at : at + span] = bytes(span)
        else:
            del altered[at : at + span]
    return bytes(altered)


def _place(size: int, source: random.Random) -> int:
    """Return a place: near the beginning or the end, where files say how the rest is to be read, or anywhere."""
    near = min(size, source.choice((32, 256)))
    return source.choice((source.randrange(near), size - 1 - source.randrange(near), source.randrange(size)))


def reseal(
    index_dir: Path, change: Callable[[manifests.Manifest], manifests.Manifest] = lambda manifest: manifest
) -> Path:
    """Make all checksums of the current generation right, its manifest changed; return the generation's folder."""
    folder = layout.generation_dir(index_dir, layout.read_current(index_dir).number)
    manifest = change(manifests.read(folder))
    files = {name: manifests.file_sum(folder / name) for name in manifest.files if (folder / name).is_file()}
    manifest = manifests.seal(msgspec.structs.replace(manifest, files=manifest.files | files))
    (folder / layout.MANIFEST).write_bytes(manifests.encode(manifest))
    (index_dir / "CURRENT").write_bytes(layout.Current(manifest.generation, manifest.checksum).to_bytes())
    return folder


def tried(read: Callable[[], object]) -> str:
    """Read in a forked process; return ANSWERED, REFUSED, or in words what a user must never see."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with contextlib.suppress(BaseException):
            os.write(writer, _outcome(read).encode("utf-8", "replace")[:2000])
        os._exit(0)
    os.close(writer)
    status = _wait(child)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode()
    if status is None:
        return f"still runs after {SECONDS} seconds"
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return said or "ended without a word"


def _outcome(read: Callable[[], object]) -> str:
    # What an engine prints on its way down is expected here.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    taken = int(Path("/proc/self/statm").read_bytes().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY_BYTES, taken + MEMORY_BYTES))
    try:
        read()
    except DamagedIndexError:
        return REFUSED
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return ANSWERED


def _wait(child: int) -> int | None:
    """Return the status that a child ends with, None when it had to be killed."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None
