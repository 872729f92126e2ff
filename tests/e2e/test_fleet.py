"""A fleet as a user has it: four commands, their exit codes and JSON, and an agent that asks it."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio
import msgspec
import pytest

from pipelines.fleet.answer import FleetSearchAnswer
from pipelines.fleet.build import FleetReport
from pipelines.fleet.status import FleetStatus
from pipelines.fleet.verify import FleetVerifyReport
from tests.e2e.conftest import Cli
from tests.e2e.test_mcp import serving


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """Two repositories and the fleet's file, built."""
    folder = tmp_path_factory.mktemp("fleet")
    for name, drink in (("tea", "rooibos"), ("coffee", "espresso")):
        (folder / name).mkdir()
        (folder / name / "brew.py").write_text(f'def brew_{drink}(pot):\n    """Brew {drink}."""\n    return pot\n')
        (folder / name / "kettle.py").write_text(
            'def heat(water):\n    """Heat water in a kettle."""\n    return water\n'
        )
    (folder / "fleet.toml").write_text('paths = ["tea", "coffee"]\n')
    (folder / ".indexer.toml").write_text('[encoder]\nname = "static"\n')
    report = msgspec.json.decode(cli("fleet", "build", "--json", cwd=folder).out, type=FleetReport)
    assert (report.number, report.repositories, report.committed, set(report.built)) == (1, 2, True, {"tea", "coffee"})
    return folder


def test_the_commands_of_a_fleet(cli: Cli, fleet: Path) -> None:
    done = cli("fleet", "search", "brew rooibos", "-k", "1", "--json", cwd=fleet)
    answer = msgspec.json.decode(done.out, type=FleetSearchAnswer)
    assert [(hit.repository, hit.path, hit.root) for hit in answer.hits] == [("tea", "brew.py", str(fleet / "tea"))]
    assert (
        cli("fleet", "search", "kettle", "-l", "--repo", "coffee", cwd=fleet).out.splitlines()[0] == "coffee/kettle.py"
    )
    once = cli("fleet", "search", "heat water in a kettle", "-l", "--distinct", cwd=fleet).out
    assert once.count("kettle.py") == 1
    assert cli("fleet", "search", "zyzzyva quux", "--mode", "text", cwd=fleet).code == 7
    assert "Nothing changed" in cli("fleet", "build", cwd=fleet).out
    (fleet / "tea" / "new.py").write_text("def steep():\n    return 3\n")
    status = msgspec.json.decode(cli("fleet", "status", "--json", cwd=fleet).out, type=FleetStatus)
    assert (status.stale, status.gone, status.repositories) == (("tea",), (), 2)
    assert set(cli("fleet", "build", "--json", cwd=fleet).json["built"]) == {"tea"}
    assert msgspec.json.decode(cli("fleet", "verify", "--json", cwd=fleet).out, type=FleetVerifyReport).ok
    assert cli("fleet", "gc", "--json", cwd=fleet).json["manifests"] == [1]


def test_exit_codes_of_a_fleet(cli: Cli, fleet: Path, tmp_path: Path) -> None:
    assert cli("fleet", "build", cwd=tmp_path).code == 2
    for command in (("search", "tea"), ("status",), ("verify",), ("gc",)):
        assert cli("fleet", *command, cwd=tmp_path).code == 3, command
    assert cli("fleet", "search", "tea", "--repo", "milk", cwd=fleet).code == 2
    (tmp_path / "fleet.toml").write_text(f'paths = ["{fleet}/tea"]\n')
    outside = cli("fleet", "build", cwd=tmp_path)
    assert outside.code == 2 and "--root" in outside.err
    manifest = max((fleet / ".indexer-fleet" / "manifests").iterdir())
    (tmp_path / ".indexer-fleet" / "manifests").mkdir(parents=True)
    (tmp_path / ".indexer-fleet" / "manifests" / manifest.name).write_bytes(manifest.read_bytes()[:-20])
    damaged = cli("fleet", "verify", cwd=tmp_path)
    assert damaged.code == 4 and manifest.name in damaged.err


def test_where_the_fleet_s_file_is_not_its_status_says_that_nothing_was_compared(
    cli: Cli, fleet: Path, tmp_path: Path
) -> None:
    shutil.copytree(fleet / ".indexer-fleet", tmp_path / ".indexer-fleet")
    status = msgspec.json.decode(cli("fleet", "status", "--json", cwd=tmp_path).out, type=FleetStatus)
    assert (status.repositories, status.stale, status.gone) == (2, None, None)
    assert "freshness    not compared: " in cli("fleet", "status", cwd=tmp_path).out
    (tmp_path / "fleet.toml").symlink_to(fleet / "fleet.toml")
    assert cli("fleet", "status", cwd=tmp_path).code == 2


def test_a_file_that_is_named_and_is_not_there_is_a_mistake_whatever_fleet_lies_beside(cli: Cli, fleet: Path) -> None:
    for command in (("status",), ("search", "tea"), ("verify",), ("gc",), ("build",)):
        done = cli("fleet", *command, "-f", fleet / "typo.toml")
        assert (done.code, done.out) == (2, ""), command
        assert f"{fleet / 'typo.toml'}: there is no such file" in done.err and "--fleet-dir" in done.err
    assert cli("fleet", "status", "-f", fleet / "fleet.toml", "--json").json["repositories"] == 2


def test_a_damaged_shard_is_named_with_what_mends_it(cli: Cli, fleet: Path, tmp_path: Path) -> None:
    shutil.copytree(fleet, tmp_path / "fleet")
    (store,) = (tmp_path / "fleet" / ".indexer-fleet" / "shards" / "tea" / "generations").glob("*/text/*.store")
    store.chmod(0o644)
    store.write_bytes(b"\0" * store.stat().st_size)
    (tmp_path / "fleet" / "tea" / "new.py").write_text("def pour(): return 1\n")
    for command, code in ((("verify",), 4), (("search", "brew rooibos"), 4), (("build",), 1)):
        done = cli("fleet", *command, cwd=tmp_path / "fleet")
        assert done.code == code and "`indexer fleet build --full --repo NAME`" in done.err, command
        assert "indexer repair" not in done.err
    assert cli("fleet", "build", "--full", "--repo", "tea", cwd=tmp_path / "fleet").code == 0
    assert cli("fleet", "verify", cwd=tmp_path / "fleet").code == 0


def test_an_agent_asks_a_fleet(cli: Cli, fleet: Path) -> None:
    async def conversation() -> None:
        async with serving(cli, "--fleet", fleet) as agent:
            assert "tea/brew.py" in await agent.ask("search", query="brew rooibos")
            assert "tea/" not in await agent.ask("search", query="heat water", repository="coffee")
            assert "coffee/brew.py:1" in await agent.ask("symbol", name="brew_espresso")
            assert "coffee" in await agent.ask("status")
            assert "no repository" in await agent.fails("search", query="x", repository="milk")
            assert "k is 0; give a number from 1 to 50" in await agent.fails("search", query="x", k=0)

    anyio.run(conversation)
