"""A new text index whose segments are many: they are set aside while documents come, and merged at the end."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from indexer.stores.text import writer as module
from indexer.stores.text.check import check_files, read_meta
from indexer.stores.text.document import Embedding, decode_embedding, decode_stored, make_documents
from indexer.stores.text.files import MANAGED, META
from indexer.stores.text.index import TextIndex
from indexer.stores.text.levels import MERGED
from indexer.stores.text.writer import TextWriter
from indexer.types import Chunk, SymbolKind, Tier

BATCH = 5


def chunk(number: int) -> Chunk:
    text = f"def function_{number}(): return word{number % 7}"
    return Chunk(
        id=number, path=f"file{number // BATCH}.py", language="python", kind=SymbolKind.FUNCTION,
        name=f"function_{number}", qualified_name=f"function_{number}", signature="", doc="", parent="", part=0,
        start_line=1, end_line=1, start_byte=0, end_byte=len(text), text=text, embedded_text=text,
        text_hash=number.to_bytes(16, "little"),
    )  # fmt: skip


def add(writer: TextWriter, first: int) -> None:
    chunks = [chunk(number) for number in range(first, first + BATCH)]
    embeddings = [Embedding(bytes([own.id % 100]) * 8, 1.0, Tier.STATIC) for own in chunks]
    writer.add(zip(make_documents(chunks), embeddings, strict=True))


def fill(path: Path, monkeypatch: pytest.MonkeyPatch, *, segments: int) -> tuple[TextWriter, int]:
    """Make so many segments, each set aside once it is begun; return how many documents there are too."""
    monkeypatch.setattr(module, "_LOOK_DOCUMENTS", 1)
    monkeypatch.setattr(module, "MERGED", 2)
    writer, count, deadline = TextWriter(path), 0, time.monotonic() + 60
    while len(list(path.glob("*.fast"))) < segments and time.monotonic() < deadline:
        add(writer, count)
        count += BATCH
    return writer, count


def test_segments_set_aside_are_one_index_when_they_are_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "text"
    writer, count = fill(path, monkeypatch, segments=MERGED + 2)
    assert not read_meta(path).segments, "what was set aside is not merged while documents come"
    add(writer, count)
    count += BATCH
    writer.commit()
    writer.merge()

    meta = read_meta(path)
    assert sum(segment.max_doc for segment in meta.segments) == count
    assert 1 < len(meta.segments) < MERGED
    assert max(segment.max_doc for segment in meta.segments) > min(segment.max_doc for segment in meta.segments)
    check_files(path)
    named = {name for segment in meta.segments for name in segment.files()} | {META}
    assert {entry.name for entry in path.iterdir()} == named | {MANAGED}
    assert set(msgspec.json.decode((path / MANAGED).read_bytes())) == named

    index = TextIndex(path)
    found = {number: (decode_stored(stored), decode_embedding(held)) for number, stored, held in index.scan()}
    assert sorted(found) == list(range(count))
    for number, (stored, embedding) in found.items():
        assert stored.to_chunk() == chunk(number)
        assert embedding.vector == bytes([number % 100]) * 8
    assert len(index.search({"body": {"word3": 1.0}}, limit=count)) == len(range(3, count, 7))


def test_an_index_of_segments_set_aside_is_changed_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "text"
    writer, count = fill(path, monkeypatch, segments=3)
    writer.commit()
    writer.merge()
    writer = TextWriter(path)
    writer.delete("file1.py")
    add(writer, count)
    writer.commit()
    writer.merge()
    ids = {number for number, _, _ in TextIndex(path).scan()}
    assert ids == set(range(count + BATCH)) - set(range(BATCH, 2 * BATCH))


def test_what_was_set_aside_and_not_committed_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "text"
    writer, _ = fill(path, monkeypatch, segments=3)
    writer.discard()
    assert not read_meta(path).segments
