"""The generation that CURRENT names: opened anew when it moves, and closed when its last user is done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.closing import Closing
from indexer.config import VectorOptions
from indexer.errors import IndexerError, ModelError
from indexer.search.space import GenerationSpace
from indexer.stores.generation import layout
from indexer.stores.generation.reader import Generation, open_generation


class OpenGeneration:
    """A generation and how many calls use it; once retired it is closed by the last of them."""

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.space = GenerationSpace(generation)
        self.users = 0
        self.is_searched = False
        self._is_retired = False

    def retire(self) -> None:
        """Close it as soon as nobody uses it."""
        self._is_retired = True
        self.close_unused()

    def close_unused(self) -> None:
        """Close it if it is retired and nobody uses it."""
        if self._is_retired and not self.users:
            self.generation.close()


class CurrentGeneration(Closing):
    """The current generation of an index folder, open until `close`; safe to share between threads."""

    def __init__(
        self, index_dir: Path, *, options: VectorOptions | None = None, accept: Callable[[Generation], None]
    ) -> None:
        """Open it; `accept` raises ModelError for a generation that its user can't search."""
        self._index_dir = index_dir
        self._options = options
        self._accept = accept
        self._lock = threading.Lock()
        self._stamp = self._look()
        self._opened: OpenGeneration | None = self._open()

    @property
    def generation(self) -> Generation:
        """The generation that is open now; raises IndexerError after `close`."""
        if self._opened is None:
            raise IndexerError(f"{self._index_dir}: this index is closed; open it again")
        return self._opened.generation

    @contextmanager
    def using(self) -> Iterator[OpenGeneration]:
        """Give the generation that CURRENT names now, and keep it open meanwhile."""
        with self._lock:
            generation = self.generation
            stamp = self._look()
            if stamp is None or stamp != self._stamp:
                made = layout.Current(generation.number, generation.manifest.checksum)
                if layout.read_current(self._index_dir) != made:
                    replaced, self._opened = self._opened, self._open()
                    if replaced is not None:
                        replaced.retire()
                self._stamp = stamp
            opened = self._opened
            assert opened is not None
            opened.users += 1
        try:
            yield opened
        finally:
            with self._lock:
                opened.users -= 1
                opened.close_unused()

    def close(self) -> None:
        """Close the files as soon as no call uses them."""
        with self._lock:
            opened, self._opened = self._opened, None
            if opened is not None:
                opened.retire()

    def _look(self) -> tuple[int, int, int] | None:
        """Return what changes when CURRENT is replaced, seen in less time than it is read; None where it can't be."""
        try:
            found = (self._index_dir / layout.CURRENT).lstat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns

    def _open(self) -> OpenGeneration:
        generation = open_generation(self._index_dir, options=self._options)
        try:
            self._accept(generation)
        except ModelError:
            generation.close()
            raise
        return OpenGeneration(generation)
