"""What the stores write: paths, embeddings, digests, CURRENT, manifests."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from indexer.errors import DamagedIndexError
from indexer.stores.catalog import digest
from indexer.stores.catalog.schema import decode_path, encode_path
from indexer.stores.generation import layout
from indexer.stores.generation import manifest as manifests
from indexer.stores.text.document import (
    Embedding,
    decode_embedding,
    decode_stored,
    encode_embedding,
    encode_stored,
    index_path,
    source_path,
)
from indexer.types import Chunk, FileRecord, IndexedSource, SkipReason, SymbolKind, Tier

STORED = encode_embedding(Embedding(b"a", 1.0, Tier.STATIC))

paths = (
    st.binary(max_size=30).filter(lambda raw: b"\0" not in raw).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
)


@given(paths)
def test_any_path_comes_back(path: str) -> None:
    assert decode_path(encode_path(path)) == path
    assert source_path(index_path(path)) == path
    index_path(path).encode("utf-8")


@given(paths, paths)
def test_different_paths_stay_different(one: str, other: str) -> None:
    assert (index_path(one) == index_path(other)) == (one == other)


@given(st.binary(min_size=1, max_size=200), st.floats(0, 1e3, width=32))
def test_an_embedding_comes_back(vector: bytes, scale: float) -> None:
    for tier in Tier:
        embedding = Embedding(vector, scale, tier)
        assert decode_embedding(encode_embedding(embedding)) == embedding


@pytest.mark.parametrize("content", [b"", b"1234567", STORED[:-1], b"\1" + STORED[1:], STORED[:2] + b"\7" + STORED[3:]])
def test_a_malformed_embedding_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="embedding"):
        decode_embedding(content)


def chunk(*, text: str, embedded: str, name: str = "n") -> Chunk:
    return Chunk(
        7,
        "a\udcff.py",
        "python",
        SymbolKind.METHOD,
        name,
        "A.n",
        "def n()",
        "doc",
        "A",
        1,
        2,
        3,
        4,
        5,
        text,
        embedded,
        b"h" * 16,
    )


@pytest.mark.parametrize(("text", "embedded"), [("body", "head body"), ("body", "other"), ("", "head"), ("é", "é")])
def test_a_chunk_comes_back(text: str, embedded: str) -> None:
    made = chunk(text=text, embedded=embedded)
    assert decode_stored(encode_stored(made)).to_chunk() == made


def test_text_that_utf8_can_not_hold_is_stored_with_question_marks() -> None:
    stored = decode_stored(encode_stored(chunk(text="x\ud800y", embedded="x", name="\udc80")))
    assert (stored.text, stored.name) == ("x?y", "?")


def test_a_chunk_of_an_unknown_kind_is_refused() -> None:
    stored = encode_stored(chunk(text="body", embedded="head body"))
    with pytest.raises(msgspec.DecodeError):
        decode_stored(stored.replace(b"method", b"custom"))


def test_the_digest_of_a_file_is_of_its_content() -> None:
    record = FileRecord("a", 1, 2, b"h" * 16, "python")
    assert digest.of_record(record) == digest.of_record(
        replace(record, size=9, mtime_ns=9, detail="d", errors=9, lines=9)
    )
    others = [
        replace(record, path="b"),
        replace(record, hash=b"i" * 16),
        replace(record, language="go"),
        replace(record, skip=SkipReason.BINARY),
    ]
    assert len({digest.of_record(other) for other in (record, *others)}) == 5


@given(st.lists(st.integers(0, (1 << 128) - 1)))
def test_digests_add_in_any_order_and_go_away_again(parts: list[int]) -> None:
    total = digest.add(*parts)
    assert (
        total
        == digest.add(*reversed(parts))
        == digest.from_bytes(digest.to_bytes(total))
        == int(digest.to_hex(total), 16)
    )
    assert digest.add(total, *(-part for part in parts)) == 0


def test_current_comes_back_and_nothing_else_is_read(tmp_path: Path) -> None:
    current = layout.Current(12, "0123456789abcdef" * 2)
    (tmp_path / "CURRENT").write_bytes(current.to_bytes())
    assert layout.read_current(tmp_path) == current
    for content in (
        b"",
        b"\n",
        current.to_bytes()[:-1],
        b"../../x " + current.checksum.encode() + b"\n",
        current.to_bytes() * 2,
    ):
        (tmp_path / "CURRENT").write_bytes(content)
        with pytest.raises(DamagedIndexError, match="CURRENT"):
            layout.read_current(tmp_path)


def manifest() -> manifests.Manifest:
    return manifests.seal(
        manifests.Manifest(
            format_version=manifests.FORMAT_VERSION,
            generation=3,
            created="2000-01-01T00:00:00+00:00",
            encoder=manifests.Encoder(name="e", digest="d", dims=8, max_tokens=4),
            projection=manifests.Projection(mode="none", digest="", dims=8),
            made_with={"chunks": "f"},
            source=IndexedSource(kind="worktree", root=".."),
            counts=manifests.Counts(files=1, skipped=0, chunks=2),
            segments=(manifests.Segment(tier=Tier.CONTEXTUAL, number=1, vectors=2, live=2),),
            digest="0" * 32,
            vector_digest="0" * 32,
            files={"catalog.sqlite": manifests.FileSum(5, "a" * 32)},
        )
    )


def test_a_manifest_comes_back_and_any_altered_value_is_noticed(tmp_path: Path) -> None:
    content = manifests.encode(manifest())
    assert manifests.decode(content, tmp_path) == manifest()
    for at, byte in enumerate(content):
        for bit in (1, 4, 32):
            altered = content[:at] + bytes([byte ^ bit]) + content[at + 1 :]
            try:
                assert manifests.decode(altered, tmp_path) == manifest()
            except DamagedIndexError as error:
                assert str(tmp_path) in str(error)


@pytest.mark.parametrize("name", ["digest", "vector_digest"])
@pytest.mark.parametrize("digest", ["", "/etc/passwd", "0" * 31, "0" * 33, "g" * 32, "0" * 32 + "\n", "-" + "1" * 31])
def test_a_digest_that_no_increment_could_go_on_from_is_damage(tmp_path: Path, name: str, digest: str) -> None:
    altered = manifests.seal(msgspec.structs.replace(manifest(), **{name: digest}))
    with pytest.raises(DamagedIndexError, match=name):
        manifests.decode(manifests.encode(altered), tmp_path)


def test_a_manifest_with_unknown_keys_is_refused(tmp_path: Path) -> None:
    extended = msgspec.json.encode(msgspec.structs.asdict(manifest()) | {"more": 1})
    with pytest.raises(DamagedIndexError, match="more"):
        manifests.decode(extended, tmp_path)
