"""Changes a staged text index: deletes a file's documents, adds chunks, and commits once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import tantivy

from indexer.errors import REFUSED, StorageError
from indexer.stores.text.check import Segment, check_files, read_meta
from indexer.stores.text.document import Embedding, index_path, with_embedding
from indexer.stores.text.files import MANAGED, META, TEXT_LOCKS
from indexer.stores.text.levels import MERGED, alike, name_segments
from indexer.stores.text.queries import register_tokenizer, schema
from indexer.types import Document

_HEAP_BYTES = 32_000_000
"""Memory of Tantivy's one indexing thread; it writes a segment when this is full."""

INDEXING_THREAD = "thrd-tantivy-in"
"""What the system calls the thread that documents are handed to, which holds up to 10,000 that wait."""

_LOOK_DOCUMENTS = 2048
"""How many documents come between two looks at how many segments there are; a segment is of tens of thousands."""

_OS_ERROR = re.compile(r"\(os error (\d+)\)")

MUTABLE_FILES = (META, MANAGED)
"""Files that Tantivy replaces; all others are written once."""


class TextWriter:
    """Writes to a staged text index; opened only when a chunk comes or goes.

    The segments of a new index are merged when all documents are in it: a merge reads all of them, some of it again and
    again, for which there is no room while others parse. Raises StorageError when the system refuses a write.
    """

    def __init__(self, path: Path) -> None:
        """Open the staged folder, or make an index in it when it is empty; raises DamagedIndexError."""
        self._path = path
        self._is_closed = False
        self._aside: list[Segment] = []
        self._unseen = 0
        with self._refusals():
            kept = (path / META).exists()
        self._is_new = not kept
        if kept:
            check_files(path)
        with self._refusals():
            self._open()

    def delete(self, path: str) -> None:
        """Delete the documents that a file has in an index that was not made here."""
        with self._refusals():
            self._writer.delete_documents_by_term("path", index_path(path))

    def add(self, chunks: Iterable[tuple[Document, Embedding]]) -> None:
        """Add chunks with their vectors; as JSON, which Tantivy reads faster than fields one by one."""
        with self._refusals():
            for document, embedding in chunks:
                self._hand_over(with_embedding(document, embedding))
                self._unseen += 1
            if self._is_new and self._unseen >= _LOOK_DOCUMENTS:
                self._unseen = 0
                # The last of them is being filled, and may be two when it is written.
                if len(list(self._path.glob("*.store"))) - len(self._aside) >= MERGED - 1:
                    self._set_aside()
                    self._open()

    def commit(self) -> None:
        """Write everything and close; `merge` is still to be called."""
        with self._refusals():
            if self._aside:
                self._set_aside()
            else:
                self._finish()

    def merge(self) -> None:
        """Merge what was set aside as far as Tantivy would have; the folder does not change afterwards."""
        with self._refusals():
            while together := alike(self._aside):
                name_segments(self._path, together)
                self._open()
                rest = [segment for segment in self._aside if segment not in together]
                self._aside = [*rest, *self._finish()]
            if self._aside:
                name_segments(self._path, self._aside)
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

    def _open(self) -> None:
        """Open the index that lies in the folder, or make an empty one."""
        if (self._path / META).exists():
            self._index = tantivy.Index.open(str(self._path))
        else:
            self._path.mkdir(exist_ok=True)
            self._index = tantivy.Index(schema(), path=str(self._path), reuse=False)
        self._index.config_reader("manual")
        register_tokenizer(self._index)
        self._writer = self._index.writer(heap_size=_HEAP_BYTES, num_threads=1)
        self._is_closed = False

    def _hand_over(self, document: str) -> None:
        """Give a document to Tantivy's thread; one that is dead says why at a commit alone."""
        try:
            self._writer.add_json(document)
        except ValueError:
            self._writer.commit()
            raise

    def _finish(self) -> list[Segment]:
        """Write what was given, wait for merges, close, and return the segments."""
        self._writer.commit()
        self._close()
        return read_meta(self._path).segments

    def _set_aside(self) -> None:
        """Leave an index without segments, and those that there were beside it."""
        self._aside += self._finish()
        name_segments(self._path, [])

    def _close(self) -> None:
        self._is_closed = True
        self._writer.wait_merging_threads()
        del self._writer, self._index

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, OSError) as error:
            number = _OS_ERROR.search(str(error))  # Tantivy's words around the system's are no help
            reason = os.strerror(int(number[1])) if number else error
            raise StorageError(f"{self._path}: {reason}; {REFUSED}") from error
        except BaseException as error:
            # A Rust panic derives from BaseException alone.
            if type(error).__name__ != "PanicException":
                raise
            raise StorageError(f"{self._path}: the text index could not be written ({error})") from error
