"""Hooks keep the index up to what is committed, beside hooks that were there, and stand in nobody's way."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from pipelines.cli.asked import EXIT_NO_HIT
from tests.e2e.conftest import PROGRAM, Cli, Done
from tests.trees import git, repository, write

HASHING = '[encoder]\nname = "hashing"\n'
FILES = {".indexer.toml": HASHING, "tea.py": "def brew():\n    return 1\n", "cup.py": "def fill():\n    return 2\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "a repository", FILES)


def commit(cli: Cli, root: Path, *arguments: str) -> Done:
    """Run git with hooks, and the cache folder of these tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment |= {"XDG_CACHE_HOME": str(cli.cache), "XDG_CONFIG_HOME": str(cli.cache)}
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    return Done(done.returncode, done.stdout, done.stderr)


def found(cli: Cli, root: Path, query: str) -> str:
    """Return the text of the best hit of words."""
    done = cli("search", query, "--mode", "text", "--json", cwd=root)
    assert done.code in (0, EXIT_NO_HIT), done.err
    hits = json.loads(done.out)["hits"]
    return str(hits[0]["snippet"]) if hits else ""


def test_a_hook_that_finds_nothing_new_says_nothing(cli: Cli, root: Path) -> None:
    assert cli("build", root).code == 0
    assert cli("hook", "install", cwd=root).code == 0
    assert commit(cli, root, "commit", "-qm", "none", "--allow-empty") == Done(0, "", "")
    assert cli("status", root, "--json").json["source"] == "staged"


def test_a_commit_is_indexed_as_it_is_and_never_changed(cli: Cli, root: Path) -> None:
    assert [line.split()[1] for line in cli("hook", "install", cwd=root).out.splitlines()] == ["installed"] * 5
    write(root, {"tea.py": "def brew_rooibos():\n    return 1\n"})
    git(root, "add", "tea.py")
    write(root, {"tea.py": "def brew_rooibos():\n    return 1\n\n\ndef steep_unstaged():\n    return 3\n"})
    done = commit(cli, root, "commit", "-qm", "two")
    assert done.code == 0
    lines = [line for line in (done.out + done.err).splitlines() if "indexer" in line]
    assert len(lines) == 1 and lines[0].startswith("indexer: 2 added, 0 modified, 0 removed, generation 00000001")
    assert "brew_rooibos" in found(cli, root, "brew rooibos")
    assert "unstaged" not in found(cli, root, "steep unstaged")
    assert git(root, "show", "--stat", "--format=", "HEAD").splitlines()[0].split()[0] == "tea.py"
    assert git(root, "status", "--short") == "M tea.py"
    assert commit(cli, root, "commit", "-qm", "none", "--allow-empty") == Done(0, "", "")  # nothing to say
    git(root, "checkout", "-q", "tea.py")
    back = commit(cli, root, "checkout", "-q", "HEAD~2")
    assert "0 added, 1 modified, 0 removed" in back.out + back.err
    assert "brew_rooibos" not in found(cli, root, "brew")


def test_that_an_index_keeps_to_what_is_staged_is_said_until_a_build_takes_the_files(cli: Cli, root: Path) -> None:
    assert cli("hook", "run", cwd=root).code == 0
    write(root, {"tea.py": "def steep_unstaged():\n    return 3\n"})
    for command in ("build", "status"):
        assert "source       staged; later builds keep to it" in cli(command, cwd=root).out
    assert cli("build", "--json", cwd=root).json["source"] == "staged"
    built = cli("build", "--source", "worktree", cwd=root)
    assert "1 modified" in built.out and "staged" not in built.out + cli("status", cwd=root).out


def test_hooks_that_were_there_run_first_decide_and_come_back(cli: Cli, root: Path) -> None:
    hooks = root / ".git" / "hooks"
    first = '#!/bin/sh\necho "first $0 $*" >> log\ncat >> log\ntest ! -e refuse\n'
    for name in ("pre-commit", "post-rewrite"):
        (hooks / name).write_text(first)
        (hooks / name).chmod(0o755)
    for _ in range(2):  # a second time changes nothing
        states = {line.split()[0]: line for line in cli("hook", "install", cwd=root).out.splitlines()}
    assert "runs the hook that was there first" in states["pre-commit"]
    (root / "refuse").touch()
    write(root, {"tea.py": "def brew():\n    return 7\n"})
    assert commit(cli, root, "commit", "-qam", "refused").code == 1
    assert not (root / ".indexer").exists()
    (root / "refuse").unlink()
    assert commit(cli, root, "commit", "-qam", "two").code == 0
    assert (root / ".indexer").exists()
    assert commit(cli, root, "commit", "-q", "--amend", "-m", "three").code == 0
    log = (root / "log").read_text()
    assert "post-rewrite" in log and git(root, "rev-parse", "HEAD") in log  # with its arguments and input
    assert "none" in cli("hook", "remove", cwd=root).out
    assert (hooks / "pre-commit").read_text() == (hooks / "post-rewrite").read_text() == first
    assert [path.name for path in hooks.iterdir() if "indexer" in path.name] == []
    assert "another program's" in cli("hook", "status", cwd=root).out


def test_a_hook_that_can_not_build_says_so_in_a_line_and_lets_the_commit_pass(cli: Cli, root: Path) -> None:
    assert cli("hook", "install", "--hook", "pre-commit", cwd=root).code == 0
    (root / ".indexer").write_text("in the way")
    write(root, {"tea.py": "def brew():\n    return 9\n"})
    done = commit(cli, root, "commit", "-qam", "two")
    assert (done.code, len(done.err.splitlines())) == (0, 1)
    assert done.err.startswith("indexer: not updated: ")
    assert git(root, "log", "-1", "--format=%s") == "two"


@pytest.mark.parametrize("form", ["worktree", "submodule"])
def test_hooks_of_linked_work_trees_and_submodules(cli: Cli, root: Path, tmp_path: Path, form: str) -> None:
    if form == "worktree":
        git(root, "worktree", "add", "-q", "../linked")
        inner = root.parent / "linked"
    else:
        outer = repository(tmp_path / "outer", {"o.py": "o = 1\n"})
        git(outer, "submodule", "--quiet", "add", "../a repository", "sub")
        inner = outer / "sub"
    assert cli("hook", "install", cwd=inner).code == 0
    write(inner, {"tea.py": "def brew_here():\n    return 9\n"})
    assert commit(cli, inner, "commit", "-qam", "two").code == 0
    assert "brew_here" in found(cli, inner, "brew here")


def test_hooks_that_another_program_keeps_are_not_touched(cli: Cli, root: Path, tmp_path: Path) -> None:
    git(root, "config", "core.hooksPath", ".husky")
    assert cli("hook", "install", cwd=root).code == 2
    assert "core.hooksPath is .husky" in cli("hook", "install", cwd=root).err
    assert cli("hook", "install", cwd=tmp_path).code == 2
    assert cli("hook", "install", "--hook", "pre-brew", cwd=root).code == 2
    assert PROGRAM.exists()
