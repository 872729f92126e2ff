"""Worker processes: those that stop or cannot start, those that are kept, and an end with their parent."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest

from indexer.config import Config, ParseOptions, WalkOptions
from indexer.errors import IndexerError
from indexer.sources.worktree import Worktree
from indexer.stages.detect import content_hash, detect
from indexer.types import FileRecord, ParsedFile
from pipelines.parsing import process as parse_process
from pipelines.parsing import worker as parse_worker
from pipelines.parsing.messages import Batch, Settings
from pipelines.parsing.pool import Workers, parse_files
from pipelines.parsing.waiting import WaitingFiles
from pipelines.tally import record_of
from tests.fakes import MemorySource
from tests.integration.parsed import QUICK, parse_tree, summary, workers
from tests.trees import write

pytestmark = pytest.mark.usefixtures("no_process_left")


def test_a_worker_that_waits_for_ever_is_ended_by_the_clock(tmp_path: Path, misbehave: None) -> None:
    write(tmp_path, {"a.py": b"sleep\n", "b.py": b"x = 1\n"})
    assert summary(parse_tree(tmp_path, ParseOptions(timeout_seconds=0.1))) == {
        "a.py": "by lines: hung (parse.timeout_seconds)",
        "b.py": "parsed",
    }


def test_a_worker_that_somebody_stopped_is_replaced_and_no_file_pays(
    tmp_path: Path, misbehave: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own timers can't end it, so the parent's clock does."""
    monkeypatch.setattr(parse_process, "LAST_SECONDS", 1.0)
    write(tmp_path, {f"{name}.py": b"nap\n" for name in "abc"})
    tree = Worktree(tmp_path, WalkOptions())
    options = Config(parse=ParseOptions(timeout_seconds=0.2, workers=1))
    results = parse_files(tree, detect(tree, {}).added, options)
    first = next(results)
    (worker,) = workers()
    worker.send_signal(signal.SIGSTOP)
    assert summary([first, *results]) == dict.fromkeys(("a.py", "b.py", "c.py"), "parsed")


