"""The data that flows through the pipeline, in flow order.

`SourceFile | SkippedFile` -> `FileChanges` -> `Symbol` -> `Chunk` -> float32[n, d] -> `QuantizedBatch` -> a committed
generation; on the way back `Hit`. Everything is frozen; what comes by the hundred thousand is a struct, which takes
a quarter of a frozen dataclass's time to make. Vectors stay matrices aligned with their chunks.
"""

from __future__ import annotations

from indexer.types.chunks import Chunk, ChunkFields, DefinedName, Document, ParsedFile, Quantized
from indexer.types.files import FileChanges, FileRecord, SkipReason, Stat
from indexer.types.hits import Answering, Hit, SearchMode, SearchResult
from indexer.types.sources import (
    IndexedSource,
    LeftOut,
    LeftOutEntry,
    LeftOutReason,
    Reader,
    SkippedFile,
    Source,
    SourceFile,
    content_stat,
)
from indexer.types.symbols import TYPE_KINDS, Symbol, SymbolKind
from indexer.types.vectors import (
    TIERS,
    Encoder,
    EncoderIdentity,
    Feed,
    PreparedTexts,
    QuantizedBatch,
    Role,
    StoredVector,
    Tier,
)

__all__ = [
    "TIERS",
    "TYPE_KINDS",
    "Answering",
    "Chunk",
    "ChunkFields",
    "DefinedName",
    "Document",
    "Encoder",
    "EncoderIdentity",
    "Feed",
    "FileChanges",
    "FileRecord",
    "Hit",
    "IndexedSource",
    "LeftOut",
    "LeftOutEntry",
    "LeftOutReason",
    "ParsedFile",
    "PreparedTexts",
    "Quantized",
    "QuantizedBatch",
    "Reader",
    "Role",
    "SearchMode",
    "SearchResult",
    "SkipReason",
    "SkippedFile",
    "Source",
    "SourceFile",
    "Stat",
    "StoredVector",
    "Symbol",
    "SymbolKind",
    "Tier",
    "content_stat",
]
