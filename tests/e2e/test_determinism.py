"""The same tree gives the same digest wherever and however it is built; a killed build goes on where it was."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sysconfig
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import PROGRAM, Cli

LIBRARY = Path(sysconfig.get_path("stdlib"))


def _copy(package: str, target: Path) -> Path:
    shutil.copytree(LIBRARY / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def _settings(folder: Path, *, threads: int, workers: int, token_budget: int) -> Path:
    path = folder / f"threads-{threads}.toml"
    encoder = f"[encoder]\nthreads = {threads}\ntoken_budget = {token_budget}\nwindow_chunks = {64 * threads}\n"
    path.write_text(f"{encoder}[parse]\nworkers = {workers}\n")
    return path


def test_folder_threads_workers_and_batches_do_not_change_the_digest(cli: Cli, tmp_path: Path) -> None:
    one = _settings(tmp_path, threads=1, workers=1, token_budget=512)
    two = _settings(tmp_path, threads=2, workers=2, token_budget=4096)
    here, there = _copy("json", tmp_path / "here"), _copy("json", tmp_path / "some" / "where else")
    first = cli("build", here, "--no-cache", "--config", one, "--json").json
    second = cli("build", there, "--no-cache", "--config", two, "--json").json
    assert first["digest"] == second["digest"]
    assert first["chunks"]["embedded"] > 20


def test_increments_end_at_the_digest_of_a_fresh_build(cli: Cli, tmp_path: Path) -> None:
    root = _copy("json", tmp_path / "grown")
    (root / "json" / "scanner.py").rename(tmp_path / "scanner.py")
    (root / "extra.py").write_text("def to_be_removed():\n    return None\n")
    cli("build", root)
    (root / "extra.py").unlink()
    (tmp_path / "scanner.py").rename(root / "json" / "scanner.py")
    grown = cli("build", root, "--json").json
    fresh = cli("build", _copy("json", tmp_path / "fresh"), "--json").json
    assert grown["digest"] == fresh["digest"]
    hits = [
        cli("search", "decode a string", "--root", path, "--json").json["hits"] for path in (root, tmp_path / "fresh")
    ]
    assert [{**hit, "root": ""} for hit in hits[0]] == [{**hit, "root": ""} for hit in hits[1]]


def _cached(cache: Path) -> int:
    found = list(cache.rglob("embeddings-*.sqlite"))
    if not found:
        return 0
    with closing(sqlite3.connect(f"file:{found[0]}?mode=ro", uri=True)) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM vectors").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


@pytest.mark.slow
def test_a_build_that_is_killed_embeds_only_the_rest_when_it_runs_again(tmp_path: Path) -> None:
    root = _copy("http", tmp_path / "root")
    cli = Cli(tmp_path / "cache")
    environment = {**os.environ, "XDG_CACHE_HOME": str(cli.cache)}
    process = subprocess.Popen([PROGRAM, "build", root, "--quiet"], env=environment)
    while _cached(cli.cache) < 128:
        assert process.poll() is None, "the build ended before it was killed"
        time.sleep(0.05)
    process.kill()
    process.wait()
    kept = _cached(cli.cache)
    # What was there before the transformer began is served already.
    assert cli("status", root, "--json").json["upgraded"] < 1
    report = cli("build", root, "--full", "--json").json
    assert kept >= 128
    assert report["upgraded"] == 1
    assert report["chunks"]["reused"] >= kept
    assert report["chunks"]["upgraded"] <= report["chunks"]["total"] - kept
