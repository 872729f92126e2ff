"""Everything that is known of one path: the rule that decides, its language, its chunks, and their vectors."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from indexer.config import Config
from indexer.errors import NoIndexError
from indexer.languages.detection import detect_language
from indexer.sources.explain import explain_listed, explain_path
from indexer.sources.worktree import KIND as WORKTREE
from indexer.stages.decode import Decoded, decode
from indexer.stores.generation.layout import default_index_dir
from indexer.stores.generation.reader import Generation, open_generation
from indexer.types import Chunk, FileRecord, ParsedFile, Source

from .parsing.pool import parse_files
from .path_bytes import path_bytes
from .source import open_source, open_worktree, recorded_kind
from .tally import record_of


class ExplainedChunk(msgspec.Struct, frozen=True, kw_only=True):
    """One chunk of the file as it is now.

    `vector` is "current" when the index holds a vector of this text for this chunk, "known" when it holds one of the
    same text elsewhere, "missing" when the next build has to embed it, and "" without an index; `tier` is that of a
    current one.
    """

    kind: str
    name: str
    start_line: int
    end_line: int
    part: int
    vector: str
    tier: str = ""


class ExplainedPath(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a path.

    `source` is where it was looked for, as the index is of it: `worktree`, `staged` or `rev:REV`. `state` is "indexed",
    "skipped", "left-out", "folder" or "missing"; `message` says why; `rule` is the ignore file, line and pattern that
    decided, if one did. `language_reason` says how the language was found, `parser_failure` how its grammar failed on
    the file, whose chunks then follow lines alone. `path_bytes` is for a path that is not UTF-8 (see
    pipelines.path_bytes).
    """

    path: str
    path_bytes: str = ""
    source: str
    state: str
    message: str
    rule: str
    language: str = ""
    language_reason: str = ""
    encoding: str = ""
    parse_errors: int = 0
    parser_failure: str = ""
    chunks: list[ExplainedChunk] = []


def explain(root: Path, path: str, *, config: Config, index_dir: Path | None = None) -> ExplainedPath:
    """Explain one path of a folder, relative to it or absolute, as it is now in the source that its index is of.

    Raises SourceError, ConfigError and DamagedIndexError.
    """
    (explained,) = explain_paths(root, [path], config=config, index_dir=index_dir)
    return explained


def explain_paths(
    root: Path, paths: Iterable[str], *, config: Config, index_dir: Path | None = None
) -> Iterator[ExplainedPath]:
    """Explain paths of one folder, in their order; raises as `explain` does. Files are parsed as a build does."""
    index_dir = index_dir or default_index_dir(root)
    kind = recorded_kind(index_dir, root)
    if kind == WORKTREE:
        source: Source = (tree := open_worktree(root, config, index_dir=index_dir))
        rules = tree.rules()
        found = [explain_path(tree, path, rules=rules) for path in paths]
    else:
        source = open_source(root, config, index_dir=index_dir, kind=kind)
        found = list(explain_listed(source, root.resolve(), paths))
    files = [explanation.file for explanation in found if explanation.file is not None]
    records = [FileRecord(file.path, file.size, file.mtime_ns, b"", detail=file.kept_by) for file in files]
    with ExitStack() as stack:
        generation = None
        with suppress(NoIndexError):
            generation = stack.enter_context(open_generation(index_dir))
        parsed = parse_files(source, records, config)
        for explanation in found:
            explained = ExplainedPath(
                path=explanation.path,
                path_bytes=path_bytes(explanation.path),
                source=kind,
                state="folder" if explanation.state == "taken" else explanation.state,
                message=explanation.message,
                rule=str(explanation.rule or ""),
            )
            if explanation.file is not None:
                yield _with_content(explained, next(parsed), source, config, generation)
            else:
                yield explained


def _with_content(
    explained: ExplainedPath,
    parsed: ParsedFile | FileRecord,
    source: Source,
    config: Config,
    generation: Generation | None,
) -> ExplainedPath:
    """Add what the content of a file says that the walk takes."""
    record = record_of(parsed)
    if record.skip:
        message = f"{record.skip.explanation}: {record.detail}" if record.detail else record.skip.explanation
        explained = replace(explained, state="skipped", message=message)
    else:
        explained = replace(explained, state="indexed")
    try:
        decoded = decode(source.reader().read(record.path)[0])
    except OSError:  # that it can't be read is what the record says
        return explained
    text = decoded.text if isinstance(decoded, Decoded) else ""
    language = detect_language(record.path, text, config.languages)
    return replace(
        explained,
        language=language.language,
        language_reason=language.why,
        encoding=decoded.encoding if isinstance(decoded, Decoded) else "",
        parse_errors=record.errors,
        parser_failure=record.failure,
        chunks=_with_vectors(parsed.chunks if isinstance(parsed, ParsedFile) else (), generation),
    )


def _with_vectors(chunks: tuple[Chunk, ...], generation: Generation | None) -> list[ExplainedChunk]:
    """Describe chunks, and say of each whether the index holds its vector."""
    current: dict[int, str] = {}
    known: set[bytes] = set()
    if generation is not None:
        rows = generation.catalog.chunks([chunk.id for chunk in chunks])
        tiers = {segment.number: str(segment.tier) for segment in generation.manifest.segments}
        current = {
            chunk.id: tiers[rows[chunk.id].segment]
            for chunk in chunks
            if chunk.id in rows and rows[chunk.id].text_hash == chunk.text_hash
        }
        known = set(generation.catalog.chunks_by_text([chunk.text_hash for chunk in chunks], dict.fromkeys(tiers, 0)))
    return [
        ExplainedChunk(
            kind=chunk.kind,
            name=chunk.qualified_name,
            start_line=chunk.start_line,
            end_line=chunk.end_line,
            part=chunk.part,
            vector=_vector(chunk, current, known) if generation else "",
            tier=current.get(chunk.id, ""),
        )
        for chunk in chunks
    ]


def _vector(chunk: Chunk, current: Container[int], known: Container[bytes]) -> str:
    if chunk.id in current:
        return "current"
    return "known" if chunk.text_hash in known else "missing"
