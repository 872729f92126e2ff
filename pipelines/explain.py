"""Everything that is known of one path: the rule that decides, its language, its chunks, and their vectors."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from indexer.config import Config
from indexer.errors import NoIndexError
from indexer.languages.detection import detect_language
from indexer.sources.explain import explain_path
from indexer.sources.worktree import Worktree
from indexer.stages.decode import NotText, decode
from indexer.stages.detect import detect
from indexer.stores.generation import open_generation
from indexer.stores.layout import default_index_dir
from indexer.types import Chunk, FileRecord, ParsedFile
from pipelines.parse_pool import parse_files
from pipelines.report import record_of


class ExplainedChunk(msgspec.Struct, frozen=True, kw_only=True):
    """One chunk of the file as it is now.

    `vector` is "current" when the index holds a vector of this text for this chunk, "known" when it holds one of the
    same text elsewhere, and "missing" when the next build has to embed it.
    """

    kind: str
    name: str
    start_line: int
    end_line: int
    part: int
    vector: str


class ExplainedPath(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a path.

    `state` is "indexed", "skipped", "left-out" or "missing"; `message` says why; `rule` is the ignore file, line and
    pattern that decided, if one did. `language_reason` says how the language was found, `parser_failure` how its
    grammar failed on the file, whose chunks then follow lines alone.
    """

    path: str
    state: str
    message: str
    rule: str
    language: str
    language_reason: str
    encoding: str
    parse_errors: int
    parser_failure: str
    chunks: list[ExplainedChunk]


def explain(root: Path, path: str, *, config: Config, index_dir: Path | None = None) -> ExplainedPath:
    """Explain one path of a folder, relative to it or absolute. Raises SourceError, ConfigError, DamagedIndexError."""
    index_dir = index_dir or default_index_dir(root)
    found = explain_path(root, path, config.walk, index_dir=index_dir)
    rule = str(found.rule) if found.rule else ""
    if found.state != "taken":
        return _explained(found.path, found.state, found.message, rule)
    source = Worktree(root, config.walk, index_dir=index_dir)
    changes = detect(source, {})
    record = next((record for record in (*changes.added, *changes.skipped) if record.path == found.path), None)
    if record is None:
        return _explained(found.path, "missing", "the file was removed meanwhile", rule)
    if record.skip:
        return _explained(found.path, "skipped", _reason(record), rule)
    decoded = decode(source.read(found.path))
    (parsed,) = parse_files(source, [record], config)
    record = record_of(parsed)
    text = "" if isinstance(decoded, NotText) else decoded.text
    language = detect_language(found.path, text, config.languages)
    return ExplainedPath(
        path=found.path,
        state="skipped" if record.skip else "indexed",
        message=_reason(record) if record.skip else found.message,
        rule=rule,
        language=language.language,
        language_reason=language.why,
        encoding="" if isinstance(decoded, NotText) else decoded.encoding,
        parse_errors=record.errors,
        parser_failure=record.failure,
        chunks=_with_vectors(parsed.chunks if isinstance(parsed, ParsedFile) else (), index_dir),
    )


def _explained(path: str, state: str, message: str, rule: str) -> ExplainedPath:
    return ExplainedPath(
        path=path,
        state=state,
        message=message,
        rule=rule,
        language="",
        language_reason="",
        encoding="",
        parse_errors=0,
        parser_failure="",
        chunks=[],
    )


def _reason(record: FileRecord) -> str:
    assert record.skip is not None
    return f"{record.skip.explanation}: {record.detail}" if record.detail else record.skip.explanation


def _with_vectors(chunks: tuple[Chunk, ...], index_dir: Path) -> list[ExplainedChunk]:
    """Describe chunks, and say of each whether the index holds its vector."""
    current: set[int] = set()
    known: set[bytes] = set()
    with suppress(NoIndexError), open_generation(index_dir) as generation:
        rows = generation.catalog.chunks([chunk.id for chunk in chunks])
        current = {chunk.id for chunk in chunks if chunk.id in rows and rows[chunk.id].text_hash == chunk.text_hash}
        known = set(generation.catalog.chunks_by_text([chunk.text_hash for chunk in chunks]))
    return [
        ExplainedChunk(
            kind=chunk.kind,
            name=chunk.qualified_name,
            start_line=chunk.start_line,
            end_line=chunk.end_line,
            part=chunk.part,
            vector="current" if chunk.id in current else "known" if chunk.text_hash in known else "missing",
        )
        for chunk in chunks
    ]
