"""What a build that was interrupted has kept, told to who interrupted it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from indexer.errors import DamagedIndexError, NoIndexError
from indexer.stores.generation.layout import read_current


@contextmanager
def saying_what_is_kept(index_dir: Path, *, caches: bool) -> Iterator[None]:
    """Let Ctrl-C in a build say what is kept; `caches` when embeddings are.

    An extension module that is being imported turns it into an error of its own, and that too was an interruption.
    """
    before, pressed = _served(index_dir), False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.default_int_handler(number, frame)

    listens = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if listens:
        signal.signal(signal.SIGINT, press)
    try:
        yield
    except (KeyboardInterrupt, Exception) as error:
        if not (pressed or isinstance(error, KeyboardInterrupt)):
            raise
        after = _served(index_dir)
        cached = "the embeddings made so far are cached" if caches else "nothing else is kept"
        if not after:
            told = f"before anything was committed: there is no index yet; {cached}, and the next build starts anew"
        elif after == before:
            told = f"before anything was committed: generation {after} stays as it was; {cached}"
        else:
            told = f"after generation {after} was committed: it can be searched, and the next build goes on from there"
        raise KeyboardInterrupt(f"interrupted {told}") from None
    finally:
        if listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _served(index_dir: Path) -> str:
    try:
        return f"{read_current(index_dir).number:08d}"
    except (NoIndexError, DamagedIndexError):
        return ""
