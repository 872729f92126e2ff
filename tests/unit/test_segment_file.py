"""A segment's file is found whole before anything is made of it, and comparing all its vectors is exact."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.config import VectorOptions
from indexer.errors import DamagedIndexError, StorageError
from indexer.stores.vectors import segment_file, segments
from indexer.stores.vectors.segment_file import SegmentFile
from indexer.stores.vectors.segments import SegmentWriter

DIMS = 16
ROWS = 400
GRAPH = 8 + ROWS * DIMS
"""Where usearch's own head begins."""
LEVELS = GRAPH + 64 + 40
NODES = LEVELS + 2 * ROWS


def vectors_of(rows: int, dims: int = DIMS) -> NDArray[np.int8]:
    return np.random.default_rng(rows).integers(-127, 128, (rows, dims)).astype(np.int8)


def saved(path: Path, rows: int, dims: int = DIMS) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Save a segment in any order; return its ids and vectors as they should be in it."""
    ids = np.random.default_rng(7).permutation(np.arange(rows) * 1_000_003)
    vectors = vectors_of(rows, dims)
    writer = SegmentWriter(dims=dims, options=VectorOptions())
    half = rows // 2
    writer.add(ids[:half].tolist(), vectors[:half])
    writer.add(ids[half:].tolist(), vectors[half:])
    assert len(writer) == rows
    assert np.array_equal(writer.get(ids[1:3].tolist()), vectors[1:3])
    writer.save(path)
    order = np.argsort(ids)
    return ids[order], vectors[order]


@pytest.fixture(params=[segment_file.GRAPH_VECTORS, 50])
def graphs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether 400 vectors are enough for a graph."""
    monkeypatch.setattr(segment_file, "GRAPH_VECTORS", request.param)
    monkeypatch.setattr(segments, "GRAPH_VECTORS", request.param)
    return bool(request.param < ROWS)


def test_what_was_saved_is_read_by_ascending_id(tmp_path: Path, graphs: bool) -> None:
    ids, vectors = saved(tmp_path / "a", ROWS)
    file = SegmentFile(tmp_path / "a", rows=ROWS, dims=DIMS)
    assert file.has_graph == graphs
    assert np.array_equal(file.ids, ids) and np.array_equal(file.vectors, vectors)
    assert file.find([int(ids[3]), 5, int(ids[-1]), -1, 1 << 62]).tolist() == [3, -1, ROWS - 1, -1, -1]


@pytest.mark.parametrize("dims", [1, 16, 100, 1024, 3000])
def test_similarities_are_cosines_whatever_the_blocks(tmp_path: Path, dims: int) -> None:
    _, vectors = saved(tmp_path / "a", 150, dims)
    file = SegmentFile(tmp_path / "a", rows=150, dims=dims)
    query = vectors_of(3, dims)[1]
    wide = vectors.astype(np.int64)
    products = wide @ query.astype(np.int64)
    lengths = np.sqrt((wide * wide).sum(axis=1)) * np.sqrt((query.astype(np.int64) ** 2).sum())
    expected = np.divide(products, lengths, out=np.zeros(150), where=lengths > 0)
    assert np.abs(file.similarities(query) - expected).max() < 1e-6
    assert not file.similarities(np.zeros(dims, np.int8)).any()
    file.let_go()
    assert np.abs(file.similarities(query) - expected).max() < 1e-6


@pytest.mark.parametrize("dims", [1, 7, 100, 192, 1000])
@pytest.mark.parametrize("rows", [1, 17, 150])
def test_packed_vectors_have_the_same_similarities_to_the_last_bit(tmp_path: Path, rows: int, dims: int) -> None:
    writer = SegmentWriter(dims=dims, options=VectorOptions())
    vectors = vectors_of(rows, dims)
    vectors[0], vectors[-1] = 0, -128  # the least that a byte holds, which an index from elsewhere may have
    writer.add(range(rows), vectors)
    writer.save(tmp_path / "a")
    file = SegmentFile(tmp_path / "a", rows=rows, dims=dims)
    queries = [*vectors_of(2, dims), np.full(dims, -128, np.int8), np.zeros(dims, np.int8)]
    expected = [file.similarities(query).tobytes() for query in queries]
    file.pack()
    assert [file.similarities(query).tobytes() for query in queries] == expected
    assert np.array_equal(file.take(np.arange(rows)), vectors)


@pytest.mark.parametrize("packed", [False, True])
def test_some_vectors_have_the_cosines_that_they_have_among_all(tmp_path: Path, graphs: bool, packed: bool) -> None:
    _, vectors = saved(tmp_path / "a", ROWS)
    file = SegmentFile(tmp_path / "a", rows=ROWS, dims=DIMS)
    if packed:
        file.pack()
    rows = np.array([5, 0, ROWS - 1, 5])
    for query in [*vectors[:3], np.zeros(DIMS, np.int8)]:
        first = file.cosines(query, rows)  # not compared yet, or another query was
        expected = file.similarities(query)
        assert first.tobytes() == expected[rows].tobytes() == file.cosines(query, rows).tobytes()
        assert file.cosines(query.copy(), rows).tobytes() == expected[rows].tobytes()
    assert file.cosines(vectors[0], rows[:0]).shape == (0,)


