"""Index a code base: walk, detect, parse, chunk, embed, reduce, commit; then search.

with indexer.open("path/to/repository") as index:
    for hit in index.search("parse http headers").hits:
        ...
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer.config import EncoderOptions, VectorOptions
    from indexer.search.index import Index
    from indexer.types import Encoder

__all__ = ["open"]


def open(
    path: str | Path,
    *,
    encoder: Encoder | None = None,
    options: EncoderOptions | None = None,
    vectors: VectorOptions | None = None,
) -> Index:
    """Open the index of a folder, or an index folder, for searching; see indexer.search.index.open_index."""
    from indexer.search.index import open_index

    return open_index(path, encoder=encoder, options=options, vectors=vectors)
