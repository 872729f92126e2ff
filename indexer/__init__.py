"""Index a code base: walk, detect, parse, chunk, embed, reduce, commit; then search.

indexer.build("path/to/repository")
with indexer.open("path/to/repository") as index:
    for hit in index.search("parse http headers").hits:
        ...

What is named here is imported at its first use: a run that finds nothing changed loads no engine.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indexer.config import Config, EncoderOptions, VectorOptions
    from indexer.errors import (
        ConfigError,
        DamagedIndexError,
        FormatVersionError,
        IndexerError,
        LockedError,
        ModelError,
        NoIndexError,
        RecallError,
        SourceError,
        StaleIndexError,
        StorageError,
        UnreadableError,
    )
    from indexer.index import Index
    from indexer.search.freshness import CountStale
    from indexer.search.searcher import Searcher
    from indexer.types import Chunk, Encoder, Hit, SearchResult
    from pipelines.build import build
    from pipelines.fleet.search import open_fleet

    __version__: str

__all__ = [
    "Chunk",
    "Config",
    "ConfigError",
    "DamagedIndexError",
    "FormatVersionError",
    "Hit",
    "Index",
    "IndexerError",
    "LockedError",
    "ModelError",
    "NoIndexError",
    "RecallError",
    "SearchResult",
    "Searcher",
    "SourceError",
    "StaleIndexError",
    "StorageError",
    "UnreadableError",
    "__version__",
    "build",
    "open",
    "open_fleet",
]

_HOMES = {
    "Chunk": "indexer.types",
    "Config": "indexer.config",
    "Hit": "indexer.types",
    "Index": "indexer.index",
    "SearchResult": "indexer.types",
    "Searcher": "indexer.search.searcher",
}

_IN_PIPELINES = {"build": "build", "open_fleet": "fleet.search"}


def open(
    path: str | Path,
    *,
    encoder: Encoder | None = None,
    options: EncoderOptions | None = None,
    vectors: VectorOptions | None = None,
    count_stale: CountStale | None = None,
    stale_seconds: float = 2.0,
) -> Index:
    """Open the index of a folder, or an index folder, for searching; see indexer.index.open_index."""
    from indexer.index import open_index

    return open_index(
        path, encoder=encoder, options=options, vectors=vectors, count_stale=count_stale, stale_seconds=stale_seconds
    )


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("codebase-indexer")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _IN_PIPELINES:
        from indexer.installed import pipelines_module

        return getattr(pipelines_module(_IN_PIPELINES[name]), name)
    return getattr(import_module(_HOMES.get(name, "indexer.errors")), name)
