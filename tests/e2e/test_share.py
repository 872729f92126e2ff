"""An index made in one place is used in another: served as it is, or carried on, and nothing is embedded twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import Cli
from tests.trees import git

SETTINGS = '[encoder]\nname = "hashing"\n'
FILES = 12


def write_project(root: Path) -> None:
    """Write a project of small files, each of which has a chunk of its own."""
    root.mkdir(parents=True)
    (root / ".indexer.toml").write_text(SETTINGS)
    (root / "empty.py").write_text("")
    for number in range(FILES):
        (root / f"tea_{number}.py").write_text(f"def brew_{number}(pot):\n    return pot.pour({number})\n" * 3)


@pytest.fixture
def project(tmp_path: Path, cli: Cli) -> Path:
    """An indexed project."""
    write_project(tmp_path / "ours" / "project")
    assert cli("build", tmp_path / "ours" / "project", "-q", "--no-cache").code == 0
    return tmp_path / "ours" / "project"


def test_an_export_is_served_elsewhere_without_its_files(cli: Cli, project: Path, tmp_path: Path) -> None:
    exported = cli("export", tmp_path / "index.tar.zst", project, "--json").json
    taken = cli("import", tmp_path / "index.tar.zst", tmp_path, "--index-dir", tmp_path / "served", "--json").json
    assert taken["digest"] == exported["digest"]
    assert (exported["files"], taken["files"]) == (FILES, FILES)  # those that are indexed, as a build's report counts
    shutil.rmtree(project)
    assert cli("verify", "--index-dir", tmp_path / "served").code == 0
    found = cli("search", "brew_7", "--index-dir", tmp_path / "served", "--json").json
    assert found["hits"][0]["path"] == "tea_7.py"
    assert found["stale"] is None


def test_an_export_is_carried_on_by_another_clone_which_embeds_what_differs(
    cli: Cli, project: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "theirs" / "clone"
    write_project(clone)
    (clone / "tea_3.py").write_text("def brew_rooibos(pot):\n    return pot.steep(minutes=6)\n")
    (clone / "tea_4.py").unlink()
    cli("export", tmp_path / "index.tar.zst", project)
    assert cli("import", tmp_path / "index.tar.zst", clone).code == 0
    built = cli("build", clone, "--no-cache", "--json").json
    assert built["rebuilt"] == ""
    assert built["files"] == {"added": 0, "modified": 1, "removed": 1, "unchanged": FILES - 2, "skipped": 1}
    assert built["chunks"]["embedded"] == 1
    assert not cli("build", clone, "--no-cache", "--json").json["committed"]
    full = cli("build", clone, "--full", "--no-cache", "--json").json
    assert full["digest"] == built["digest"]


def test_a_worktree_takes_over_the_index_beside_it(cli: Cli, project: Path, tmp_path: Path) -> None:
    worktree = tmp_path / "worktree"
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-qm", "x")
    git(project, "worktree", "add", "-q", worktree)
    assert cli("import", project, worktree).code == 0
    built = cli("build", worktree, "--no-cache", "--json").json
    assert (built["committed"], built["chunks"]["embedded"], built["files"]["unchanged"]) == (False, 0, FILES)


def test_a_new_clone_starts_from_the_vectors_of_the_one_beside_it(cli: Cli, tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_project(tmp_path / name)
        (tmp_path / name / "only_here.py").write_text("def pour_the_only_kind_of_tea(pot):\n    return pot\n")
    embedded = [cli("build", tmp_path / name, "--json").json["chunks"]["embedded"] for name in ("first", "second")]
    assert embedded == [FILES + 1, 0]


def test_a_damaged_file_exits_4_and_leaves_the_index(cli: Cli, project: Path, tmp_path: Path) -> None:
    digest = cli("status", project, "--json").json["digest"]
    cli("export", tmp_path / "index.tar.zst", project)
    content = bytearray((tmp_path / "index.tar.zst").read_bytes())
    content[len(content) // 2] ^= 255
    (tmp_path / "index.tar.zst").write_bytes(content)
    done = cli("import", tmp_path / "index.tar.zst", project)
    assert (done.code, "index.tar.zst" in done.err) == (4, True)
    assert cli("status", project, "--json").json["digest"] == digest
    assert cli("import", tmp_path / "missing", project).code == 3
