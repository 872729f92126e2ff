"""Letting go of mapped pages."""

from __future__ import annotations

import mmap
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.stores.generation import residency as module
from indexer.stores.generation.residency import (
    MADV_PAGEOUT,
    Growth,
    Residency,
    changing,
    mapped_bytes,
    private_bytes,
    release_freed,
    works,
)

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
    blocks = [b"x" * (SIZE >> 9) for _ in range(1 << 10)]
    kept = blocks[::64]
    del blocks
    before = private_bytes()
    assert release_freed()
    assert private_bytes() <= before - SIZE
    assert len(kept) == 16


_THREADS_ONE_AFTER_ANOTHER = """
import sys, threading
from indexer.stores.generation.residency import private_bytes, release_freed, keep_little_freed

bytearray(30_000_000)  # as any large block does, it lets the C library keep more
keep_little_freed()
release_freed()
before, together = private_bytes(), threading.Barrier(6)

def work():
    together.wait()
    own = [bytearray(100_000) for _ in range(150)]
    together.wait()
    own.clear()
    together.wait()

threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
release_freed()
print((private_bytes() - before) // 10**6)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library has no such call")
def test_what_threads_have_freed_is_given_back() -> None:
    """90 MB of 90 stay where each thread has an arena of its own."""
    command = [sys.executable, "-c", _THREADS_ONE_AFTER_ANOTHER]
    kept = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    assert int(kept) < 30


class Memory:
    """A process's memory that `freed` gives back, and another thread's, of which some is gone after each pause."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held, self.freed, self.others, self.drained, self.now, self.released = 100, 0, 0, 0, 0.0, 0
        monkeypatch.setattr(module, "private_bytes", lambda: self.held + self.freed + self.others)
        monkeypatch.setattr(module, "release_freed", self.release)
        monkeypatch.setattr(module, "works", lambda _: bool(self.drained))
        monkeypatch.setattr(time, "sleep", self.sleep)
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def release(self) -> None:
        self.released += 1
        self.freed = 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.others -= min(self.others, self.drained)


def test_freed_memory_is_given_back_when_a_process_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(monkeypatch)
    growth = Growth(kept=10, most=50, thread="other")
    growth.look()
    for memory.freed in (5, 9):
        growth.look()
        assert memory.freed and memory.released == 1
    memory.freed = 11
    growth.look()
    assert not memory.freed and memory.released == 2 and memory.now == 0


def test_who_feeds_another_thread_waits_until_it_holds_less(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(monkeypatch)
    growth = Growth(kept=10, most=50, thread="other")
    memory.others, memory.drained = 90, 7
    growth.look()
    assert 40 < memory.others <= 50 and memory.now > 0


def test_who_has_nothing_to_wait_for_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(monkeypatch)
    growth = Growth(kept=10, most=50, thread="other")
    memory.held = 200
    growth.look()
    waited = memory.now
    assert waited < 0.1
    memory.freed = 9
    growth.look()
    assert memory.freed and memory.now == waited


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(monkeypatch)
    growth = Growth(kept=10, most=50, thread="other")
    memory.held, memory.drained = 200, 1
    growth.look()
    assert 1 < memory.now < 60


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone says what threads do")
def test_a_thread_is_known_by_its_name() -> None:
    name = Path("/proc/self/comm").read_text().strip()
    assert works(name) and not works(name + "x")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone says what is held")
def test_own_memory_is_told_from_what_is_mapped(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(SIZE))
    before = private_bytes()
    with (
        (tmp_path / "file").open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as own,
    ):
        assert not any(mapped[:: mmap.PAGESIZE])
        assert private_bytes() < before + SIZE // 2
        own.write(b"x" * SIZE)
        assert private_bytes() >= before + SIZE
