"""Letting go of mapped pages."""

from __future__ import annotations

import mmap
import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.stores.generation.residency import MADV_PAGEOUT, Residency, changing, mapped_bytes, release_freed

SIZE = 8 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone says what is mapped")
def test_pages_of_a_folder_are_let_go_and_read_again(tmp_path: Path) -> None:
    inside, outside = tmp_path / "index" / "text", tmp_path / "elsewhere"
    for folder in (inside, outside):
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(bytes(range(256)) * (SIZE >> 8))
    with (
        (inside / "file").open("rb") as one,
        (outside / "file").open("rb") as other,
        mmap.mmap(one.fileno(), 0, access=mmap.ACCESS_READ) as first,
        mmap.mmap(other.fileno(), 0, access=mmap.ACCESS_READ) as second,
    ):
        content = bytes(first), bytes(second)
        before = mapped_bytes()
        assert Residency(tmp_path / "index").release() == 1
        assert mapped_bytes() <= before - SIZE // 2
        assert (bytes(first), bytes(second)) == content
    assert Residency(tmp_path / "index").release() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone says what is mapped")
def test_what_another_thread_maps_and_reads_is_bounded_while_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(range(256)) * (SIZE >> 8))
    with (
        (tmp_path / "file").open("r+b") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        os.fsync(file.fileno())  # what is not on the disk yet stays in memory
        before = mapped_bytes()
        content = bytes(mapped)
        residency = Residency(tmp_path, advice=MADV_PAGEOUT)
        residency.release()
        if mapped_bytes() > before + SIZE // 2:
            pytest.skip("this system, or this file system, keeps its pages in memory")
        with residency.bounded(before + SIZE // 2, every=0.001):
            assert bytes(mapped) == content
            deadline = time.monotonic() + 60
            while mapped_bytes() > before + SIZE // 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert mapped_bytes() <= before + SIZE // 2


def test_a_folder_without_mapped_files(tmp_path: Path) -> None:
    assert Residency(tmp_path).release() == 0


@pytest.fixture
def mapped(tmp_path: Path) -> Iterator[mmap.mmap]:
    (tmp_path / "file").write_bytes(bytes(SIZE))
    with (tmp_path / "file").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone says what is mapped")
def test_pages_are_let_go_while_more_is_touched_than_may_be(tmp_path: Path, mapped: mmap.mmap) -> None:
    before = mapped_bytes()
    with Residency(tmp_path).bounded(before + SIZE // 2, every=0.001):
        bytes(mapped)
        deadline = time.monotonic() + 60
        while mapped_bytes() > before + SIZE // 2 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert mapped_bytes() <= before + SIZE // 2
    assert bytes(mapped) == bytes(SIZE)
    assert mapped_bytes() > before + SIZE // 2


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone says what is mapped")
def test_nothing_is_let_go_while_files_are_closed(tmp_path: Path, mapped: mmap.mmap) -> None:
    bytes(mapped)
    before = mapped_bytes()
    residency = Residency(tmp_path)
    with changing():
        assert residency.release() == 0
        assert mapped_bytes() > before - SIZE // 2
    assert residency.release() == 1
    assert mapped_bytes() <= before - SIZE // 2


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone says what is mapped")
def test_what_is_mapped_is_looked_for_again_after_a_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(SIZE))
    residency = Residency(tmp_path)
    assert residency.release() == 0
    with (tmp_path / "file").open("rb") as file, changing():
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    assert residency.release() == 1
    with changing():
        content.close()
    assert residency.release() == 0


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library has no such call")
def test_freed_memory_that_the_c_library_keeps_is_given_back() -> None:
    def private_bytes() -> int:
        resident, shared = Path("/proc/self/statm").read_text().split()[1:3]
        return (int(resident) - int(shared)) * mmap.PAGESIZE

    blocks = [b"x" * (SIZE >> 9) for _ in range(1 << 10)]
    kept = blocks[::64]
    del blocks
    before = private_bytes()
    assert release_freed()
    assert private_bytes() <= before - SIZE
    assert len(kept) == 16
