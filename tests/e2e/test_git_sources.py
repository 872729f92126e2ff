"""What CI and servers have of a repository: a clone without its files' contents, and one without a work tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import PROGRAM, Cli
from tests.trees import git, repository, write

HASHING = "encoder.name=hashing"
FILES = {"tea.py": "def brew():\n    return 1\n", "pot/cup.py": "def fill():\n    return 2\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "root", FILES)


def test_a_partial_clone_ends_with_what_to_do_and_is_indexed_once_that_is_done(cli: Cli, root: Path) -> None:
    git(root, "config", "uploadpack.allowFilter", "true")
    git(root.parent, "clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{root}", "part")
    part = root.parent / "part"
    build = ("build", "--source", "rev:HEAD", "--set", HASHING, part)
    done = cli(*build)
    assert (done.code, done.out) == (2, "")
    assert "\nerror: pot/cup.py: git does not hold its content here, one of 2 such files of rev:HEAD" in done.err
    assert not (part / ".indexer" / "CURRENT").exists()
    git(part, "fetch", "-q", "--refetch", "--no-filter")
    assert cli(*build, "--json").json["files"]["added"] == 2


def test_a_bare_repository_is_indexed_searched_and_verified_and_follows_a_push_by_its_hook(
    cli: Cli, root: Path
) -> None:
    git(root.parent, "clone", "-q", "--mirror", "root", "mirror.git")
    bare = root.parent / "mirror.git"
    assert cli("build", "--source", "rev:main", "--set", HASHING, bare, "--json").json["files"]["added"] == 2
    assert "tea.py:1" in cli("search", "brew", "--mode", "text", "--require-fresh", cwd=bare / "refs").out
    hook = write(bare, {"hooks/post-receive": f"#!/bin/sh\nexec '{PROGRAM}' build -q --no-cache --set {HASHING}\n"})
    (hook / "hooks" / "post-receive").chmod(0o755)
    write(root, {"tea.py": "def steep():\n    return 3\n"})
    git(root, "commit", "-qam", "two")
    git(root, "push", "-q", bare, "main")
    status = cli("status", "--set", HASHING, bare, "--json").json
    assert (status["generation"], status["source"], status["stale"]) == ("00000002", "rev:main", 0)
    assert "tea.py:1" in cli("search", "steep", "--mode", "text", cwd=bare).out
    verified = cli("verify", "--source", "--set", HASHING, bare)
    assert verified.code == 0 and "source: 2 files parsed again" in verified.out
    away = cli("build", "--set", HASHING, bare, "--index-dir", root.parent / "index", "--json").json
    assert (away["source"], away["digest"]) == ("rev:HEAD", status["digest"])
    refused = cli("build", "--source", "staged", bare)
    assert refused.code == 2 and refused.err.endswith("name a revision of it, as --source rev:HEAD does\n")
