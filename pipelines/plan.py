"""A dry run: what a build would do with each file, and why, without writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from indexer.config import Config
from indexer.errors import NoIndexError
from indexer.identity import rebuild_reason, wanted_identity
from indexer.sources.worktree import Worktree
from indexer.stages.detect import detect
from indexer.stores.generation.layout import default_index_dir
from indexer.stores.generation.reader import open_generation
from indexer.types import FileRecord
from pipelines.freshness import detect_changes
from pipelines.parsing.pool import parse_files
from pipelines.report import record_of


class PlannedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file and what a build would do with it: add, modify, remove, or skip for `reason`; `detail` says more."""

    path: str
    action: str
    language: str = ""
    reason: str = ""
    detail: str = ""


def plan(
    root: Path, *, config: Config, index_dir: Path | None = None, full: bool = False, by_content: bool = False
) -> Iterator[PlannedFile]:
    """Yield every file that a build would add, modify or remove, and every file that it skips.

    Unchanged files are left out. Files that are new are read and parsed, since only their content says whether they
    are binary, generated or minified. Raises SourceError, ConfigError and DamagedIndexError.
    """
    index_dir = index_dir or default_index_dir(root)
    source = Worktree(root, config.walk, index_dir=index_dir)
    changes = None
    if not full:
        try:
            with open_generation(index_dir, options=config.vectors) as generation:
                if not rebuild_reason(generation.manifest, wanted_identity(config)):
                    changes = detect_changes(source, generation, by_content=by_content)
        except NoIndexError:
            pass
    if changes is None:
        changes = detect(source, {})
    for path in changes.removed:
        yield PlannedFile(path=path, action="remove")
    for record in changes.skipped:
        yield _skipped(record)
    added = {record.path for record in changes.added}
    for file in parse_files(source, (*changes.added, *changes.modified), config):
        record = record_of(file)
        if record.skip is not None:
            yield _skipped(record)
        else:
            action = "add" if record.path in added else "modify"
            yield PlannedFile(
                path=record.path, action=action, language=record.language, detail=record.failure or record.detail
            )


def _skipped(record: FileRecord) -> PlannedFile:
    return PlannedFile(
        path=record.path,
        action="skip",
        language=record.language,
        reason=record.skip or "",
        detail=record.detail,
    )
