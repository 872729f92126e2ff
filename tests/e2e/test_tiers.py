"""What a user sees of the two tiers: what is searchable first, what is upgraded, and where that was left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import PROGRAM, Cli

ENGINES = ("onnxruntime", "fastembed", "tokenizers", "sklearn")


def write_tree(root: Path) -> Path:
    """Copy some modules of the standard library, a few hundred chunks."""
    root.mkdir()
    library = Path(sysconfig.get_path("stdlib"))
    for name in ("argparse.py", "csv.py", "shutil.py", "textwrap.py"):
        (root / name).write_bytes((library / name).read_bytes())
    return root


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command line with a cache that no other module's tests fill: what is not upgraded is not in it."""
    return Cli(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with static vectors alone; tests leave it as they find it."""
    cli = Cli(tmp_path_factory.mktemp("cache"))
    root = write_tree(tmp_path_factory.mktemp("fast") / "tree")
    done = cli("build", root, "--fast")
    assert done.code == 0, done.err
    assert "vectors      0% are the encoder's own, the others static" in done.out
    return root


def modules_of(*arguments: str | Path) -> str:
    """Run a command in a process of its own and return which engines it has loaded at its end."""
    script = (
        "import sys; from pipelines.cli.main import cli\n"
        "cli.main(sys.argv[1:], standalone_mode=False)\n"
        f"print(sorted(set(sys.modules) & set({ENGINES!r})), file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr.strip().splitlines()[-1]


def test_a_fast_build_and_a_fast_search_load_no_transformer(fast: Path, tmp_path: Path) -> None:
    assert modules_of("build", fast, "--index-dir", tmp_path / "index", "--fast", "--no-cache", "-q") == "[]"
    assert modules_of("search", "parse arguments", "--root", fast, "--fast") == "[]"
    assert modules_of("search", "parse arguments", "--root", fast) != "[]"


def test_status_and_every_answer_say_how_much_is_upgraded(cli: Cli, fast: Path) -> None:
    assert cli("status", fast, "--json").json["upgraded"] == 0
    assert "vectors      0% are the encoder's own" in cli("status", fast).out
    assert cli("search", "wrap text", "--root", fast, "--json").json["upgraded"] == 0
    note = "note: of the vectors 0% are the encoder's own, the others static; `indexer build` goes on with them"
    assert note in cli("search", "wrap text", "--root", fast).err
    never = cli("search", "wrap text", "--root", fast, "--set", "build.upgrade=never").err
    assert never == note.partition(";")[0] + "\n"
    assert cli("explain", "csv.py", "--root", fast, "--json").json["chunks"][0]["tier"] == "static"
    assert cli("verify", fast, "--deep").code == 0


def test_a_budget_of_seconds_ends_an_upgrade_and_the_next_build_ends_at_a_fresh_builds_digests(
    tmp_path: Path,
) -> None:
    cli = Cli(tmp_path / "cache")
    root = write_tree(tmp_path / "tree")
    report = cli("build", root, "--max-seconds", "0", "--json").json
    assert report["committed"] is True
    assert report["tiers"] == {"static": report["chunks"]["total"]}
    whole = cli("build", root, "--json").json
    assert whole["upgraded"] == 1
    assert whole["chunks"]["upgraded"] == whole["chunks"]["total"]
    assert "note" not in cli("search", "wrap text", "--root", root).err
    fresh = cli("build", root, "--index-dir", tmp_path / "fresh", "--json").json
    assert (fresh["digest"], fresh["vector_digest"]) == (whole["digest"], whole["vector_digest"])


def test_config_keeps_vectors_static(cli: Cli, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree")
    (root / ".indexer.toml").write_text('[build]\nupgrade = "never"\n')
    assert cli("build", root, "--no-cache", "--json").json["upgraded"] == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_an_upgrade_that_could_not_be_kept_computes_nothing(cli: Cli, fast: Path, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    shutil.copytree(fast, root)
    os.chown(root / ".indexer", 12345, 12345)
    cache = tmp_path / "cache"
    done = Cli(cache)("build", root)
    assert done.code == 1 and "belongs to another user" in done.err
    assert not list(cache.rglob("embeddings*"))


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_upgrade_that_is_stopped_is_searchable_and_goes_on(cli: Cli, tmp_path: Path, stop: signal.Signals) -> None:
    root = write_tree(tmp_path / "tree")
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_CONFIG_HOME": str(tmp_path / "cache")}
    with subprocess.Popen(
        [PROGRAM, "build", root, "--no-cache"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as builder:
        assert builder.stderr is not None
        lines = []
        for line in builder.stderr:
            lines.append(line)
            if line.startswith("searchable after"):
                break
        # The reader of a pipe sees the line at once: all is committed, and the upgrade has only begun.
        time.sleep(0.2)
        builder.send_signal(stop)
        rest = builder.stderr.read()
        code = builder.wait(timeout=60)
    assert any(line.startswith("searchable after") for line in lines), lines
    assert code == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[stop]
    if stop is signal.SIGINT:
        assert "was committed: it can be searched, and the next build goes on from there" in rest
    assert cli("search", "wrap text", "--root", root, "--json").json["hits"]
    assert cli("build", root, "--json").json["upgraded"] == 1
    assert cli("verify", root).code == 0
