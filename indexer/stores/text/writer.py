"""Changes a staged text index: deletes a file's documents, adds chunks, and commits once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import tantivy

from indexer.errors import StorageError
from indexer.stores.text.check import check_files
from indexer.stores.text.document import Embedding, index_path, with_embedding
from indexer.stores.text.files import MANAGED, META, TEXT_LOCKS
from indexer.stores.text.queries import register_tokenizer, schema
from indexer.types import Document

_HEAP_BYTES = 32_000_000
"""Memory of Tantivy's one indexing thread; it writes a segment when this is full."""

INDEXING_THREAD = "thrd-tantivy-in"
"""What the system calls the thread that documents are handed to, which holds up to 10,000 that wait."""

MUTABLE_FILES = (META, MANAGED)
"""Files that Tantivy replaces; all others are written once."""


class TextWriter:
    """Writes to a staged text index; opened only when a chunk comes or goes.

    Raises StorageError when the system refuses a write.
    """

    def __init__(self, path: Path) -> None:
        """Open the staged folder, or make an index in it when it is empty; raises DamagedIndexError."""
        self._path = path
        self._is_closed = False
        with self._refusals():
            kept = (path / META).exists()
        if kept:
            check_files(path)
        with self._refusals():
            if kept:
                self._index = tantivy.Index.open(str(path))
            else:
                path.mkdir(exist_ok=True)
                self._index = tantivy.Index(schema(), path=str(path), reuse=False)
            self._index.config_reader("manual")
            register_tokenizer(self._index)
            self._writer = self._index.writer(heap_size=_HEAP_BYTES, num_threads=1)

    def delete(self, path: str) -> None:
        """Delete the documents of a file that were there before this call."""
        with self._refusals():
            self._writer.delete_documents_by_term("path", index_path(path))

    def add(self, chunks: Iterable[tuple[Document, Embedding]]) -> None:
        """Add chunks with their vectors; as JSON, which Tantivy reads faster than fields one by one."""
        with self._refusals():
            for document, embedding in chunks:
                self._writer.add_json(with_embedding(document, embedding))

    def commit(self) -> None:
        """Write everything, wait for merges, and close; the folder does not change afterwards."""
        with self._refusals():
            self._writer.commit()
            self._close()
        for name in TEXT_LOCKS:
            (self._path / name).unlink(missing_ok=True)

    def discard(self) -> None:
        """Drop what was not committed, and close; nothing where `commit` has closed and what came then failed."""
        if self._is_closed:
            return
        with self._refusals():
            try:
                self._writer.rollback()
            finally:
                self._close()  # its threads write to the folder until then

    def _close(self) -> None:
        self._is_closed = True
        self._writer.wait_merging_threads()
        del self._writer, self._index

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, OSError) as error:
            raise StorageError(f"{self._path}: {error}; check the free space and the permissions") from error
        except BaseException as error:
            # A Rust panic derives from BaseException alone.
            if type(error).__name__ != "PanicException":
                raise
            raise StorageError(f"{self._path}: the text index could not be written ({error})") from error