def test_an_id_comes_once_and_a_file_is_never_written_over(tmp_path: Path) -> None:
    writer = SegmentWriter(dims=DIMS, options=VectorOptions())
    writer.add([1, 2], vectors_of(2))
    writer.add([2], vectors_of(1))
    with pytest.raises(StorageError, match="same id"):
        writer.save(tmp_path / "b")
    assert not (tmp_path / "b").exists()
    (tmp_path / "a").write_bytes(b"linked to by another generation")
    with pytest.raises(StorageError, match="exists already"):
        writer.save(tmp_path / "a")


def number(at: int, form: str, *values: int) -> Callable[[bytes], bytes]:
    """Write numbers over what is there."""
    return lambda content: content[:at] + struct.pack(form, *values) + content[at + struct.calcsize(form) :]


def level_of_first_upper_node(content: bytes) -> tuple[int, int]:
    """Return the slot of a node above the base and where its record begins."""
    levels = np.frombuffer(content, "<i2", ROWS, LEVELS)
    sizes = 14 + 4 * 16 + levels.astype(int) * (4 + 4 * 8)
    slot = int(np.flatnonzero(levels > 0)[0])
    return slot, NODES + int(sizes[:slot].sum())


def upper_link_down(content: bytes) -> bytes:
    """Let a node above the base link there to one that is not above it: its list of links lies past its record."""
    levels = np.frombuffer(content, "<i2", ROWS, LEVELS)
    _, start = level_of_first_upper_node(content)
    return number(start + 14 + 4 * 16, "<II", 1, int(np.flatnonzero(levels == 0)[0]))(content)


def swapped_levels(content: bytes) -> bytes:
    """The same total, and so the same file size, with other nodes above the base."""
    levels = np.frombuffer(content, "<i2", ROWS, LEVELS).copy()
    slot = int(np.flatnonzero(levels == 0)[0])
    upper = int(np.flatnonzero(levels == 1)[0])
    levels[slot], levels[upper] = 1, 0
    return content[:LEVELS] + levels.tobytes() + content[NODES:]


@pytest.mark.parametrize(
    "damage",
    [
        number(GRAPH, "<7s", b"another"),  # type: ignore[arg-type]
        number(GRAPH + 13, "<B", ord("e")),
        number(GRAPH + 14, "<B", 1),
        number(GRAPH + 17, "<Q", 1 << 40),
        number(GRAPH + 25, "<Q", 5),
        number(GRAPH + 33, "<Q", DIMS * 2),
        number(GRAPH + 64, "<Q", ROWS * 2),
        number(GRAPH + 72, "<Q", 0),
        number(GRAPH + 72, "<Q", 1 << 60),
        number(GRAPH + 80, "<Q", (1 << 64) - 1),
        number(GRAPH + 88, "<Q", 60),
        number(GRAPH + 88, "<Q", (1 << 64) - 1),
        number(GRAPH + 96, "<Q", ROWS),
        number(LEVELS, "<h", -1),
        number(LEVELS, "<h", 32_000),
        swapped_levels,
        number(NODES, "<Q", 1 << 63),
        number(NODES, "<Q", 1 << 40),
        number(NODES + 8, "<h", 1),
        number(NODES + 10, "<I", 17),
        number(NODES + 10, "<I", 1 << 31),
        number(NODES + 14, "<I", ROWS),
        number(NODES + 14, "<I", (1 << 32) - 1),
        upper_link_down,
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: content[: GRAPH + 70],
    ],
)
def test_a_graph_that_leads_out_of_its_file_never_reaches_usearch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
) -> None:
    for module in (segment_file, segments):
        monkeypatch.setattr(module, "GRAPH_VECTORS", 50)
    saved(tmp_path / "a", ROWS)
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "b").write_bytes(damage(content))
    assert damage(content) != content
    SegmentFile(tmp_path / "a", rows=ROWS, dims=DIMS)
    with pytest.raises(DamagedIndexError, match="indexer repair"):
        SegmentFile(tmp_path / "b", rows=ROWS, dims=DIMS)


@pytest.mark.parametrize(
    "damage",
    [
        number(0, "<I", ROWS + 1),
        number(4, "<I", 1 << 31),
        number(GRAPH, "<q", -1),
        number(GRAPH, "<q", 1 << 62),
        number(GRAPH + 8, "<q", 0),
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: content[:9],
        lambda content: b"",
    ],
)
def test_a_plain_segment_is_as_long_as_it_says_and_its_ids_ascend(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    saved(tmp_path / "a", ROWS)
    (tmp_path / "b").write_bytes(damage((tmp_path / "a").read_bytes()))
    with pytest.raises(DamagedIndexError, match="indexer repair"):
        SegmentFile(tmp_path / "b", rows=ROWS, dims=DIMS)


@pytest.mark.parametrize(("rows", "dims"), [(1 << 40, DIMS), (ROWS, 10**9), (ROWS, 0), (0, 0), (-1, DIMS)])
def test_a_manifest_that_lies_about_a_segment_takes_no_memory(tmp_path: Path, rows: int, dims: int) -> None:
    saved(tmp_path / "a", ROWS)
    with pytest.raises(DamagedIndexError, match="is not a segment of"):
        SegmentFile(tmp_path / "a", rows=rows, dims=dims)
