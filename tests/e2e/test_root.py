"""Which index a command takes: the nearest of this user's own, and the root that the index itself records."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import Cli

HASHING = '[encoder]\nname = "hashing"\n'


@pytest.fixture
def tree(tmp_path: Path, cli: Cli) -> Path:
    """A folder with a folder in it, indexed."""
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    (root / ".indexer.toml").write_text(HASHING)
    (root / "tea.py").write_text("def brew_tea():\n    return 'tea'\n")
    (root / "sub" / "cup.py").write_text("def fill_cup():\n    return 'cup'\n")
    assert cli("build", root).code == 0
    return root


def test_a_build_in_a_folder_below_updates_the_index_above_and_says_so(cli: Cli, tree: Path) -> None:
    (tree / "sub" / "cup.py").write_text("def empty_cup():\n    return 0\n")
    done = cli("build", "--json", cwd=tree / "sub")
    assert (done.json["files"]["modified"], done.json["files"]["unchanged"]) == (1, 1)
    assert f"note: {tree} is what is indexed" in done.err
    assert not (tree / "sub" / ".indexer").exists()


def test_a_folder_below_that_is_named_is_told_of_the_index_above(cli: Cli, tree: Path) -> None:
    asked = cli("search", "cup", "--root", tree / "sub")
    assert asked.code == 3
    assert f"is in that of {tree}; give --root {tree}" in asked.err
    (tree / "sub" / ".indexer.toml").write_text(HASHING)
    built = cli("build", tree / "sub")
    assert built.code == 0
    assert f"note: {tree} has an index that holds {tree / 'sub'}" in built.err
    shutil.rmtree(tree / "sub" / ".indexer")
    assert f"holds {tree / 'sub'};" in cli("build", ".", cwd=tree / "sub").err
    missing = cli("build", tree / "nowhere")
    assert missing.code == 2 and missing.err == f"error: {tree / 'nowhere'}: there is no such folder; check the path\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_an_index_of_another_user_is_passed_over_and_served_when_named(cli: Cli, tree: Path) -> None:
    os.chown(tree / ".indexer", 12345, 12345)
    passed = cli("search", "cup", cwd=tree / "sub")
    assert passed.code == 3
    assert "belongs to another user (id 12345), so it is passed over" in passed.err
    for named in (cli("search", "cup", cwd=tree), cli("search", "cup", "--root", ".", cwd=tree)):
        assert named.code == 0 and "passed over" not in named.err
    assert f"note: {tree / '.indexer'}: belongs to another user" in cli("search", "cup", cwd=tree).err


def test_a_link_is_no_index_folder(cli: Cli, tree: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    (outer / "inner").mkdir(parents=True)
    (outer / ".indexer").symlink_to(tree / ".indexer")
    passed = cli("status", cwd=outer / "inner")
    assert passed.code == 3
    assert f"{outer / '.indexer'}: is not a folder, so it is passed over" in passed.err


def test_an_index_folder_alone_is_compared_with_the_root_that_it_records(cli: Cli, tree: Path, tmp_path: Path) -> None:
    for index_dir in (tmp_path / "apart", tree / "index"):
        assert cli("build", tree, "--index-dir", index_dir).code == 0
        assert cli("status", "--index-dir", index_dir, "--json", cwd=tmp_path).json["stale"] == 0
        assert cli("search", "cup", "--index-dir", index_dir, "--require-fresh", cwd=tmp_path).code == 0
    refused = cli("build", "--index-dir", tmp_path / "apart", cwd=tmp_path)
    assert refused.code == 2
    assert f"says that it is an index of {tree}" in refused.err
    assert cli("build", "--index-dir", tree / "index", "--json", cwd=tmp_path).json["committed"] is False
    for index_dir in (tmp_path / "apart", tree / "sub" / "index", tmp_path / "made here"):
        assert cli("build", "--index-dir", index_dir, cwd=tree).code == 0
        assert cli("build", "--index-dir", index_dir, "--json", cwd=tree).json["committed"] is False


def test_an_index_folder_alone_leads_no_further_up_than_to_the_folder_that_holds_it(cli: Cli, tree: Path) -> None:
    index_dir = tree / "sub" / "index"
    assert cli("build", tree, "--index-dir", index_dir).code == 0
    for command in (("build",), ("search", "cup"), ("status",), ("verify", "--source"), ("repair",)):
        done = cli(*command, "--index-dir", index_dir)
        assert done.code == 2, command
        assert f"says that it is an index of {tree}; if it is, name that folder too" in done.err
    assert cli("status", tree, "--index-dir", index_dir, "--json").json["stale"] == 0


def test_a_tree_that_moves_with_its_index_stays_fresh_and_one_that_is_gone_is_unknown(
    cli: Cli, tree: Path, tmp_path: Path
) -> None:
    cli("build", tree, "--index-dir", tmp_path / "apart")
    cli("build", tree, "--index-dir", tree / "inside")
    shutil.copytree(tree / "inside", tmp_path / "shipped" / "inside")
    assert cli("status", "--index-dir", tmp_path / "shipped" / "inside", "--json").json["stale"] is None
    shutil.move(tree, tmp_path / "moved")
    assert cli("status", "--index-dir", tmp_path / "moved" / "inside", "--json").json["stale"] == 0
    assert cli("status", "--index-dir", tmp_path / "apart", "--json").json["stale"] is None
    assert cli("search", "cup", "--index-dir", tmp_path / "apart", "--require-fresh").code == 3
    assert cli("build", tmp_path / "moved", "--index-dir", tmp_path / "apart").code == 0
    assert cli("status", "--index-dir", tmp_path / "apart", "--json").json["stale"] == 0


def test_a_repositorys_settings_that_reach_outside_are_refused_by_every_command(cli: Cli, tree: Path) -> None:
    (tree / ".indexer.toml").write_text(f'{HASHING}[cache]\npath = "{tree.parent}/outside"\n')
    for arguments in (("build",), ("search", "cup"), ("status",), ("explain", "tea.py"), ("similar", "tea.py:1")):
        done = cli(*arguments, cwd=tree)
        assert done.code == 2
        assert "cache.path: a repository may not set this" in done.err
    assert not (tree.parent / "outside").exists()
