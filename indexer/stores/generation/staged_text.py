"""The text index of the generation being made: the base's segments with changes, or, where that is cheap, a new one.

Tantivy's statistics count deleted documents until their segment is merged, which for a large segment may be never. So a
small index is rewritten at each commit and scores exactly as a fresh one, and a large one when it has many dead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import StorageError
from indexer.stores import durable
from indexer.stores.generation import layout
from indexer.stores.generation.reader import Generation
from indexer.stores.generation.residency import release_freed
from indexer.stores.text.check import segment_stats
from indexer.stores.text.document import Embedding, decode_embedding, decode_stored, index_path, make_documents
from indexer.stores.text.files import damage
from indexer.stores.text.writer import TextWriter
from indexer.types import TIERS, Document, Tier

SMALL_DOCUMENTS = 1000
"""Rewriting so many takes a tenth of a second."""
MAX_DEAD_RATIO = 0.2
_BATCH = 8192
"""How many documents' vectors are read at a time."""


class StagedText:
    """Deletes and adds documents; raises StorageError when the system refuses a write."""

    def __init__(self, folder: Path, base: Generation | None) -> None:
        """Decide whether to rewrite; unless it `rewrites`, the caller links the base's files into `folder`."""
        self._folder = folder
        self._base = base
        self._writer: TextWriter | None = None
        self._deleted: set[str] = set()
        self.rewrites = base is not None and _worth_rewriting(base)

    @property
    def is_changed(self) -> bool:
        """Whether a document was added or deleted, or there was no text index before."""
        return self._base is None or self._writer is not None or bool(self._deleted)

    def delete(self, path: str) -> None:
        """Delete the base's documents of a file."""
        if self._base is None or path in self._deleted:
            return
        self._deleted.add(path)
        if not self.rewrites:
            with self._blaming():
                self._open().delete(path)

    def add(self, chunks: Iterable[tuple[Document, Embedding]]) -> None:
        """Add chunks with their vectors."""
        with self._blaming():
            self._open().add(chunks)

    def commit(self) -> None:
        """Write everything. A damaged file of the base is noticed before it is merged into a good one."""
        durable.before_step("commit", self._folder)
        with self._blaming():
            writer = self._open()
            if self.rewrites:
                writer.add(self._carried_over())
            writer.commit()
            release_freed()  # what it held of documents is not needed to merge
            writer.merge()
        self._writer = None
        if self._base is not None and not self.rewrites:
            for name in self._base.manifest.files:
                if name.startswith(f"{layout.TEXT}/") and not (self._folder.parent / name).exists():
                    self._base.check(name)

    def discard(self) -> None:
        """Drop what was not committed."""
        if self._writer is not None:
            self._writer.discard()
            self._writer = None

    def _carried_over(self) -> Iterator[tuple[Document, Embedding]]:
        """Yield the base's documents but those of deleted files."""
        assert self._base is not None
        gone = {index_path(path) for path in self._deleted}
        for _, stored, held in self._base.text.scan():
            with damage(self._base.path / layout.TEXT):
                document = decode_stored(stored)
                chunk, embedding = document.to_chunk(), decode_embedding(held)
            if document.path not in gone:
                yield make_documents([chunk])[0], embedding

    @contextmanager
    def _blaming(self) -> Iterator[None]:
        """When Tantivy refuses, see whether a file that came from the base is to blame: it is damage then."""
        try:
            yield
        except StorageError:
            if self._base is not None:
                self._base.check(f"{layout.TEXT}/")
            raise

    def _open(self) -> TextWriter:
        if self._writer is None:
            self._writer = TextWriter(self._folder)
        return self._writer


def held_vectors(base: Generation) -> Iterator[tuple[Tier, list[int], NDArray[np.int8], NDArray[np.float32]]]:
    """Yield the vectors in a generation's documents, some of one tier at a time.

    Yields chunk ids, int8[n, k] and float32[n] scales; raises DamagedIndexError.
    """
    documents, dims = base.text.scan(), base.manifest.projection.dims
    while batch := list(islice(documents, _BATCH)):
        with damage(base.path / layout.TEXT):
            embeddings = {chunk_id: decode_embedding(embedding) for chunk_id, _, embedding in batch}
            if any(len(embedding.vector) != dims for embedding in embeddings.values()):
                raise ValueError(f"a document has a vector of other than {dims} dims")
        for tier in TIERS:
            own = {chunk_id: embedding for chunk_id, embedding in embeddings.items() if embedding.tier is tier}
            if own:
                joined = b"".join(embedding.vector for embedding in own.values())
                vectors = np.frombuffer(joined, np.int8).reshape(len(own), -1)
                scales = np.array([embedding.scale for embedding in own.values()], np.float32)
                yield tier, list(own), vectors, scales


def _worth_rewriting(base: Generation) -> bool:
    base.check(f"{layout.TEXT}/meta.json")
    documents, dead, _ = segment_stats(base.path / layout.TEXT)
    return documents <= SMALL_DOCUMENTS or dead >= MAX_DEAD_RATIO * documents
