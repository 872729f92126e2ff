"""A fleet is brought up to date: only what changed is built, alike by every engine, and what fails is named."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from indexer.config import EncoderOptions
from indexer.errors import ConfigError, IndexerError, NoIndexError
from indexer.stores.generation.layout import generation_numbers
from pipelines.fleet.gc import collect_fleet
from pipelines.fleet.local import LocalEngine
from pipelines.fleet.serial import SerialEngine
from pipelines.fleet.shard import Outcome, ShardTask
from pipelines.fleet.status import fleet_status
from pipelines.fleet.store import FOLDER, shard_dir
from pipelines.fleet.verify import verify_fleet
from tests.integration.fleet.fleets import CONFIG, REPOSITORIES, bring_up_to_date, hits_of, job_of, make, manifest_of
from tests.trees import git, write


def test_one_changed_repository_costs_its_shard_and_the_manifest(tmp_path: Path) -> None:
    folder = make(tmp_path)
    first = bring_up_to_date(folder)
    assert (first.number, set(first.built), first.committed) == (1, set(REPOSITORIES), True)
    again = bring_up_to_date(folder)
    assert (again.number, again.built, again.committed) == (1, {}, False)
    before = {name: generation_numbers(shard_dir(folder / FOLDER, name)) for name in REPOSITORIES}
    write(folder / "code" / "bank", {"tea.py": 'def brew():\n    """Brew rooibos tea."""\n'})
    changed = bring_up_to_date(folder)
    assert (changed.number, set(changed.built)) == (2, {"bank"})
    assert generation_numbers(shard_dir(folder / FOLDER, "mail")) == before["mail"]
    assert hits_of(folder, "rooibos tea")[0] == "bank/tea.py"
    shutil.rmtree(folder / "code" / "mail")
    removed = bring_up_to_date(folder)
    assert (removed.removed, removed.built) == (("mail",), {})
    assert "mail/send.py" not in hits_of(folder, "letter to a customer")
    assert collect_fleet(folder / FOLDER).shards == ("mail",)
    assert verify_fleet(folder / FOLDER).ok


def test_engines_agree_and_so_do_histories(built: Path, tmp_path: Path) -> None:
    folder = make(tmp_path, {"shop": {}, "bank": REPOSITORIES["bank"]})
    bring_up_to_date(folder)
    make(tmp_path)
    assert bring_up_to_date(folder, LocalEngine(jobs=2)).digest == manifest_of(built).digest


def test_builders_import_nothing_from_where_they_are_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, mark = make(tmp_path), tmp_path / "imported"
    for name in ("multiprocessing", "pickle", "signal", "numpy", "msgspec"):
        (folder / f"{name}.py").write_text(f"open({str(mark)!r}, 'a').write({name!r})\n")
    monkeypatch.chdir(folder)
    assert bring_up_to_date(folder, LocalEngine(jobs=2)).shards == 3
    assert not mark.exists()


def test_a_shard_that_fails_is_named_and_left_out_only_when_asked(tmp_path: Path) -> None:
    folder = make(tmp_path, more='[[repository]]\npath = "elsewhere"\nrevision = "no-such-branch"\n')
    write(folder / "elsewhere", {"a.py": "x = 1\n"})
    (folder / "elsewhere" / ".git").mkdir()
    with pytest.raises(IndexerError, match=r"elsewhere: .*no-such-branch"):
        bring_up_to_date(folder)
    with pytest.raises(NoIndexError):
        manifest_of(folder)
    report = bring_up_to_date(folder, partial=True)
    assert [failure.id for failure in report.failed] == ["elsewhere"] and report.shards == 3
    # The shards that were built when it failed were not built again.
    assert report.built == {}


def test_a_repository_that_is_gone_is_named_and_left_out_only_when_asked(tmp_path: Path) -> None:
    away = '[[repository]]\nurl = "https://host.example/team/away.git"\nrevision = "v1"\n'
    folder = make(tmp_path, more='[[repository]]\npath = "gone"\n' + away)
    file = folder / "fleet.toml"
    file.write_text('clones = "clones"\n' + file.read_text())
    with pytest.raises(ConfigError, match=r"'gone': .*No such file.*--partial"):
        bring_up_to_date(folder)
    report = bring_up_to_date(folder, partial=True)
    assert [failure.id for failure in report.failed] == ["away", "gone"] and report.shards == 3
    assert "is not cloned" in report.failed[0].message
    status = fleet_status(folder / FOLDER, job_of(folder))
    assert (status.stale, status.gone) == (("away", "gone"), ())
    write(folder / "gone", {"a.py": "x = 1\n"})
    assert [failure.id for failure in bring_up_to_date(folder, partial=True).failed] == ["away"]


def test_a_large_tree_is_cut_and_stays_so(tmp_path: Path) -> None:
    folder = tmp_path
    files = {f"d{n // 5}/e{n % 5}/f.py": f"def name_{n}():\n" + "    x = 1  # filler\n" * 40 for n in range(30)}
    write(folder / "big", files)
    (folder / "fleet.toml").write_text('paths = ["big"]\n[cut]\nmegabytes = 0.005\n')
    first = bring_up_to_date(folder)
    assert 4 <= first.shards <= 8
    assert first.files == 30
    write(folder / "big", {"d2/e9/new.py": "def more():\n    return 1\n"})
    (folder / "big" / "d0" / "e0" / "f.py").unlink()
    second = bring_up_to_date(folder)
    assert second.files == 30 and second.shards == first.shards
    assert len(second.built) == 2
    assert len(set(hits_of(folder, "filler", k=60, mode="text"))) == 29


def test_a_shard_made_otherwise_is_refused_by_name(built: Path, tmp_path: Path) -> None:
    class Otherwise:
        """A machine on which another encoder is installed under the name."""

        def run(self, tasks: Sequence[ShardTask]) -> Iterator[Outcome]:
            other = replace(CONFIG, encoder=EncoderOptions(name="static"))
            yield from SerialEngine().run([dataclasses.replace(task, config=other) for task in tasks])

    folder = make(tmp_path)
    with pytest.raises(IndexerError, match=r"bank: it was made otherwise than the fleet: the encoder changed"):
        bring_up_to_date(folder, Otherwise())
    with pytest.raises(NoIndexError):
        manifest_of(folder)
    assert bring_up_to_date(folder).digest == manifest_of(built).digest


def test_a_revision_of_a_clone_is_indexed_without_a_network(tmp_path: Path) -> None:
    clone = tmp_path / "clones" / "host.example" / "team" / "tools"
    write(clone, {"a.py": 'def old():\n    """Old kettle."""\n'})
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"], ["tag", "v1"]):
        git(clone, *command)
    write(clone, {"a.py": 'def new():\n    """New teapot."""\n'})
    (tmp_path / "fleet.toml").write_text(
        'clones = "clones"\n[[repository]]\nurl = "https://host.example/team/tools.git"\nrevision = "v1"\n'
    )
    bring_up_to_date(tmp_path)
    assert hits_of(tmp_path, "kettle", mode="text") == ["tools/a.py"]
    assert hits_of(tmp_path, "teapot", mode="text") == []
