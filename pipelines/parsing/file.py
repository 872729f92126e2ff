"""One file from source to chunks: read, decode, classify, detect its language, parse, chunk; runs in the workers."""

from __future__ import annotations

from msgspec.structs import replace

from indexer.config import Config
from indexer.errors import ParseTimeoutError
from indexer.languages.detection import detect_language
from indexer.stages.chunk.chunker import chunk
from indexer.stages.classify import classify, lfs_pointer
from indexer.stages.decode import NotText, decode
from indexer.stages.detect import OWN_REPORT_HASH, RACY, as_read, content_hash, verified_blob
from indexer.stages.parse.parser import parse
from indexer.types import FileRecord, ParsedFile, Reader, SkipReason


def read_file(record: FileRecord, reader: Reader) -> tuple[FileRecord, bytes | None]:
    """Return a file's record as of this reading and its content, or None and the reason to skip it in the record."""
    try:
        content, read = reader.read(record.path)
    except FileNotFoundError:
        return replace(record, skip=SkipReason.VANISHED, failure=""), None
    except OSError as error:
        detail = error.strerror or str(error)
        return replace(record, skip=SkipReason.UNREADABLE, detail=detail, failure=""), None
    return as_read(record, read), content


def parse_file(record: FileRecord, content: bytes, config: Config) -> ParsedFile | FileRecord:
    """Return a file's chunks, or its record with the reason to skip it; either record has the hash of `content`.

    A file whose `record.detail` names the .gitattributes line that keeps it is not classified. Where the grammar fails,
    or `record.failure` says that it did, the record's `failure` says how and the chunks follow lines alone. Only what
    concerns the installation, ImportError and OSError, and MemoryError are raised. Reads nothing.
    """
    failure = record.failure
    blob = verified_blob(record.blob, content)
    record = replace(record, hash=content_hash(content), failure="", blob=blob)
    if record.hash == OWN_REPORT_HASH:
        return replace(record, skip=SkipReason.GENERATED, detail="a report of this program's")
    decoded = decode(content)
    if isinstance(decoded, NotText):
        return replace(record, skip=SkipReason.BINARY, detail=decoded.detail)
    text = decoded.text
    if not text.strip():
        detail = "white space only" if content else "0 bytes"
        return replace(record, skip=SkipReason.EMPTY, detail=detail)
    if pointer := lfs_pointer(text):
        return replace(record, skip=SkipReason.LFS_POINTER, detail=pointer)
    language = detect_language(record.path, text, config.languages).language
    record = replace(record, language=language, lines=text.count("\n") + (not text.endswith("\n")))
    included = config.walk.included_reasons
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


def give_up(record: FileRecord, reader: Reader, config: Config, detail: str) -> FileRecord:
    """Return the record of a file that ends every worker, with the hash by which the next build knows it again.

    The content itself is not looked at, since this runs outside the workers. It may be another than the one that ended
    them, so the next build reads it again.
    """
    record, content = read_file(record, reader)
    if content is None:
        return record
    record = replace(record, size=len(content), mtime_ns=RACY, failure="", blob=b"")
    language = detect_language(record.path, overrides=config.languages).language
    return replace(record, hash=content_hash(content), language=language, skip=SkipReason.PARSER_FAILED, detail=detail)
