"""Processes that are started anew: they import nothing from the working directory, which may be a stranger's."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

_SAFE_PATH = "PYTHONSAFEPATH"
_lock = threading.Lock()


@contextmanager
def safe_path() -> Iterator[None]:
    """Let every interpreter that is started meanwhile leave the working directory out of where it imports from.

    The standard library starts its own by `python -c`, which looks there first; it takes no option for this.
    """
    with _lock:
        before = os.environ.get(_SAFE_PATH)
        os.environ[_SAFE_PATH] = "1"
        try:
            yield
        finally:
            if before is None:
                del os.environ[_SAFE_PATH]
            else:
                os.environ[_SAFE_PATH] = before


def start(process: BaseProcess) -> None:
    """Start a process, and the one that tracks its resources where there is none yet."""
    with safe_path():
        process.start()
