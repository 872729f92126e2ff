"""Options that read every file: --hash, --require-fresh, and verify --source."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from indexer.regular import stat_of
from indexer.stores.caches.stats import write_stats
from tests.e2e.conftest import Cli


@pytest.fixture
def forged(tmp_path: Path, cli: Cli) -> Path:
    """A folder with a changed file that a stat cache, which may come with an index, says is the indexed one."""
    file = tmp_path / "kettle.py"
    file.write_text("def boil():\n    return 1\n")
    digest = cli("build", tmp_path, "--json").json["digest"]
    file.write_text("def boil():\n    return 2\n")
    os.utime(file, ns=(1, 1))
    time.sleep(2.1)  # until the change time is trusted
    write_stats(tmp_path / ".indexer", digest, {"kettle.py": stat_of(file.stat())})
    return tmp_path


def test_what_no_stat_shows_is_found_by_content(cli: Cli, forged: Path) -> None:
    assert cli("status", forged, "--json").json["stale"] == 0
    assert cli("search", "boil", "--root", forged).code == 0
    cache = (forged / ".indexer" / "stat_cache").read_bytes()
    for command, code, said in (
        (("status", forged, "--hash"), 0, "1 file changed since; run `indexer build`"),
        (("search", "boil", "--root", forged, "--require-fresh"), 3, "1 file changed since the index was built"),
        (("verify", forged, "--source"), 0, "1 file changed since the build, and not compared: kettle.py"),
        (("build", forged, "--dry-run", "--hash"), 0, "modify     kettle.py"),
    ):
        (forged / ".indexer" / "stat_cache").write_bytes(cache)
        done = cli(*command)
        assert (done.code, said in done.out + done.err) == (code, True), done
    (forged / ".indexer" / "stat_cache").write_bytes(cache)
    assert not cli("build", forged, "--json").json["committed"]
    assert cli("build", forged, "--hash", "--json").json["files"]["modified"] == 1
    assert cli("search", "boil", "--root", forged, "--require-fresh").code == 0


def test_verify_compares_with_the_source_of_the_named_configuration(cli: Cli, forged: Path, tmp_path: Path) -> None:
    cli("build", forged, "--hash")
    done = cli("verify", forged, "--source", "--deep")
    assert (done.code, done.err) == (0, "")
    assert "source: 1 file parsed again and compared" in done.out
    config = tmp_path / "other.toml"
    config.write_text("[chunk]\nmax_chars = 300\n")
    done = cli("verify", forged, "--source", "--config", config)
    assert (done.code, done.out) == (2, "")
    assert "can't be compared with its source" in done.err
