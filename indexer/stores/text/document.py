"""What the text index takes of a chunk: terms, its fields for people, and its vector for rebuilding the vector index.

Made wherever a chunk is: nothing here needs Tantivy.
"""

from __future__ import annotations

import struct
from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice, pairwise
from operator import attrgetter
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import msgspec

from indexer.languages.analyzer import indexed_text, indexed_texts
from indexer.types import TIERS, Chunk, ChunkFields, DefinedName, Document, Tier

WORD_FIELDS = ("path_words", "file_name", "names", "signature", "doc", "body")
"""Analysed fields."""
RAW_FIELDS = ("path", "language", "kind", "name", "qualified_name")
"""Fields matched as a whole: paths as `index_path` writes them, names lower-cased."""

_HEADER = struct.Struct("<BBBHf")
_HEADER_VERSION = 2
_INT8 = 1


class StoredChunk(ChunkFields, frozen=True, array_like=True):
    """A chunk as stored. `embedded` is the embedded text; when `embedded_ends_with_text`, only what precedes `text`."""

    text: str
    text_hash: bytes
    embedded: str
    embedded_ends_with_text: bool
    definitions: tuple[DefinedName, ...] = ()
    runs: tuple[tuple[int, int], ...] = ()

    @property
    def embedded_text(self) -> str:
        """The text that the vector was made from."""
        return self.embedded + self.text if self.embedded_ends_with_text else self.embedded

    def to_chunk(self) -> Chunk:
        """Return the chunk that was indexed."""
        key, path, *fields = _FIELDS(self)
        fields += [self.text, self.embedded_text, self.text_hash, self.definitions, self.runs]
        return Chunk(key, source_path(path), *fields)

    def line_of(self, row: int) -> int:
        """Return the line of the file that a row of the text, from 0, is."""
        if not self.runs:
            return self.start_line + row
        first, line = next((run for run in reversed(self.runs) if run[0] <= row), (0, self.start_line))
        return line + row - first

    def row_of(self, line: int) -> int:
        """Return the row of the text, from 0, that a line of the file is; the first where the text lacks it."""
        rows = self.text.count("\n") + 1
        starts = [*self.runs, (rows, 0)] if self.runs else [(0, self.start_line), (rows, 0)]
        for (row, own), (end, _) in pairwise(starts):
            if own <= line < own + end - row:
                return row + line - own
        return 0


_FIELDS = attrgetter(*ChunkFields.__struct_fields__)
_encoder = msgspec.msgpack.Encoder()
_json = msgspec.json.Encoder()
_decoder = msgspec.msgpack.Decoder(StoredChunk)


def chunk_fields(stored: StoredChunk) -> dict[str, Any]:
    """Return the fields that a stored chunk shares with a chunk and a hit, by name; the path is the source's."""
    fields = dict(zip(ChunkFields.__struct_fields__, _FIELDS(stored), strict=True))
    fields["path"] = source_path(stored.path)
    return fields


def stored_form(chunk: Chunk) -> StoredChunk:
    """Return what is stored of a chunk; characters that UTF-8 can't hold become question marks."""
    ends_with_text = bool(chunk.text) and chunk.embedded_text.endswith(chunk.text)
    embedded = chunk.embedded_text.removesuffix(chunk.text) if ends_with_text else chunk.embedded_text
    definitions = tuple([DefinedName(utf8(own.name), utf8(own.qualified_name), own.line) for own in chunk.definitions])
    key, path, *fields = _FIELDS(chunk)
    own: list[Any] = [key, index_path(path), *[utf8(value) if type(value) is str else value for value in fields]]
    own += [utf8(chunk.text), chunk.text_hash, utf8(embedded), ends_with_text, definitions, chunk.runs]
    return StoredChunk(*own)


