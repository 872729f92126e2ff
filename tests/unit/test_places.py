"""What is remembered of a catalog is what the catalog says, however much was asked before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest

from indexer.errors import DamagedIndexError
from indexer.stores.catalog import places
from indexer.stores.catalog.places import Everything, Places
from indexer.stores.catalog.reader import Catalog

CHUNKS = {7: ("b.py", 1), 3: ("b.py", 2), 5: ("a.py", 1), 9: ("c.py", 1)}
FILES = {"a.py": 11, "b.py": 12, "c.py": 13, "empty.py": 14}


class _Catalog:
    """A catalog in memory, and what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def paths_of(self, ids: Sequence[int]) -> dict[int, str]:
        self.asked += ids
        return {chunk_id: CHUNKS[chunk_id][0] for chunk_id in ids if chunk_id in CHUNKS}

    def segments_of(self, ids: Sequence[int]) -> dict[int, int]:
        self.asked += ids
        return {chunk_id: CHUNKS[chunk_id][1] for chunk_id in ids if chunk_id in CHUNKS}

    def chunks_in(self, paths: Sequence[str]) -> tuple[dict[int, str], list[tuple[int, int, int]]]:
        self.asked += paths
        rows = [(FILES[path], chunk_id, segment) for chunk_id, (path, segment) in CHUNKS.items() if path in paths]
        return {FILES[path]: path for path in paths if path in FILES}, rows

    def centroids_of(self, paths: Sequence[str]) -> dict[str, bytes]:
        self.asked += paths
        return {path: b"" if path == "c.py" else bytes([FILES[path], 0, 255]) for path in paths}


def _told(places: Places, paths: Sequence[str]) -> list[tuple[str, list[int], list[int]]]:
    return [(own.path, own.ids.tolist(), own.segments.tolist()) for own in places.chunks_of(paths)]


def test_chunks_of_files_by_path_and_id_and_files_without_any_left_out() -> None:
    own = Places(cast(Catalog, _Catalog()))
    wanted = [("a.py", [5], [1]), ("b.py", [3, 7], [2, 1])]
    assert _told(own, ["b.py", "empty.py", "unknown.py", "a.py"]) == wanted
    assert _told(own, ["a.py", "b.py", "b.py"]) == wanted
    assert _told(own, ["empty.py"]) == []


def test_what_is_known_is_not_asked_again() -> None:
    catalog = _Catalog()
    own = Places(cast(Catalog, catalog))
    for _ in range(2):
        assert own.paths_of([5, 7, 3]) == {5: "a.py", 7: "b.py", 3: "b.py"}
        assert len(own.chunks_of(["a.py", "empty.py"])) == 1
    assert catalog.asked == [5, 7, 3, "a.py", "empty.py"]


@pytest.mark.parametrize(("most", "times"), [(4, 1), (3, 0)])
def test_a_catalog_that_much_was_asked_of_is_read_whole_unless_it_is_large(most: int, times: int) -> None:
    read: list[int] = []

    def everything() -> Everything:
        rows = [(FILES[path], chunk_id, segment) for chunk_id, (path, segment) in CHUNKS.items()]
        read.append(len(rows))
        return Everything({number: path for path, number in FILES.items()}, np.array(rows, np.int64))

    own = Places(cast(Catalog, _Catalog()), whole=everything, chunks=len(CHUNKS), most=most, after=2)
    assert own.paths_of([5]) == {5: "a.py"} and not read
    for _ in range(2):
        assert own.paths_of([3, 1, 9, 7]) == {3: "b.py", 9: "c.py", 7: "b.py"}
        assert own.segments_of([3, 1, 9, 7]) == {3: 2, 9: 1, 7: 1}
        assert _told(own, ["unknown.py", "empty.py", "b.py", "a.py"]) == [("a.py", [5], [1]), ("b.py", [3, 7], [2, 1])]
    assert len(read) == times


def test_answers_stay_right_when_the_memory_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MOST_CHUNKS", 2)
    monkeypatch.setattr(places, "MOST_FILES", 2)
    own = Places(cast(Catalog, _Catalog()))
    for ids in ([5, 7], [7, 3, 9], [5, 1], [9, 3, 5, 7]):
        assert own.paths_of(ids) == {chunk_id: CHUNKS[chunk_id][0] for chunk_id in ids if chunk_id in CHUNKS}
    for paths in (["a.py"], ["b.py", "a.py"], ["c.py", "b.py", "a.py"], ["a.py", "c.py"]):
        assert [own_file.path for own_file in own.chunks_of(paths)] == sorted(paths)


def test_a_catalog_is_read_whole_once_though_another_search_asks_meanwhile() -> None:
    reads = 0

    def whole() -> Everything:
        nonlocal reads
        reads += 1
        assert own.paths_of([5]) == {5: "a.py"}  # as another thread would
        rows = [(FILES[path], chunk_id, segment) for chunk_id, (path, segment) in CHUNKS.items()]
        return Everything({number: path for path, number in FILES.items()}, np.array(rows, np.int64))

    own = Places(cast(Catalog, _Catalog()), whole=whole, chunks=len(CHUNKS))
    for _ in range(2):
        assert own.paths_of([7, 3, 9]) == {7: "b.py", 3: "b.py", 9: "c.py"}
    assert reads == 1


def test_segments_that_are_asked_for_count_towards_reading_a_catalog_whole() -> None:
    catalog = _Catalog()
    rows = np.array([(FILES[path], chunk_id, segment) for chunk_id, (path, segment) in CHUNKS.items()], np.int64)
    whole = Everything({number: path for path, number in FILES.items()}, rows)
    own = Places(cast(Catalog, catalog), whole=lambda: whole, chunks=len(CHUNKS), after=2)
    for _ in range(3):
        assert own.segments_of([9, 2, 3]) == {9: 1, 3: 2}
    assert catalog.asked == [9, 2, 3]


@pytest.mark.parametrize("asked", [True, False])
def test_centroids_are_asked_for_once_and_a_file_without_one_has_zeros(asked: bool) -> None:
    catalog = _Catalog()
    own = Places(cast(Catalog, catalog))
    files = own.chunks_of(["a.py", "b.py", "c.py"])
    if asked:
        own.centroids_of(files[1:], dims=3)
    catalog.asked = []
    for _ in range(2):
        assert own.centroids_of(files, dims=3).tolist() == [[11, 0, -1], [12, 0, -1], [0, 0, 0]]
    assert catalog.asked == (["a.py"] if asked else ["a.py", "b.py", "c.py"])


def test_a_centroid_of_other_dims_is_damage() -> None:
    own = Places(cast(Catalog, _Catalog()))
    with pytest.raises(DamagedIndexError, match=r"a\.py.*3 dims instead of 192"):
        own.centroids_of(own.chunks_of(["a.py"]), dims=192)
