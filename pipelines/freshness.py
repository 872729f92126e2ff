"""How far an index is behind its files."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from indexer.config import Config
from indexer.errors import SourceError
from indexer.stages.detect import detect
from indexer.stores.caches.stats import read_stats, write_stats
from indexer.stores.generation.reader import Generation
from indexer.types import FileChanges, LeftOut, Source

from .source import open_source


def detect_changes(source: Source, generation: Generation, *, by_content: bool = False) -> FileChanges:
    """Compare a source with a generation, and remember the stats of files that were only touched.

    `by_content` reads every file. Where the index folder can't be written, nothing is remembered, and a copy of the
    indexed tree is compared by size and modification time (see `detect`).
    """
    digest, index_dir = generation.manifest.digest, generation.index_dir
    known_stats = read_stats(index_dir, digest)
    changes = detect(
        source,
        generation.catalog.records(),
        known_stats,
        by_content=by_content,
        remembers=os.access(index_dir, os.W_OK),
    )
    touched = {record.path: record.stat for record in changes.touched}
    if touched != known_stats:
        write_stats(index_dir, digest, touched)
    return changes


def count_stale(root: Path, generation: Generation, config: Config, *, by_content: bool = False) -> int | None:
    """Return how many files were added, modified or removed since; None when there is nothing to compare with.

    A folder that holds none of the indexed files is another one: an index may have been copied without its tree. An
    index of what is staged, or of a revision, is compared with what is staged or what the revision is now.
    """
    return look(root, generation, config, by_content=by_content)[0]


def look(
    root: Path, generation: Generation, config: Config, *, by_content: bool = False
) -> tuple[int | None, LeftOut | None]:
    """Return what `count_stale` does, and what a walk leaves out; None where there is nothing to compare with."""
    with suppress(SourceError):
        source = open_source(root, config, index_dir=generation.index_dir, kind=generation.manifest.source.kind)
        changes = detect_changes(source, generation, by_content=by_content)
        counts = generation.manifest.counts
        if counts.files > counts.skipped and not (changes.unchanged or changes.modified):
            return None, None
        stale = len(changes.added) + len(changes.modified) + len(changes.removed) + len(changes.skipped_new)
        return stale, source.left_out
    return None, None