def test_a_file_that_stops_its_worker_is_indexed_by_its_lines(
    tmp_path: Path, misbehave: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parse_process, "WALL_GRACE", 1.0)
    monkeypatch.setattr(parse_process, "LAST_SECONDS", 1.0)
    write(tmp_path, {"a.py": b"stop\n", "b.py": b"x = 1\n", "c.py": b"signal\n"})
    assert summary(parse_tree(tmp_path)) == {
        "a.py": "by lines: stopped answering",
        "b.py": "parsed",
        "c.py": f"by lines: crashed with signal {signal.SIGRTMIN + 1}",
    }


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_a_worker_that_stops_before_it_reads_is_an_error(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Also where the message is larger than what the system holds for it."""
    monkeypatch.setattr(parse_process, "START_SECONDS", 0.5)
    monkeypatch.setattr(parse_process, "LAST_SECONDS", 0.5)
    boot = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP); {path!r:.0} {descriptor}"
    monkeypatch.setattr(parse_process, "_BOOT", boot)
    source = MemorySource({"a.py": b"#" * size})
    with pytest.raises(IndexerError, match="a parser process did not start: stopped answering"):
        list(parse_files(source, detect(source, {}).added, Config(parse=ParseOptions(timeout_seconds=0.01))))


def test_a_message_that_the_system_refuses_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(Connection):
        """Sends no batch."""

        def send(self, message: object) -> None:
            if isinstance(message, Batch):
                raise OSError(errno.ENOBUFS, "No buffer space available")
            super().send(message)

    monkeypatch.setattr(parse_process, "Connection", Refusing)
    source = MemorySource({"a.py": b"x = 1\n"})
    with pytest.raises(IndexerError, match=r"nothing can be sent to a parser process .*No buffer space available"):
        list(parse_files(source, detect(source, {}).added, Config()))


def test_a_reader_that_no_other_process_can_have_is_an_error() -> None:
    source = MemorySource({"a.py": memoryview(b"x = 1\n")})  # type: ignore[dict-item]
    with pytest.raises(IndexerError, match=r"a source can't be sent to a parser process .* report this as a bug"):
        list(parse_files(source, detect(source, {}).added, Config()))


def test_what_workers_write_to_stderr_is_bounded(tmp_path: Path, misbehave: None) -> None:
    write(tmp_path, {"a.py": b"shout\n", "b.py": b"shout\n", "c.py": b"x = 1\n"})
    whole = f"by lines: KeyError: '{parse_worker.ERRORS_BYTES} bytes'"
    assert summary(parse_tree(tmp_path)) == {"a.py": whole, "b.py": whole, "c.py": "parsed"}


def parse_with(crew: Workers, root: Path) -> list[ParsedFile | FileRecord]:
    tree = Worktree(root, WalkOptions())
    records = WaitingFiles(detect(tree, {}).added)
    crew.get_ready(records)
    results = list(parse_files(tree, records, Config(parse=QUICK), workers=crew))
    crew.rest()
    return results


def test_workers_are_kept_from_one_source_to_the_next(tmp_path: Path, misbehave: None) -> None:
    """Each file is read from its own source, and one that ends its worker still pays alone."""
    one, two, three = tmp_path / "one", tmp_path / "two", tmp_path / "three"
    write(one, {"a.py": b"x = 1\n"})
    write(two, {"a.py": b"x = 2\n"})
    write(three, {"a.py": b"x = 3\n", "b.py": b"crash\n", "c.py": b"x = 4\n"})
    with Workers(Config(parse=QUICK), keep_bytes=1 << 20) as crew:
        parse_with(crew, one)
        kept = workers()
        assert len(kept) == 1
        (found,) = parse_with(crew, two)
        assert workers() == kept
        assert record_of(found).hash == content_hash(b"x = 2\n")
        states = summary(parse_with(crew, three))
        assert states == {"a.py": "parsed", "b.py": "by lines: crashed with SIGSEGV", "c.py": "parsed"}
        assert workers() and not {*workers()} & {*kept}


def test_kept_workers_read_so_much_and_then_there_are_new_ones(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": b"x = 1\n"})
    with Workers(Config(parse=QUICK), keep_bytes=10) as crew:
        parse_with(crew, tmp_path)
        assert len(workers()) == 1
        parse_with(crew, tmp_path)
        assert workers() == []
        assert summary(parse_with(crew, tmp_path)) == {"a.py": "parsed"}


def test_a_file_that_is_tried_again_gets_a_worker_that_has_read_nothing(tmp_path: Path, misbehave: None) -> None:
    """Not a kept one, for whose memory it would pay."""
    write(tmp_path, {"a.py": b"x = 1\n"})
    with Workers(Config(parse=QUICK), keep_bytes=1 << 20) as crew:
        parse_with(crew, tmp_path)
        kept = workers()
        tree = Worktree(tmp_path, WalkOptions())
        crew.get_ready(WaitingFiles(detect(tree, {}).added))
        crew.take(Settings(Config(parse=QUICK), tree.reader()), is_new=True)
        assert len(workers()) == 2
        crew.take(Settings(Config(parse=QUICK), tree.reader()))
        assert len(workers()) == 2 and {*kept} <= {*workers()}


def test_a_broken_installation_is_an_error_and_no_skip(tmp_path: Path, misbehave: None) -> None:
    write(tmp_path, {"a.py": b"broken\n"})
    with pytest.raises(IndexerError, match=r"a\.py: the parser can't work \(ImportError: no such grammar\)"):
        parse_tree(tmp_path)


def test_workers_that_cannot_start_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.py": b"x = 1\n"})
    monkeypatch.setattr(parse_process, "_BOOT", "raise SystemExit('no library {path!r:.0} {descriptor}')")
    with pytest.raises(IndexerError, match="did not start: no library"):
        parse_tree(tmp_path)
    monkeypatch.undo()
    with pytest.raises(IndexerError, match=r"did not start: parse\.memory_megabytes = 1 leaves no room"):
        parse_tree(tmp_path, ParseOptions(memory_megabytes=1))


def test_no_files_start_no_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_process, "_BOOT", "raise SystemExit(1)")
    assert parse_tree(tmp_path) == []


def test_leaving_early_ends_the_workers(tmp_path: Path, misbehave: None) -> None:
    write(tmp_path, {"a.py": b"x = 1\n", "b.py": b"sleep\n"})
    tree = Worktree(tmp_path, WalkOptions())
    results = parse_files(tree, detect(tree, {}).added, Config())
    next(results)
    assert workers() != []
    results.close()  # type: ignore[attr-defined]


PARENT = """
import sys
from indexer.config import Config
from indexer.sources.worktree import Worktree
from indexer.stages.detect import detect
from pipelines.parsing import process as parse_process
from pipelines.parsing.messages import Settings
from pipelines.parsing.pool import Workers, parse_files
from pipelines.parsing.waiting import WaitingFiles
from tests.integration import misbehaving
parse_process._BOOT = misbehaving.BOOT
tree = Worktree(sys.argv[1], Config().walk)
for result in parse_files(tree, detect(tree, {}).added, Config()):
    print("one", flush=True)
"""


@pytest.mark.parametrize(
    ("number", "word"), [(signal.SIGKILL, b"nap"), (signal.SIGTERM, b"nap"), (signal.SIGINT, b"sleep")]
)
def test_workers_end_with_their_parent(tmp_path: Path, number: signal.Signals, word: bytes) -> None:
    """Also when it is killed; Ctrl-C reaches the parent alone, and no worker writes a traceback."""
    write(tmp_path, {"a.py": b"x = 1\n", "b.py": word + b"\n"})
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"one\n"
    workers = psutil.Process(parent.pid).children(recursive=True)
    assert workers
    os.killpg(parent.pid, number)
    _, errors = parent.communicate(timeout=30)
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert alive == []
    assert errors.count(b"Traceback") == (number == signal.SIGINT)
    assert not errors or b"KeyboardInterrupt" in errors


def test_workers_import_no_engine_but_the_parser() -> None:
    code = """
import sys
import pipelines.parsing.worker
engines = {"numpy", "onnxruntime", "fastembed", "usearch", "tantivy", "sklearn", "sqlite3", "rich", "click"}
print(sorted(engines & {name.partition(".")[0] for name in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
