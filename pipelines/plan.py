"""A dry run: what a build would do with each file, and why, without writing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from indexer.config import Config
from indexer.errors import NoIndexError
from indexer.identity import rebuild_reason, wanted_identity
from indexer.stages.detect import detect
from indexer.stores.generation.layout import default_index_dir
from indexer.stores.generation.reader import open_generation
from indexer.types import FileRecord, LeftOut

from .freshness import detect_changes
from .parsing.pool import parse_files
from .path_bytes import path_bytes
from .source import open_source, recorded_kind, require_whole
from .tally import record_of


class PlannedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file and what a build would do with it: add, modify, remove, or skip for `reason`; `detail` says more.

    `leave-out` is what a build does not even count as skipped: a folder (its path ends in "/") stands for all that it
    holds, save that files which git tracks are all listed. `path_bytes` is for a path that is not UTF-8 (see
    pipelines.path_bytes).
    """

    path: str
    path_bytes: str = ""
    action: str
    language: str = ""
    reason: str = ""
    detail: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a build would do: every file but unchanged ones, and how many there are by action, and by reason."""

    files: list[PlannedFile]
    actions: dict[str, int]
    reasons: dict[str, int]

    @classmethod
    def of(cls, files: Iterable[PlannedFile]) -> Plan:
        """Count the files."""
        listed = list(files)
        return cls(
            files=listed,
            actions=dict(sorted(Counter(file.action for file in listed).items())),
            reasons=dict(sorted(Counter(file.reason for file in listed if file.reason).items())),
        )


def plan(
    root: Path,
    *,
    config: Config,
    index_dir: Path | None = None,
    full: bool = False,
    by_content: bool = False,
    source_kind: str | None = None,
) -> Iterator[PlannedFile]:
    """Yield every file that a build would add, modify or remove, and every file that it skips or leaves out.

    Unchanged files are left out. Files that are new are read and parsed, since only their content says whether they
    are binary, generated or minified. Raises SourceError, ConfigError and DamagedIndexError.
    """
    index_dir = index_dir or default_index_dir(root)
    kind = source_kind or recorded_kind(index_dir, root, full=full)
    source = open_source(root, config, index_dir=index_dir, kind=kind)
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
    require_whole(source, changes.skipped)
    yield from _left_out(source.left_out)
    for path in changes.removed:
        yield PlannedFile(path=path, path_bytes=path_bytes(path), action="remove")
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
                path=record.path,
                path_bytes=path_bytes(record.path),
                action=action,
                language=record.language,
                detail=record.failure or record.detail,
            )


def _left_out(left_out: LeftOut) -> Iterator[PlannedFile]:
    """Yield what the walk left out, and files that git tracks inside such folders."""
    named = {entry.path for entry in left_out.entries}
    for entry in (*left_out.entries, *(entry for entry in left_out.tracked if entry.path not in named)):
        path = entry.path + "/" if entry.is_folder else entry.path
        yield PlannedFile(path=path, action="leave-out", reason=entry.reason, detail=entry.rule)


def _skipped(record: FileRecord) -> PlannedFile:
    return PlannedFile(
        path=record.path,
        path_bytes=path_bytes(record.path),
        action="skip",
        language=record.language,
        reason=record.skip or "",
        detail=record.detail,
    )
