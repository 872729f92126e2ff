"""A look at a source, and what the catalog holds after the build."""

from __future__ import annotations

from msgspec.structs import replace

from indexer.stages.detect import content_hash, detect
from indexer.types import FileChanges, FileRecord, SkipReason
from tests.fakes import SECOND, MemorySource


def look(source: MemorySource, known: dict[str, FileRecord], *, at: int = 100 * SECOND) -> FileChanges:
    source.reads.clear()
    return detect(source, known, clock=lambda: at)


def commit(source: MemorySource, known: dict[str, FileRecord], changes: FileChanges) -> dict[str, FileRecord]:
    """Return the catalog after a build, in which the parser skips content that starts with `#` as generated."""
    records = dict(known)
    for path in changes.removed:
        del records[path]
    for record in (*changes.added, *changes.modified):
        content = source.contents[record.path]
        skip = SkipReason.GENERATED if content.startswith(b"#") and not record.detail else None
        records[record.path] = replace(record, hash=content_hash(content), skip=skip)
    records.update({record.path: record for record in (*changes.touched, *changes.skipped_new)})
    return records


def paths(records: tuple[FileRecord, ...]) -> list[str]:
    return [record.path for record in records]
