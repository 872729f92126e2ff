"""`indexer watch` follows edits and a branch switch of thousands of files, one line a build, and ends when told."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import PROGRAM, Cli
from tests.trees import git

PATIENCE = 180
FILES = 2000


class Watch:
    """A running watch and the lines that it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: queue.Queue[str] = queue.Queue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.lines.put(line)

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        self._reading.join()

    def line(self) -> str:
        """Wait for the next line."""
        return self.lines.get(timeout=PATIENCE)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def watching(cli: Cli, root: Path, *options: str) -> Iterator[Watch]:
    """Watch a folder, killed at the end at the latest; what is said on stderr goes to `root`'s neighbour."""
    with root.with_suffix(".err").open("w") as err:
        process = subprocess.Popen(
            [str(PROGRAM), "watch", str(root), "--debounce", "0.2", *options],
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(cli.cache), "XDG_CONFIG_HOME": str(cli.cache)},
        )
    watch = Watch(process)
    try:
        yield watch
    finally:
        watch.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository of one small file."""
    root = tmp_path / "tea"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / ".indexer.toml").write_text('[encoder]\nname = "hashing"\n')
    (root / ".gitignore").write_text("*.log\n")
    (root / "kettle.py").write_text("def boil(kettle):\n    return kettle.heat()\n")
    git(root, "add", ".")
    git(root, "commit", "-qm", "x")
    return root


def test_each_change_is_one_build_and_what_is_ignored_none(cli: Cli, root: Path) -> None:
    with watching(cli, root) as watch:
        assert "generation 00000001: 1 added" in watch.line()
        assert root.with_suffix(".err").read_text().endswith(f"note: watching {root}; Ctrl-C ends it\n")
        (root / "noise.log").write_text("x")
        (root / "cup.py").write_text("def pour(cup):\n    return cup\n")
        assert "generation 00000002: 1 added, 0 modified, 0 removed; 1 of 2" in watch.line()
        (root / "kettle.py").unlink()
        assert "generation 00000003: 0 added, 0 modified, 1 removed" in watch.line()
        (root / ".gitignore").write_text("cup.py\n")
        assert "1 removed" in watch.line()
        assert watch.stop() == 130
    assert root.with_suffix(".err").read_text().splitlines()[-1].startswith("watching ended; ")
    assert cli("verify", root).code == 0
    assert cli("status", root, "--json").json["stale"] == 0


def test_an_index_of_what_git_holds_is_not_watched_and_what_helps_is_said_before_anything_is_built(
    cli: Cli, root: Path
) -> None:
    git(root.parent, "clone", "-q", "--bare", "tea", "tea.git")
    assert cli("build", "-q", "--source", "rev:HEAD", root).code == 0
    (root / "kettle.py").write_text("def heat():\n    return 1\n")
    git(root, "commit", "-qam", "two")
    for folder, has_files in ((root, True), (root.parent / "tea.git", False)):
        done = cli("watch", folder)
        assert (done.code, done.out) == (2, "")
        assert "its index is of rev:HEAD" in done.err and "from a git hook" in done.err
        assert ("--index-dir" in done.err) is has_files
    assert cli("status", root, "--json").json["generation"] == "00000001"
    with watching(cli, root, "--index-dir", str(root.parent / "files")) as watch:  # what the message says
        assert "generation 00000001: 1 added" in watch.line()


def test_a_branch_switch_of_thousands_of_files_is_followed(cli: Cli, root: Path) -> None:
    git(root, "checkout", "-qb", "other")
    for number in range(FILES):
        (root / f"tea_{number}.py").write_text(f"def brew_{number}(pot):\n    return pot.pour({number})\n")
    git(root, "add", ".")
    git(root, "commit", "-qm", "y")
    git(root, "checkout", "-q", "main")
    with watching(cli, root, "--json") as watch:
        watch.line()
        for branch, expected in (("other", FILES + 1), ("main", 1), ("other", FILES + 1)):
            git(root, "checkout", "-q", branch)
            deadline = time.monotonic() + PATIENCE
            while cli("status", root, "--json").json["files"]["indexed"] != expected:
                assert time.monotonic() < deadline
        assert watch.stop(signal.SIGTERM) == 143
    assert cli("status", root, "--json").json["stale"] == 0
    digest = cli("status", root, "--json").json["digest"]
    assert cli("build", root, "--full", "--json").json["digest"] == digest


def test_a_build_that_another_writer_holds_up_is_tried_again(cli: Cli, root: Path) -> None:
    from indexer.stores.generation.lock import writer_lock

    assert cli("build", root, "-q").code == 0
    with watching(cli, root) as watch:
        time.sleep(2)
        with writer_lock(root / ".indexer"):
            (root / "cup.py").write_text("def pour(cup):\n    return cup\n")
            time.sleep(3)
            assert watch.lines.empty()
        assert "generation 00000002: 1 added" in watch.line()
        assert watch.stop() == 130


def test_a_stream_of_json_holds_builds_alone_however_it_is_ended(cli: Cli, root: Path) -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        with watching(cli, root, "--json") as watch:
            (root / "cup.py").write_text(f"cup = {code}\n")
            assert json.loads(watch.line())["committed"] is True
            time.sleep(1)
            assert watch.stop(number) == code
            watch.close()
            assert [line for line in list(watch.lines.queue) if "committed" not in json.loads(line)] == []


def test_a_folder_that_vanishes_ends_the_watch(cli: Cli, root: Path) -> None:
    with watching(cli, root) as watch:
        watch.line()
        root.rename(root.with_name("moved"))
        assert watch.process.wait(PATIENCE) == 2


def test_vectors_are_upgraded_while_nothing_changes(cli: Cli, root: Path) -> None:
    (root / ".indexer.toml").unlink()
    with watching(cli, root, "--no-cache") as watch:
        assert "0% are the encoder's own" in watch.line()
        assert "generation 00000002: the vectors of 1 chunk are the encoder's own now, " in watch.line()
        assert watch.stop() == 130
    status = cli("status", root, "--json").json
    assert (status["upgraded"], status["tiers"]) == (1.0, {"contextual": 1})
