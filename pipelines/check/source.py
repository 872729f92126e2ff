"""Does an index hold what its files give? Every file is parsed again and compared with what is stored of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from indexer.config import Config
from indexer.errors import ConfigError
from indexer.identity import changed_parts, wanted_identity
from indexer.stages.detect import detect
from indexer.stores.catalog import digest
from indexer.stores.generation.reader import Generation
from indexer.stores.text.document import StoredChunk, stored_form
from indexer.types import Chunk, FileRecord, ParsedFile, SkipReason, Source

from ..parsing.pool import parse_files
from ..source import require_whole
from ..tally import record_of
from .findings import Findings

_WINDOW_CHUNKS = 4096


class SourceReport(msgspec.Struct, frozen=True, kw_only=True):
    """How an index compares with its files: `files` have the content that was indexed, and were compared.

    `stale` are files that were added, changed or removed since the build. `not_compared` are files whose grammar failed
    at the build or fails now, unlike the other time: a failure may come from the machine.
    """

    files: int
    stale: list[str]
    not_compared: list[str]


def check_source(findings: Findings, generation: Generation, source: Source, config: Config) -> SourceReport:
    """Parse every file whose content is the catalog's, and compare its record, and its chunks with all their fields.

    Raises ConfigError when the index was made with other options, since its chunks are then others, or of another kind
    of source, and SourceError as `require_whole`.
    """
    made_of, given = generation.manifest.source.kind, source.description.kind
    if made_of != given:
        raise ConfigError(f"{generation.index_dir}: was made of a {made_of}, and can't be compared with a {given}")
    changed = changed_parts(generation.manifest.made_with, wanted_identity(config).made_with)
    if changed:
        raise ConfigError(
            f"{generation.index_dir}: can't be compared with its source ({changed}); name the configuration that it "
            "was built with, or build it anew"
        )
    known = generation.catalog.records()
    changes = detect(source, {})
    require_whole(source, changes.skipped)
    skipped = {record.path: record for record in changes.skipped}
    found = {record.path: record for record in changes.added}
    stale = known.keys() ^ (skipped.keys() | found.keys())
    stale |= {path for path in skipped.keys() & known.keys() if _differ(skipped[path], known[path])}
    again = [replace(found[path], failure=known[path].failure) for path in sorted(found.keys() & known.keys())]
    compared, not_compared = 0, []
    for window in _windows(parse_files(source, again, config)):
        stored = generation.text.documents([chunk.id for file in window for chunk in _chunks(file)])
        for file in window:
            record = record_of(file)
            before = known[record.path]
            if record.hash != before.hash or (not record.hash and _differ(record, before)):
                stale.add(record.path)
            elif _has_failed(record) != _has_failed(before):
                not_compared.append(record.path)
            else:
                compared += 1
                ids = generation.catalog.chunk_ids_of(record.path)
                if wrong := list(_differences(file, before, ids, stored)):
                    findings.add_source(record.path, f"the index differs from the file: {'; '.join(wrong)}")
    return SourceReport(files=compared, stale=sorted(stale), not_compared=not_compared)


def _differences(
    file: ParsedFile | FileRecord, known: FileRecord, ids: list[int], stored: dict[int, StoredChunk]
) -> Iterator[str]:
    """Yield what the index says of a file and the file doesn't give."""
    record, chunks = record_of(file), _chunks(file)
    if known.skip != record.skip:
        yield f"{known.skip or 'indexed'} instead of {record.skip or 'indexed'}"
    for field in ("language", "lines", "errors"):
        if getattr(known, field) != getattr(record, field):
            yield f"{field} {getattr(known, field)} instead of {getattr(record, field)}"
    if missing := len({chunk.id for chunk in chunks} - set(ids)):
        yield f"{missing} chunks are missing"
    if foreign := len(set(ids) - {chunk.id for chunk in chunks}):
        yield f"{foreign} chunks are not the file's"
    pairs = [(stored[chunk.id], stored_form(chunk)) for chunk in chunks if chunk.id in stored]
    altered = [(held, given) for held, given in pairs if held != given]
    if altered:
        fields = [
            field
            for field in StoredChunk.__struct_fields__
            if any(getattr(held, field) != getattr(given, field) for held, given in altered)
        ]
        yield f"{len(altered)} of {len(chunks)} chunks have another {', '.join(fields)}"


def _chunks(file: ParsedFile | FileRecord) -> tuple[Chunk, ...]:
    return file.chunks if isinstance(file, ParsedFile) else ()


def _differ(record: FileRecord, other: FileRecord) -> bool:
    """Whether a file that is left out is so for another reason, or with other content."""
    return digest.of_record(record) != digest.of_record(other)


def _has_failed(record: FileRecord) -> bool:
    return bool(record.failure) or record.skip is SkipReason.PARSER_FAILED


def _windows(files: Iterable[ParsedFile | FileRecord]) -> Iterator[list[ParsedFile | FileRecord]]:
    """Group files until a group holds enough chunks to ask for at once."""
    group: list[ParsedFile | FileRecord] = []
    chunks = 0
    for file in files:
        group.append(file)
        chunks += len(_chunks(file))
        if chunks >= _WINDOW_CHUNKS:
            yield group
            group, chunks = [], 0
    yield group
