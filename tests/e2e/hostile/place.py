"""The user's folder with a stranger's repository in it, and what is put in the place of files there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reseal import served_folder

HONEST = "def honest_function(tea):\n    return tea.brew()\n"
ESCAPE = "\x1b]0;owned\x07\x1b[31m"


@dataclass(frozen=True)
class Place:
    """The user's folder; the repository in it is what a stranger supplied."""

    home: Path

    @property
    def repository(self) -> Path:
        """The stranger's."""
        return self.home / "work" / "repository"

    @property
    def index(self) -> Path:
        """The index folder that came with it."""
        return self.repository / ".indexer"

    @property
    def generation(self) -> Path:
        """The served generation of the index that came with it."""
        return served_folder(self.index)


@dataclass(frozen=True)
class Hostile:
    """One attack. `indexed`: makes an index come along, a sound one before `make` alters it.

    `served`: the honest file must be found after a build. `configured`: the user names the encoder, which makes runs
    quick; not where the repository's choice of encoder is the attack.
    """

    make: Callable[[Place], None]
    indexed: bool = False
    served: bool = False
    configured: bool = True


def link(path: Path, target: str) -> None:
    """Put a relative link in a file's or an empty folder's place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        path.rename(path.with_name(path.name + "-moved"))
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def fifo(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def device(path: Path) -> None:
    """Put /dev/zero in a file's place: the device itself where the system lets us make one, else a link to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except OSError:
        path.symlink_to("/dev/zero")
