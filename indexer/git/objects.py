"""Objects of a repository, read by `git cat-file` that knows nothing of the repository but its object folder.

A repository's settings may name programs that git runs: a file system monitor, hooks, filters, a remote's helper. None
of them is read. GIT_DIR is `no_repository/`, a folder of this package with settings of our own and without objects or
refs, GIT_OBJECT_DIRECTORY is the repository's, and there is no other variable in git's environment, so that no home
folder, no remote from which to fetch a missing object, and no PATH to find a program on is known to it. `cat-file`
gives contents as they are stored, without filters and conversions. Other object folders that the repository's
objects/info/alternates names are read, as git reads them.
"""

from __future__ import annotations

import errno
import os
import re
import selectors
import subprocess
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from indexer.git.repository import GitFiles
from indexer.regular import read_regular

SHA1, SHA256 = "sha1", "sha256"

_EMPTY_BLOBS = {
    SHA1: "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    SHA256: "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
}

_NO_REPOSITORY = Path(__file__).parent / "no_repository"

LIMIT_SECONDS = 60.0
"""How long git may take for one answer; it waits for ever for a FIFO in the place of a pack."""

_SETTINGS_LIMIT = 1 << 20
_OBJECT_FORMAT = re.compile(rb"^\s*objectformat\s*=\s*sha256\s*$", re.IGNORECASE | re.MULTILINE)
_HEADER_LIMIT = 4096
_PIECE = 1 << 16

MISSING = (
    "git does not hold it here, as in a partial clone (`git fetch --refetch --no-filter` brings the rest), a shallow "
    "one (`git fetch --unshallow`), or a damaged one (`git fsck`)"
)


class ObjectStore(NamedTuple):
    """The program git by its path, a repository's object folder, and the hash by which objects are named."""

    git: str
    folder: str
    form: str

    @property
    def empty_id(self) -> bytes:
        """The id of a blob without content."""
        return bytes.fromhex(_EMPTY_BLOBS[self.form])

    def start(self, mode: str) -> subprocess.Popen[bytes]:
        """Start `git cat-file`; raises OSError when it can't be started."""
        return subprocess.Popen(
            [self.git, "--no-replace-objects", "cat-file", mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=_NO_REPOSITORY,
            env={
                "GIT_DIR": str(_NO_REPOSITORY / self.form),
                "GIT_OBJECT_DIRECTORY": self.folder,
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "LC_ALL": "C",
            },
        )

    def sizes(self, ids: Sequence[bytes]) -> list[int | None]:
        """Return the size in bytes of each blob, None for one that is missing or no blob; one process for all of them.

        Raises OSError when git can't be run, fails, or takes too long.
        """
        if not ids:
            return []
        process = self.start("--batch-check")
        try:
            answer, _ = process.communicate(b"".join(name.hex().encode() + b"\n" for name in ids), LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise OSError(errno.ETIMEDOUT, "git did not answer", self.folder) from None
        lines = [line.split(b" ") for line in answer.splitlines()]
        if process.returncode or len(lines) != len(ids):
            raise OSError(errno.EIO, f"git cat-file ended with exit code {process.returncode}", self.folder)
        return [int(line[2]) if len(line) == 3 and line[1] == b"blob" else None for line in lines]


class Found(NamedTuple):
    """An object: its id, "blob", "tree", "commit" or "tag", and its content."""

    object_id: bytes
    kind: str
    content: bytes


class ObjectReader:
    """Reads objects through one `git cat-file --batch`, started at the first read and ended with this reader."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[..., ObjectReader] | None = None
        self._failure: OSError | None = None
        self._rest = b""

    def read(self, name: str, limit: int) -> Found:
        """Return the object of this name, an id in hex or an expression on one.

        Raises OSError: ENODATA where there is none, EFBIG for more than `limit` bytes, and once git has failed or took
        longer than LIMIT_SECONDS, that failure, for this object and all after it.
        """
        if self._failure is not None:
            raise self._failure
        if not name or not name.isprintable() or not name.isascii():
            raise OSError(errno.EINVAL, "is no name of an object", name)
        try:
            return self._ask(name, limit)
        except OSError as error:
            if error.errno not in {errno.ENODATA, errno.EFBIG}:
                self._failure = error
                self.close()
            raise

    def close(self) -> None:
        """End git."""
        if self._end is not None:
            self._end()
        self._process, self._end, self._rest = None, None, b""

    def _ask(self, name: str, limit: int) -> Found:
        if self._process is None:
            self._process = self._store.start("--batch")
            self._end = weakref.finalize(self, _stop, self._process)
        assert self._process.stdin is not None
        deadline = time.monotonic() + LIMIT_SECONDS
        self._process.stdin.write(name.encode() + b"\n")
        while b"\n" not in self._rest:
            if len(self._rest) > _HEADER_LIMIT:
                raise OSError(errno.EIO, "git cat-file does not answer as it should", name)
            self._rest += self._piece(deadline)
        header, _, self._rest = self._rest.partition(b"\n")
        words = header.split(b" ")
        if len(words) != 3 or not words[2].isdigit():
            raise OSError(errno.ENODATA, MISSING, name)
        size = int(words[2])
        if size > limit:
            self.close()  # sooner than reading it to its end
            raise OSError(errno.EFBIG, f"has {size:,} bytes, limit {limit:,}", name)
        pieces, have = [self._rest], len(self._rest)
        while have <= size:
            pieces.append(self._piece(deadline))
            have += len(pieces[-1])
        content = b"".join(pieces)
        self._rest = content[size + 1 :]
        return Found(bytes.fromhex(words[0].decode()), words[1].decode(), content[:size])

    def _piece(self, deadline: float) -> bytes:
        assert self._process is not None and self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise OSError(errno.ETIMEDOUT, "git did not answer", self._store.folder)
        piece = os.read(self._process.stdout.fileno(), _PIECE)
        if not piece:
            raise OSError(errno.EIO, "git cat-file ended early; `git fsck` tells why", self._store.folder)
        return piece


def object_store(files: GitFiles, git: str) -> ObjectStore:
    """Return where a repository keeps its objects; of its settings the hash alone is read, and as text."""
    settings = b""
    with suppress(OSError):
        settings = read_regular(str(Path(files.common) / "config"), _SETTINGS_LIMIT)
    form = SHA256 if _OBJECT_FORMAT.search(settings) else SHA1
    return ObjectStore(git, str(Path(files.common) / "objects"), form)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End git, whatever it waits for."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    process.kill()
    process.wait()
