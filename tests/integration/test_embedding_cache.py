"""The embedding cache saves time and can do no harm."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xxhash
from numpy.typing import NDArray

from indexer.stores.caches.embeddings import FILE, EmbeddingCache

DIMS = 32
MEGABYTE = 1 << 20
HEADER = 100
"""Of an SQLite file, in bytes; it says whose the file is."""


def opened(folder: Path, *, encoder: str = "e1", dims: int = DIMS, max_bytes: int = 64 * MEGABYTE) -> EmbeddingCache:
    return EmbeddingCache(folder, encoder_digest=encoder, dims=dims, max_bytes=max_bytes)


def some(count: int, *, start: int = 0, dims: int = DIMS) -> dict[bytes, NDArray[np.float32]]:
    rng = np.random.default_rng(start)
    return {
        xxhash.xxh3_128_digest(b"%d" % number): rng.random(dims, np.float32) for number in range(start, start + count)
    }


def test_what_was_put_comes_back_in_another_process_life(tmp_path: Path) -> None:
    vectors = some(1200)
    with opened(tmp_path) as cache:
        cache.put_many(vectors)
    with opened(tmp_path) as cache:
        found = cache.get_many([*vectors, b"?" * 16])
        assert cache.warnings == []
    assert found.keys() == vectors.keys()
    assert all(np.array_equal(found[key], vectors[key]) and found[key].dtype == np.float32 for key in vectors)


def test_another_encoder_and_other_dims_miss(tmp_path: Path) -> None:
    vectors = some(3)
    with opened(tmp_path) as cache:
        cache.put_many(vectors)
    for other in (opened(tmp_path, encoder="e2"), opened(tmp_path, dims=16)):
        with other as cache:
            assert cache.get_many(list(vectors)) == {}
            assert cache.warnings == []


def test_the_least_recently_used_vectors_go_when_the_cache_is_full(tmp_path: Path) -> None:
    old, used = some(2000, dims=256), some(200, start=5000, dims=256)
    with opened(tmp_path, dims=256, max_bytes=4 * MEGABYTE) as cache:
        cache.put_many(used)
        cache.put_many(old)
        with sqlite3.connect(cache.path) as connection:
            connection.execute("UPDATE vectors SET used = 1000 + rowid")
        connection.close()
        assert len(cache.get_many(list(used))) == 200  # renews them
        cache.put_many(some(1500, start=10_000, dims=256))
        assert len(cache.get_many(list(used))) == 200
        assert len(cache.get_many(list(old))) < 1500
        assert cache.warnings == []
    assert cache.path.stat().st_size < 8 * MEGABYTE


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def zero(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:HEADER] + bytes(path.stat().st_size - HEADER))


def garble(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:HEADER] + b"this is not a database" * 500)


def flip_a_vector(path: Path) -> None:
    content = bytearray(path.read_bytes())
    at = content.find(next(iter(some(1).values())).tobytes())
    content[at + 5] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [truncate, zero, garble, flip_a_vector])
def test_a_damaged_cache_is_discarded_with_one_warning(tmp_path: Path, damage: object) -> None:
    vectors = some(800)
    with opened(tmp_path) as cache:
        cache.put_many(vectors)
    assert callable(damage)
    damage(tmp_path / FILE)
    with opened(tmp_path) as cache:
        for key, vector in cache.get_many(list(vectors)).items():
            assert np.array_equal(vector, vectors[key])
        assert len(cache.warnings) == 1
        assert "discarded" in cache.warnings[0]
        cache.put_many(vectors)
        assert len(cache.get_many(list(vectors))) == 800
        assert len(cache.warnings) == 1


def test_a_folder_that_can_not_be_made_means_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with opened(tmp_path / "file" / "cache") as cache:
        cache.put_many(some(1))
        assert cache.get_many(list(some(1))) == {}
        assert len(cache.warnings) == 1


def database(path: Path) -> None:
    """Somebody's database, with a table of the cache's name."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE vectors (mine)")
        connection.execute("INSERT INTO vectors VALUES ('kept')")
    connection.close()


def text(path: Path) -> None:
    path.write_text("my diary\n" * 100)


def database_with_our_name_on_it(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
        connection.execute(f"PRAGMA application_id = {0x43494345}")
    connection.close()


@pytest.mark.parametrize("foreign", [database, text, database_with_our_name_on_it])
def test_a_file_that_is_no_cache_of_ours_is_never_changed(tmp_path: Path, foreign: Callable[[Path], None]) -> None:
    foreign(tmp_path / FILE)
    before = (tmp_path / FILE).read_bytes()
    with opened(tmp_path) as cache:
        cache.put_many(some(3))
        assert cache.get_many(list(some(3))) == {}
        assert len(cache.warnings) == 1 and "remove it" in cache.warnings[0]
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal"])
def test_no_cache_is_opened_through_a_link_or_a_pipe(tmp_path: Path, suffix: str) -> None:
    folder, victim = tmp_path / "cache", tmp_path / "victim.sqlite"
    folder.mkdir()
    database(victim)
    before = victim.read_bytes()
    for make in (lambda path: path.symlink_to(victim), os.mkfifo):
        place = folder / (FILE + suffix)
        make(place)
        with opened(folder) as cache:
            cache.put_many(some(3))
            assert len(cache.warnings) == 1 and "not a regular file" in cache.warnings[0]
        assert [path.name for path in folder.iterdir()] == [place.name]
        place.unlink()
    assert victim.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "victim.sqlite"]


def fill(folder: Path, start: int) -> None:
    with opened(folder) as cache:
        for part in range(5):
            cache.put_many(some(100, start=start + 100 * part))
        assert cache.warnings == []


def test_several_processes_share_a_cache(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=fill, args=(tmp_path, 1000 * number)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    with opened(tmp_path) as cache:
        for number in range(3):
            for part in range(5):
                assert len(cache.get_many(list(some(100, start=1000 * number + 100 * part)))) == 100


def test_many_builders_share_a_cache(tmp_path: Path) -> None:
    """Forks and vendored copies share vectors: none is lost, torn or another's, whoever writes at the same time."""

    def work(builder: int) -> list[str]:
        with opened(tmp_path, dims=8, max_bytes=MEGABYTE) as cache:
            for number in range(40):
                keys = [bytes([number, shared]) * 8 for shared in range(4)]
                cache.put_many({key: np.full(8, key[1], np.float32) for key in keys})
                for key, vector in cache.get_many(keys).items():
                    assert vector.tolist() == [float(key[1])] * 8, builder
            return cache.warnings

    with ThreadPoolExecutor(6) as pool:
        assert [warning for warnings in pool.map(work, range(6)) for warning in warnings] == []
    with opened(tmp_path, dims=8, max_bytes=MEGABYTE) as cache:
        keys = [bytes([number, shared]) * 8 for number in range(40) for shared in range(4)]
        assert len(cache.get_many(keys)) == len(keys)
