"""A fleet's updates appear whole or not at all, whenever the process dies."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

import pytest

from indexer.errors import NoIndexError
from indexer.stores import durable
from pipelines.fleet.serial import SerialEngine
from pipelines.fleet.shard import Outcome, ShardTask
from pipelines.fleet.store import FOLDER
from pipelines.fleet.verify import verify_fleet
from tests.integration.fleet.fleets import bring_up_to_date, hits_of, make, manifest_of
from tests.trees import write


class Killer:
    """An engine under which the process dies after so many shards."""

    def __init__(self, after: int) -> None:
        self.after = after

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[Outcome]:
        for number, outcome in enumerate(SerialEngine().run(tasks)):
            if number == self.after:
                os.kill(os.getpid(), signal.SIGKILL)
            yield outcome


def publish_and_die(folder: Path, step: int) -> None:
    """Build, and die before one of the durable steps of the publication, counted from 0."""
    steps = iter(range(1_000_000))

    def called(_name: str, path: Path) -> None:
        if {"manifests"} & {path.name, path.parent.name} and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    durable.before_step = called
    bring_up_to_date(folder)


def run_to_its_end(target: Callable[..., object], *arguments: object) -> int | None:
    process = get_context("fork").Process(target=target, args=arguments)
    process.start()
    process.join(60)
    return process.exitcode


def test_killed_between_any_two_steps_of_the_publication(tmp_path: Path) -> None:
    folder = make(tmp_path)
    bring_up_to_date(folder)
    write(folder / "code" / "bank", {"tea.py": 'def brew():\n    """Brew rooibos tea."""\n'})
    write(folder / "code" / "mail", {"tea.py": 'def pour():\n    """Pour rooibos tea."""\n'})
    assert run_to_its_end(publish_and_die, folder, 0) == -signal.SIGKILL  # both shards are built
    served = []
    for step in range(60):
        trial = tmp_path / f"trial{step}"
        shutil.copytree(folder, trial, ignore=shutil.ignore_patterns("trial*"))
        code = run_to_its_end(publish_and_die, trial, step)
        assert code in (0, -signal.SIGKILL)
        found = hits_of(trial, "rooibos tea", mode="text")
        assert len(found) in (0, 2)  # all of the update, or none
        served.append(len(found))
        if code == 0:
            break
        report = bring_up_to_date(trial)
        assert (report.number, report.built) == (2, {}) and verify_fleet(trial / FOLDER).ok
    assert len(served) > 4 and served == sorted(served) and served[0] == 0 and served[-2] == 2


def build_and_die(folder: Path, after: int) -> None:
    bring_up_to_date(folder, Killer(after))


def test_killed_between_shards_and_resumed(built: Path, tmp_path: Path) -> None:
    folder = make(tmp_path)
    assert run_to_its_end(build_and_die, folder, 1) == -signal.SIGKILL
    with pytest.raises(NoIndexError):
        manifest_of(folder)
    report = bring_up_to_date(folder)
    assert len(report.built) == 1  # two were whole
    assert report.digest == manifest_of(built).digest
