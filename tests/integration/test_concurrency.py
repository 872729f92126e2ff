"""Readers in several processes while a writer commits: no error, and every answer from one generation."""

from __future__ import annotations

import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Event
from pathlib import Path

from indexer.config import Config, EncoderOptions, ParseOptions, ProjectionOptions
from indexer.errors import LockedError
from indexer.stores.generation import layout
from indexer.stores.generation.layout import default_index_dir
from indexer.stores.generation.reader import Generation, open_generation
from pipelines.build import build
from pipelines.check.verify import verify
from pipelines.progress import Silence
from tests.synthetic import commit_tree, small_tree, vector_hits

GENERATIONS = 20
READERS = 3
CONFIG = Config(
    encoder=EncoderOptions(name="hashing"), projection=ProjectionOptions(mode="none"), parse=ParseOptions(workers=1)
)
CONTEXT = multiprocessing.get_context("spawn")


def tree(number: int) -> dict[str, tuple[str, ...]]:
    """A tree in which every text, and the number of files, tells the generation."""
    return small_tree(files=3 + number % 4, word=f"word{chr(ord('a') + number)}")


def words_served(generation: Generation) -> set[str]:
    """The first words of all texts that searches by text and by vector give."""
    ids = set(generation.text.search({"body": {"pars": 1.0}}, limit=100))
    near = {chunk_id for chunk_id, _ in vector_hits(generation, "anything", limit=100)}
    documents = generation.text.documents(sorted(ids | near))
    assert ids == near == documents.keys() == set(generation.catalog.chunk_ids())
    return {document.text.split()[0] for document in documents.values()}


def read_until(index_dir: Path, stop: Event, outcome: Path) -> None:
    """Open and search again and again; half of the readers keep the generation open for a while."""
    seen: list[int] = []
    while not stop.is_set() or len(seen) < 2:
        with open_generation(index_dir) as generation:
            for _ in range(1 + len(seen) % 3):
                expected = tree(generation.number)
                assert words_served(generation) == {text.split()[0] for texts in expected.values() for text in texts}
                assert generation.catalog.records().keys() == expected.keys()
        assert not seen or generation.number >= seen[-1]
        seen.append(generation.number)
    outcome.write_text(f"{len(set(seen))} generations")


class Waits(Silence):
    """Waits before the commit until somebody else has begun to look, and a moment for that look to end."""

    def __init__(self, looking: threading.Event, holding: threading.Event) -> None:
        self._looking = looking
        self._holding = holding

    def stage(self, name: str) -> None:
        if name == "commit":
            self._holding.set()
            self._looking.wait(30)
            time.sleep(0.3)


class Tells(Silence):
    """Says that a look has begun."""

    def __init__(self, looking: threading.Event) -> None:
        self._looking = looking

    def stage(self, name: str) -> None:
        self._looking.set()


def test_a_build_looks_again_when_another_one_commits_before_it_has_the_lock(ram_path: Path) -> None:
    (ram_path / "old.py").write_text("old = 1\n")
    build(ram_path, config=CONFIG)
    (ram_path / "new.py").write_text("new = 2\n")
    looking, holding = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(build, ram_path, config=CONFIG, progress=Waits(looking, holding))
        assert holding.wait(30)
        second = build(ram_path, config=CONFIG, wait_seconds=30, progress=Tells(looking))
        assert (first.result().generation, first.result().files.added) == ("00000002", 1)
    assert (second.committed, second.generation, second.files.unchanged) == (False, "00000002", 2)
    assert layout.generation_numbers(default_index_dir(ram_path)) == [1, 2]


def test_readers_never_see_a_mixture(ram_path: Path) -> None:
    index_dir = ram_path / "index"
    commit_tree(index_dir, tree(1))
    stop = CONTEXT.Event()
    outcomes = [ram_path / f"reader-{number}" for number in range(READERS)]
    readers = [CONTEXT.Process(target=read_until, args=(index_dir, stop, outcome)) for outcome in outcomes]
    for reader in readers:
        reader.start()
    for number in range(2, GENERATIONS + 1):
        assert commit_tree(index_dir, tree(number)).generation == number
    stop.set()
    for reader in readers:
        reader.join(60)
        assert reader.exitcode == 0
    assert all(outcome.read_text().endswith(" generations") for outcome in outcomes)
    assert verify(index_dir).ok


def write_ten(index_dir: Path, letter: str, outcome: Path) -> None:
    """Commit ten trees, or as many as the other writer lets through."""
    done = 0
    for number in range(10):
        try:
            commit_tree(index_dir, small_tree(word=f"{letter}{number}"))
            done += 1
        except LockedError:
            pass
    outcome.write_text(str(done))


def test_two_writers_never_work_at_once(ram_path: Path) -> None:
    index_dir = ram_path / "index"
    outcomes = [ram_path / "a", ram_path / "b"]
    writers = [CONTEXT.Process(target=write_ten, args=(index_dir, path.name, path)) for path in outcomes]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    # Every commit that was not refused is a generation of its own.
    assert layout.read_current(index_dir).number == sum(int(path.read_text()) for path in outcomes)
    assert verify(index_dir).ok
