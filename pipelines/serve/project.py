"""An indexed folder that a server answers about: there or not yet, followed as it changes, built when it must be."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.config import Config
from indexer.encoders.registry import own_options
from indexer.errors import ConfigError, IndexerError, NoIndexError
from indexer.git.repository import is_bare
from indexer.regular import read_regular
from indexer.sources.explain import explain_path
from indexer.sources.worktree import KIND as WORKTREE
from indexer.stores.generation.layout import CURRENT, default_index_dir, read_current

from ..freshness import count_stale
from ..models.choice import leaving
from ..report_text import counted
from ..settings import load_config, user_file, user_models
from ..source import default_kind, open_git_tree, open_source, open_worktree
from .builder import Builder, NotYetError
from .scan import Scanned, scan, words_of

if TYPE_CHECKING:
    from indexer.index import Index

FRESH_SECONDS = 2.0
"""How long what is known of changed files is taken for true: looking walks the tree."""

UPDATE_SECONDS = 20.0
"""The least time between builds that were started because files changed."""

SCAN_SECONDS = 3.0
"""How long files are read for an answer while there is no index."""

FIRST_SECONDS = 4.0
"""How long a question waits for the first build, which a small folder ends within."""


class Project:
    """One folder, its index, and the build that makes it.

    `name` tells it from the server's other folders. With `builds`, what is missing or stale is built beside.
    """

    def __init__(self, name: str, root: Path, *, index_dir: Path | None = None, builds: bool = True) -> None:
        self.name = name
        self.root = root
        self.index_dir = index_dir or default_index_dir(root)
        self.builder = Builder(["--index-dir", str(self.index_dir), "--", str(root)])
        self._builds = builds
        self._index: Index | None = None
        self._config: Config | None = None
        self._stale: int | None = 0
        self._looked = self._started = float("-inf")

    @property
    def index(self) -> Index:
        """The open index; raises NotYetError while there is none, and the errors of indexer.errors."""
        if self._index is not None and not os.path.lexists(self.index_dir / CURRENT):
            self._index.close()  # somebody removed it: as at the start, it is missing and is built
            self._index, self._started = None, float("-inf")
        if self._index is None:
            self._index = self._open()
        return self._index

    def state(self) -> str:
        """Say in a few words which generation answers, how fresh it is, and what is being done about it."""
        index, now = self.index, time.monotonic()
        if now - self._looked > FRESH_SECONDS:
            self._stale = count_stale(self.root, index.generation, self.config)
            self._looked = time.monotonic()
        if self._stale and self._builds and now - self._started > UPDATE_SECONDS:
            self._start()
        made_with = index.generation.manifest.encoder.name
        leaves = self._leaving(made_with, builds=False)
        return "; ".join((f"index {index.generation.number}, {self._freshness()}", *leaves))

    @property
    def config(self) -> Config:
        """The settings that apply to the folder; raises ConfigError."""
        if self._config is None:
            self._config = load_config(self.root, user=user_file(), models=user_models())
        return self._config

    @property
    def is_bare(self) -> bool:
        """Whether the folder is a bare repository, whose files are git's."""
        return is_bare(self.root)

    def scan(self, text: str, *, paths: Sequence[str], count: int) -> Scanned:
        """Find lines of the files that hold the words of a text, whatever the index has of them."""
        source = open_source(self.root, self.config, index_dir=self.index_dir, kind=default_kind(self.root))
        return scan(source, words_of(text), paths=paths, count=count, seconds=SCAN_SECONDS)

    def would_index(self, path: str) -> bool:
        """Whether the rules take a file, as far as they tell before it is read."""
        tree = open_worktree(self.root, self.config, index_dir=self.index_dir)
        return explain_path(tree, path).file is not None

    def content(self, path: str) -> bytes:
        """Return an indexed file's content: as it is now in the work tree, else the one that the index has of git.

        Raises ConfigError for a file that is gone, or leads out of the root by now.
        """
        try:
            kind = self.index.generation.manifest.source.kind
        except NotYetError:
            kind = WORKTREE
        try:
            if kind != WORKTREE:
                record = self.index.generation.catalog.record(path)
                tree = open_git_tree(self.root, self.config, index_dir=self.index_dir, kind=kind)
                return tree.reader_of({path: record.blob} if record and record.blob else {}).read(path)[0]
            file = self.root / path
            if not Path(os.path.realpath(file.parent)).is_relative_to(os.path.realpath(self.root)):
                raise ConfigError(f"{path}: leads out of the indexed folder")
            return read_regular(str(file), self.config.walk.max_file_bytes)
        except OSError as error:
            raise ConfigError(f"{path}: can't be read ({error.strerror}); it may have changed since") from error

    def close(self) -> None:
        """Close the index and end a build that is under way."""
        if self._index is not None:
            self._index.close()
            self._index = None
        self.builder.stop()

    def _leaving(self, encoder: str, *, builds: bool) -> list[str]:
        """Say what leaves the machine with an encoder; nothing of one that can't be found, which its use will say."""
        with suppress(IndexerError):
            return leaving(own_options(self.config.encoder, encoder), builds=builds)
        return []

    def _open(self) -> Index:
        try:
            return self._opened()
        except NoIndexError:
            if not self._builds:
                raise NotYetError(f"there is no index of {self.root}; run `indexer build`") from None
        if self._started == float("-inf"):
            self._start()
            self._wait()
        elif self.builder.failure and time.monotonic() - self._started > UPDATE_SECONDS:
            self._start()
        try:
            return self._opened()
        except NoIndexError:
            raise NotYetError(self._missing()) from None

    def _opened(self) -> Index:
        from indexer.index import open_index

        return open_index(self.index_dir, options=self.config.encoder, vectors=self.config.vectors)

    def _wait(self) -> None:
        """Wait until the first build has committed something, or ended, but no longer than FIRST_SECONDS."""
        until = time.monotonic() + FIRST_SECONDS
        while self.builder.is_running and time.monotonic() < until:
            self.builder.wait(0.1)
            with suppress(IndexerError):
                read_current(self.index_dir)
                return

    def _start(self) -> None:
        self._started = time.monotonic()
        self.builder.start()

    def _missing(self) -> str:
        if self.builder.failure:
            return f"there is no index of {self.root}, and building it failed: {self.builder.failure}"
        progress = f" ({self.builder.progress})" if self.builder.progress else ""
        told = [f"the index of {self.root} is being built{progress}; ask again soon"]
        return "; ".join((*told, *self._leaving(self.config.encoder.name, builds=True)))

    def _freshness(self) -> str:
        if self.builder.is_running:
            return f"{counted(self._stale, 'file')} changed since, being updated" if self._stale else "being updated"
        if self._stale is None:
            return "its files are not here to compare"
        changed = f"{counted(self._stale, 'file')} changed since" if self._stale else "up to date"
        return f"{changed}; the last update failed: {self.builder.failure}" if self.builder.failure else changed