def make_documents(chunks: Sequence[Chunk], *, is_encoded: bool = False) -> tuple[Document, ...]:
    """Return chunks ready to be stored, without the texts to embed where they are `is_encoded`."""
    texts = [utf8(text) for own in chunks for text in (own.qualified_name, own.signature, own.doc, own.text)]
    analysed = iter(indexed_texts(texts))
    return tuple([_document(own, islice(analysed, 4), is_encoded=is_encoded) for own in chunks])


def _document(chunk: Chunk, analysed: Iterable[str], *, is_encoded: bool) -> Document:
    """Return a chunk's document, given its analysed fields but for those of its path.

    Each definition in it has its names beside the chunk's own.
    """
    names, signature, doc, body = analysed
    path, path_words, file_name = _path_texts(chunk.path)
    defined: list[Chunk | DefinedName] = [chunk, *chunk.definitions]
    fields = {
        "id": chunk.id,
        "path": path,
        "language": chunk.language,
        "kind": chunk.kind,
        "name": list(dict.fromkeys([utf8(own.name).lower() for own in defined])),
        "qualified_name": list(dict.fromkeys([utf8(own.qualified_name).lower() for own in defined])),
        "path_words": path_words,
        "file_name": file_name,
        "names": names,
        "signature": signature,
        "doc": doc,
        "body": body,
        "stored": encode_stored(chunk),
    }
    embedded_text = "" if is_encoded else chunk.embedded_text
    return Document(chunk.id, chunk.path, chunk.text_hash, embedded_text, _json.encode(fields)[:-1])


def encode_stored(chunk: Chunk) -> bytes:
    """Return the stored bytes of a chunk."""
    return _encoder.encode(stored_form(chunk))


def decode_stored(content: bytes) -> StoredChunk:
    """Return what `encode_stored` wrote; raises msgspec.DecodeError, and ValueError for a path that it never writes."""
    stored = _decoder.decode(content)
    source_path(stored.path)
    return stored


class Embedding(NamedTuple):
    """A chunk's int8 vector as its document holds it, with its scale and tier."""

    vector: bytes
    scale: float
    tier: Tier


def with_embedding(document: Document, embedding: Embedding) -> str:
    """Return all of a document in JSON."""
    encoded = b2a_base64(encode_embedding(embedding), newline=False)
    return b"".join((document.fields, b',"embedding":"', encoded, b'"}')).decode()


def encode_embedding(embedding: Embedding) -> bytes:
    """Return version, dtype, tier, dims and scale in nine bytes, little-endian, and the int8 vector."""
    vector, scale, tier = embedding
    return _HEADER.pack(_HEADER_VERSION, _INT8, tier.rank, len(vector), scale) + vector


def decode_embedding(content: bytes) -> Embedding:
    """Return what `encode_embedding` was given; raises ValueError on anything that it did not write."""
    if len(content) < _HEADER.size:
        raise ValueError("an embedding is shorter than its header")
    version, dtype, tier, dims, scale = _HEADER.unpack_from(content)
    vector = content[_HEADER.size :]
    if (version, dtype, dims) != (_HEADER_VERSION, _INT8, len(vector)) or tier >= len(TIERS):
        raise ValueError("an embedding's header does not fit its bytes")
    return Embedding(vector, scale, TIERS[tier])


def index_path(path: str) -> str:
    """Return a path as the text index holds it: bytes that are not UTF-8 become NUL, which no path has, and hex."""
    if path.isascii() or utf8(path) == path:
        return path
    return "".join(f"\0{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in path)


def source_path(path: str) -> str:
    """Return the path that `index_path` was given."""
    if "\0" not in path:
        return path
    first, *rest = path.split("\0")
    return first + "".join(chr(0xDC00 + int(part[:2], 16)) + part[2:] for part in rest)


@lru_cache(maxsize=1024)
def _path_texts(path: str) -> tuple[str, str, str]:
    text = utf8(path)
    return index_path(path), indexed_text(text), indexed_text(PurePosixPath(text).name)


def utf8(text: str) -> str:
    """Return the text with lone surrogates replaced by question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
