"""A bare repository is indexed by revision, in itself or elsewhere, and follows what is pushed to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.config import Config
from indexer.errors import SourceError
from indexer.stores.generation.layout import default_index_dir
from indexer.types import SourceFile
from pipelines.build import build
from pipelines.source import open_source
from pipelines.status import read_status
from tests.integration.fleet.fleets import bring_up_to_date, hits_of
from tests.integration.git_sources import CONFIG, contents, made
from tests.trees import FILES, git, repository, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "root")


@pytest.fixture
def bare(root: Path) -> Path:
    git(root.parent, "clone", "-q", "--mirror", "root", "mirror.git")
    git(root, "remote", "add", "origin", "../mirror.git")
    return root.parent / "mirror.git"


def test_it_gives_the_digest_of_a_checkout_and_what_is_pushed_is_an_increment(root: Path, bare: Path) -> None:
    write(root, {".gitattributes": "b/d/** linguist-generated\n", ".indexerignore": "x.py\n", "x.py": "x = 1\n"})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "rules")
    git(root, "push", "-q", "origin", "main")
    report = made(bare, "rev:main")
    assert (report.digest, report.source) == (made(root, "worktree").digest, "rev:main")
    assert sorted(path.name for path in bare.iterdir() if path.name not in ("branches", "config")) == sorted(
        [".indexer", "HEAD", "description", "hooks", "info", "objects", "packed-refs", "refs"]
    )
    assert not made(bare).committed
    write(root, {"a.py": "a = 2\n"})
    git(root, "commit", "-qam", "two")
    git(root, "push", "-q", "origin", "main")
    assert read_status(bare, default_index_dir(bare), config=CONFIG).stale == 1
    report = made(bare)
    assert (report.files.modified, report.files.unchanged) == (1, 1)
    git(bare, "fsck", "--strict")
    git(bare, "gc", "-q")
    assert not made(bare).committed


def test_its_head_is_what_is_indexed_where_nothing_is_named(root: Path, bare: Path) -> None:
    git(root, "push", "-q", "origin", "main:other")
    git(bare, "symbolic-ref", "HEAD", "refs/heads/other")
    assert made(bare).source == "rev:HEAD"
    assert contents(bare, "rev:HEAD") == contents(bare, "rev:heads/other") == FILES
    for kind in ("staged", "worktree"):
        with pytest.raises(SourceError, match=r"is a bare repository.*--source rev:HEAD"):
            open_source(bare, Config(), kind=kind)


def test_an_index_elsewhere_leaves_it_alone_and_no_path_in_it_is_one_of_the_tree(root: Path, bare: Path) -> None:
    before = sorted(bare.rglob("*"))
    index_dir = root.parent / "index"
    assert build(bare, config=CONFIG, index_dir=index_dir).files.added == 3
    assert sorted(bare.rglob("*")) == before
    assert read_status(bare, index_dir, config=CONFIG).stale == 0
    source = open_source(bare, CONFIG, index_dir=bare / "b", kind="rev:main")
    assert [file.path for file in source.files() if isinstance(file, SourceFile)] == list(FILES)


def test_a_repository_in_its_own_folder_and_one_in_a_work_tree_are_their_own(root: Path, bare: Path) -> None:
    inner = root / "inner.git"
    git(root, "clone", "-q", "--bare", bare, inner)
    write(root, {"a.py": "a = 2\n"})
    git(root, "commit", "-qam", "two")
    assert contents(inner, "rev:HEAD") == FILES
    assert contents(root, "rev:HEAD") == FILES | {"a.py": "a = 2\n"}


def test_names_of_sha_256(tmp_path: Path) -> None:
    repository(tmp_path / "long", FILES, "--object-format=sha256")
    git(tmp_path, "clone", "-q", "--bare", "long", "long.git")
    assert contents(tmp_path / "long.git", "rev:main") == FILES


@pytest.mark.parametrize("kind", [None, "worktree", "staged", "rev:HEAD"])
def test_git_s_own_folder_of_a_work_tree_is_none(root: Path, bare: Path, kind: str | None) -> None:
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", bare, "lib")
    for folder in (root / ".git", root / ".git" / "hooks", root / ".git" / "modules" / "lib"):
        with pytest.raises(SourceError, match=r"is git's own folder of a repository; name the folder that holds \.git"):
            made(folder, kind)
        assert not default_index_dir(folder).exists()


def test_a_work_tree_within_git_s_own_folder_is_one(root: Path) -> None:
    git(root, "worktree", "add", "-q", ".git/beside", "-b", "beside")
    assert made(root / ".git" / "beside").files.added == len(FILES)
    assert contents(root / ".git" / "beside" / "b", "rev:HEAD") == {
        "c.py": FILES["b/c.py"],
        "d/e.py": FILES["b/d/e.py"],
    }


def test_a_folder_that_only_looks_like_one_is_a_folder(tmp_path: Path) -> None:
    root = write(tmp_path / "root", {"HEAD": "of a table\n", "objects/a.py": "a = 1\n", "refs/b.py": "b = 1\n"})
    assert made(root).source == "worktree"
    with pytest.raises(SourceError, match="no bare repository"):
        open_source(root, Config(), kind="rev:HEAD")


def test_settings_in_its_tree_are_not_read_and_that_is_said(root: Path, bare: Path) -> None:
    write(root, {".indexer.toml": "[walk]\nhidden = true\n", "b/.indexer.toml": "", "b/pyproject.toml": ""})
    write(root, {"pyproject.toml": "[project]\nname = 'tea'\n[tool.indexer.walk]\nhidden = true\n"})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "settings")
    git(root, "push", "-q", "origin", "main")
    source = open_source(bare, CONFIG, kind="rev:main")
    list(source.files())
    assert source.left_out.warnings == tuple(
        f"settings in {name} of rev:main are not read; give them with --config"
        for name in (".indexer.toml", "pyproject.toml")
    )
    write(root, {"pyproject.toml": "[project]\nname = 'tea'\n"})
    git(root, "rm", "-qf", ".indexer.toml")
    git(root, "commit", "-qam", "none")
    git(root, "push", "-q", "origin", "main")
    list(source.files())
    assert source.left_out.warnings == ()


def test_a_fleet_has_mirrors_by_a_glob_and_by_url(root: Path, bare: Path) -> None:
    folder = root.parent / "fleet"
    clones = folder / "clones" / "host.example" / "team"
    clones.mkdir(parents=True)
    for place in (folder / "mirrors" / "shop.git", clones / "tools.git"):
        git(root.parent, "clone", "-q", "--mirror", bare, place)
    (folder / "fleet.toml").write_text(
        'clones = "clones"\npaths = ["mirrors/*"]\n'
        '[[repository]]\nurl = "https://host.example/team/tools.git"\nrevision = "main"\n'
    )
    assert sorted(bring_up_to_date(folder).built) == ["shop", "tools"]
    assert sorted(hits_of(folder, "c", mode="text")) == ["shop/b/c.py", "tools/b/c.py"]
    write(root, {"tea.py": "def brew():\n    return 1\n"})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    git(root, "push", "-q", folder / "mirrors" / "shop.git", "main")
    assert sorted(bring_up_to_date(folder).built) == ["shop"]
    assert hits_of(folder, "brew", mode="text") == ["shop/tea.py"]
