"""One file from bytes to chunks: decode, classify, detect its language, parse, chunk. Pure; runs in the workers."""

from __future__ import annotations

from dataclasses import replace

from indexer.config import Config
from indexer.errors import ParseTimeoutError
from indexer.languages.detection import detect_language
from indexer.sources.worktree import included_reasons
from indexer.stages.chunk import chunk
from indexer.stages.classify import classify
from indexer.stages.decode import NotText, decode
from indexer.stages.detect import content_hash
from indexer.stages.parse import parse
from indexer.types import FileRecord, ParsedFile, SkipReason


def parse_file(record: FileRecord, content: bytes, config: Config) -> ParsedFile | FileRecord:
    """Return a file's chunks, or its record with the reason to skip it; either record has the hash of `content`.

    A file whose `record.detail` names the .gitattributes line that keeps it is not classified. Whatever goes wrong with
    one file is a skip (PARSER_FAILED); only what concerns the installation, ImportError and OSError, is raised.
    """
    record = replace(record, hash=content_hash(content))
    decoded = decode(content)
    if isinstance(decoded, NotText):
        return replace(record, skip=SkipReason.BINARY, detail=decoded.detail)
    text = decoded.text
    if not text.strip():
        return replace(record, skip=SkipReason.EMPTY, detail="white space only")
    record = _described(record, text, config)
    included = included_reasons(config.walk)
    if not record.detail and (found := classify(record.path, text, record.language, included=included)):
        return replace(record, skip=found.reason, detail=found.detail)
    source = text.encode()
    try:
        parsed = parse(source, record.language, timeout_seconds=config.parse.timeout_seconds)
        chunks = chunk(record.path, record.language, source, parsed.symbols, config.chunk)
    except (ImportError, OSError, MemoryError):
        raise
    except ParseTimeoutError as error:
        return replace(record, skip=SkipReason.PARSER_FAILED, detail=str(error))
    except Exception as error:
        return replace(record, skip=SkipReason.PARSER_FAILED, detail=f"{type(error).__name__}: {error}")
    return ParsedFile(replace(record, errors=parsed.errors), chunks)


def blame(record: FileRecord, content: bytes, config: Config, detail: str) -> FileRecord:
    """Return the record of a file that ended its worker, with the hash by which the next build knows it again."""
    record = replace(record, hash=content_hash(content))
    decoded = decode(content)
    if not isinstance(decoded, NotText):
        record = _described(record, decoded.text, config)
    return replace(record, skip=SkipReason.PARSER_FAILED, detail=detail)


def _described(record: FileRecord, text: str, config: Config) -> FileRecord:
    language = detect_language(record.path, text, config.languages).language
    return replace(record, language=language, lines=text.count("\n") + (not text.endswith("\n")))
