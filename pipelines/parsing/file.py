"""One file from bytes to chunks: decode, classify, detect its language, parse, chunk. Pure; runs in the workers."""

from __future__ import annotations

from dataclasses import replace

from indexer.config import Config
from indexer.errors import ParseTimeoutError
from indexer.languages.detection import detect_language
from indexer.sources.worktree import included_reasons
from indexer.stages.chunk.chunker import chunk
from indexer.stages.classify import classify
from indexer.stages.decode import NotText, decode
from indexer.stages.detect import RACY, content_hash
from indexer.stages.parse.parser import parse
from indexer.types import FileRecord, ParsedFile, SkipReason


def parse_file(record: FileRecord, content: bytes, config: Config, *, failure: str = "") -> ParsedFile | FileRecord:
    """Return a file's chunks, or its record with the reason to skip it; either record has the hash of `content`.

    A file whose `record.detail` names the .gitattributes line that keeps it is not classified. Where the grammar fails,
    or `failure` says that it did, the record's `failure` says how and the chunks follow lines alone. Only what concerns
    the installation, ImportError and OSError, and MemoryError are raised.
    """
    digest = content_hash(content)
    decoded = decode(content)
    if isinstance(decoded, NotText):
        return replace(record, hash=digest, skip=SkipReason.BINARY, detail=decoded.detail)
    text = decoded.text
    if not text.strip():
        detail = "white space only" if content else "0 bytes"
        return replace(record, hash=digest, skip=SkipReason.EMPTY, detail=detail)
    language = detect_language(record.path, text, config.languages).language
    record = replace(record, hash=digest, language=language, lines=text.count("\n") + (not text.endswith("\n")))
    included = included_reasons(config.walk)
    if not record.detail and (found := classify(record.path, text, record.language, included=included)):
        return replace(record, skip=found.reason, detail=found.detail)
    source = text.encode()
    if not failure:
        try:
            parsed = parse(source, record.language, timeout_seconds=config.parse.timeout_seconds)
            chunks = chunk(record.path, record.language, source, parsed.symbols, config.chunk)
            if parsed.errors != record.errors:
                record = replace(record, errors=parsed.errors)
            return ParsedFile(record, chunks)
        except (ImportError, OSError, MemoryError):
            raise
        except ParseTimeoutError as error:
            failure = str(error)
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
    try:
        return ParsedFile(
            replace(record, failure=failure), chunk(record.path, record.language, source, (), config.chunk)
        )
    except (OSError, MemoryError):
        raise
    except Exception as error:
        return replace(record, skip=SkipReason.PARSER_FAILED, detail=f"{type(error).__name__}: {error}")


def give_up(record: FileRecord, content: bytes, config: Config, detail: str) -> FileRecord:
    """Return the record of a file that ends every worker, with the hash by which the next build knows it again.

    The content itself is not looked at, since this runs outside the workers. It may be another than the one that ended
    them, so the next build reads it again.
    """
    record = replace(record, size=len(content), mtime_ns=RACY)
    language = detect_language(record.path, overrides=config.languages).language
    return replace(record, hash=content_hash(content), language=language, skip=SkipReason.PARSER_FAILED, detail=detail)
