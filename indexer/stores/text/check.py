"""Are a text index's files those that its meta.json describes, and is that an index of ours?

Tantivy believes what it opens. Its meta.json decides which files it reads and how much memory it takes, .managed.json
which ones it deletes, and a size that lies in the document store ends the process.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from indexer.stores.text.document import RAW_FIELDS, WORD_FIELDS
from indexer.stores.text.document_store import DocumentStore
from indexer.stores.text.files import MANAGED, META, damage
from indexer.stores.text.queries import TOKENIZER
from indexer.stores.text.store_check import check_store, payload_end

_MAX_BYTES = 16 << 20
_PARTS = ("idx", "pos", "term", "store", "fast", "fieldnorm")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[0-9a-f]{32}\.([a-z]+|[0-9]{1,20}\.del)")
_MAX_DOCUMENTS = 1 << 31
"""Tantivy numbers the documents of a segment below this."""
_MAX_TABLE_BYTES = 4096
"""What a file of one byte a document and field holds besides."""


class SegmentStats(NamedTuple):
    """Documents in all segments, dead ones included; dead ones; and the number of segments."""

    documents: int
    dead: int
    segments: int


class _Deletes(msgspec.Struct, forbid_unknown_fields=True):
    num_deleted_docs: int
    opstamp: int


class Segment(msgspec.Struct, forbid_unknown_fields=True):
    """A segment as meta.json describes it."""

    segment_id: str
    max_doc: int
    deletes: _Deletes | None

    def files(self) -> list[str]:
        """Return the names of its files."""
        stem = self.segment_id.replace("-", "")
        deletes = [] if self.deletes is None else [f"{stem}.{self.deletes.opstamp}.del"]
        return [*(f"{stem}.{part}" for part in _PARTS), *deletes]


class _Settings(msgspec.Struct, forbid_unknown_fields=True):
    docstore_compression: str
    docstore_blocksize: int


class Meta(msgspec.Struct, forbid_unknown_fields=True):
    """The content of meta.json."""

    index_settings: _Settings
    segments: list[Segment]
    schema: msgspec.Raw
    opstamp: int


def segment_stats(path: Path) -> SegmentStats:
    """Return from Tantivy's meta.json how many documents lie in how many segments; raises DamagedIndexError."""
    with damage(path):
        segments = read_meta(path).segments
    dead = sum(segment.deletes.num_deleted_docs for segment in segments if segment.deletes is not None)
    return SegmentStats(sum(segment.max_doc for segment in segments), dead, len(segments))


def check_files(path: Path) -> list[DocumentStore]:
    """Return the segments' document stores; raise DamagedIndexError unless the folder holds a whole index of ours."""
    with damage(path):
        meta = read_meta(path)
        if msgspec.json.decode(meta.schema) != _schema():
            raise ValueError(f"{META} describes another schema than this program writes")
        if (meta.index_settings.docstore_compression, meta.index_settings.docstore_blocksize) != ("lz4", 16_384):
            raise ValueError(f"{META} has other settings than this program writes")
        managed = path / MANAGED
        if managed.exists():
            names = msgspec.json.decode(_read(managed), type=list[str])
            if any(name != META and not _NAME.fullmatch(name) for name in names):
                raise ValueError(f"{MANAGED} names a file that is no part of a text index")
        return [_check_segment(path, segment) for segment in meta.segments]


def read_meta(path: Path) -> Meta:
    """Return what a folder's meta.json says; raises ValueError for what Tantivy never writes, and OSError."""
    meta = msgspec.json.decode(_read(path / META), type=Meta)
    names = [segment.segment_id for segment in meta.segments]
    if len(set(names)) != len(names) or not all(_ID.fullmatch(name) for name in names):
        raise ValueError(f"{META} names its segments as Tantivy never does")
    for segment in meta.segments:
        dead = 0 if segment.deletes is None else segment.deletes.num_deleted_docs
        if not 0 < segment.max_doc < _MAX_DOCUMENTS or not 0 <= dead <= segment.max_doc:
            raise ValueError(f"{META} counts documents that can't be")
    return meta


def _check_segment(path: Path, segment: Segment) -> DocumentStore:
    store: DocumentStore | None = None
    for name in segment.files():
        with (path / name).open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            size = payload_end(content)
            if name.endswith(".store"):
                store = DocumentStore(content, check_store(content, documents=segment.max_doc))
                store.let_go()  # few of the pages that were looked at are needed again
        except ValueError as error:
            raise ValueError(f"{name} {error}") from error
        # A length of each text for each document, and a bit a document for the dead.
        lengths = segment.max_doc * (len(RAW_FIELDS) + len(WORD_FIELDS))
        if name.endswith(".fieldnorm") and not lengths <= size <= lengths + _MAX_TABLE_BYTES:
            raise ValueError(f"{name} holds another number of documents than {META} says")
        if name.endswith(".del") and size != 4 + 8 * -(-segment.max_doc // 64):
            raise ValueError(f"{name} holds another number of documents than {META} says")
    assert store is not None
    return store


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError(f"{path.name} is larger than any of its kind")
    return content


def _schema() -> Sequence[object]:
    """Return the schema of `queries.schema` as Tantivy writes it."""
    number = {"indexed": True, "fieldnorms": False, "fast": True, "stored": False}
    content = {"indexed": False, "fieldnorms": False, "fast": False, "stored": True}
    return [
        {"name": "id", "type": "u64", "options": number},
        *(_text(name, "basic", "raw") for name in RAW_FIELDS),
        *(_text(name, "freq", TOKENIZER) for name in WORD_FIELDS),
        *({"name": name, "type": "bytes", "options": content} for name in ("stored", "embedding")),
    ]


def _text(name: str, record: str, tokenizer: str) -> dict[str, object]:
    indexing = {"record": record, "fieldnorms": True, "tokenizer": tokenizer}
    return {"name": name, "type": "text", "options": {"indexing": indexing, "stored": False, "fast": False}}
