"""What git holds is indexed as it will be committed: staged trees and revisions in every kind of repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.config import Config, WalkOptions
from indexer.errors import SourceError
from indexer.sources import git_tree
from indexer.sources.git_reader import GitTreeReader
from indexer.stores.generation.layout import default_index_dir
from indexer.stores.generation.reader import open_generation
from indexer.types import SkippedFile, SkipReason, SourceFile, Stat
from pipelines.explain import explain
from pipelines.source import open_source
from pipelines.status import read_status
from tests.integration.git_sources import CONFIG, contents, made
from tests.trees import FILES, git, repository, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "root")


def skipped(root: Path, kind: str = "staged", options: WalkOptions | None = None) -> dict[str, SkipReason]:
    source = open_source(root, Config(walk=options or WalkOptions()), kind=kind)
    return {file.path: file.reason for file in source.files() if isinstance(file, SkippedFile)}


def test_a_partially_staged_file_is_taken_as_it_will_be_committed(root: Path) -> None:
    write(root, {"a.py": "a = 2\n", "new.py": "staged = 1\n", "untracked.py": "u = 1\n"})
    git(root, "add", "a.py", "new.py")
    write(root, {"a.py": "a = 2\nhalf = 1\n"})
    git(root, "rm", "-q", "--cached", "b/c.py")
    (root / "announced.py").write_text("x = 1\n")
    git(root, "add", "--intent-to-add", "announced.py")
    assert contents(root) == {"a.py": "a = 2\n", "b/d/e.py": "e = 1\n", "new.py": "staged = 1\n"}
    assert contents(root, "rev:HEAD") == FILES


def test_the_index_that_git_gives_its_hooks_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, {"a.py": "a = 2\n", "b/c.py": "c = 2\n"})
    git(root, "add", "b/c.py")
    seen = root.parent / "seen"
    hook = root / ".git" / "hooks" / "pre-commit"
    hook.write_text(f'#!/bin/sh\necho "$GIT_INDEX_FILE" > {seen}\ncp "$GIT_INDEX_FILE" {root}/.git/kept\n')
    hook.chmod(0o755)
    git(root, "commit", "-qm", "two", "a.py")  # the other change stays staged, and out of this commit
    assert "next-index" in seen.read_text()
    monkeypatch.setenv("GIT_INDEX_FILE", str(root / ".git" / "kept"))
    assert contents(root) == FILES | {"a.py": "a = 2\n"}
    monkeypatch.chdir(root)
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/kept")
    assert contents(root) == FILES | {"a.py": "a = 2\n"}
    other = repository(root.parent / "other", {"o.py": "o = 1\n"})
    assert contents(other) == {"o.py": "o = 1\n"}


def test_rules_and_attributes_are_those_of_the_tree_and_not_of_the_work_tree(root: Path) -> None:
    write(
        root,
        {
            ".gitignore": "*.log\n!.kept/\n",
            ".indexerignore": "private/\n",
            ".gitattributes": "b/** linguist-generated\nb/d/** -linguist-generated\n",
            "private/p.py": "p = 1\n",
            ".hidden/h.py": "h = 1\n",
            ".kept/k.py": "k = 1\n",
            "large.py": "x = 1\n" * 100,
            "empty.py": "",
        },
    )
    (root / "link.py").symlink_to("a.py")
    (root / "tracked.log").write_text("t\n")
    git(root, "add", "-A")
    git(root, "add", "-f", "tracked.log")
    (root / ".indexerignore").write_text("a.py\n")
    options = WalkOptions(max_file_bytes=500)
    assert sorted(contents(root, options=options)) == [".kept/k.py", "a.py", "b/d/e.py", "empty.py", "tracked.log"]
    assert skipped(root, options=options) == {
        "b/c.py": SkipReason.GENERATED,
        "large.py": SkipReason.TOO_LARGE,
        "link.py": SkipReason.SYMLINK,
    }
    source = open_source(root, Config(), kind="staged")
    assert {file.path: file.kept_by for file in source.files() if isinstance(file, SourceFile)}["b/d/e.py"]
    assert source.left_out.tracked_total == 13
    # A rule whose file is a link says nothing, and is named.
    (root / ".indexerignore").unlink()
    (root / ".indexerignore").symlink_to("a.py")
    git(root, "add", "-A")
    source = open_source(root, Config(), kind="staged")
    assert "private/p.py" in {file.path for file in source.files()}
    assert [".indexerignore" in warning for warning in source.left_out.warnings] == [True]


def test_a_folder_of_a_repository_has_the_rules_from_its_top(root: Path) -> None:
    write(
        root,
        {".indexerignore": "/b/d/\n", ".gitattributes": "b/generated.py linguist-generated\n", "b/generated.py": "g"},
    )
    git(root, "add", "-A")
    assert contents(root / "b") == {"c.py": "c = 1\n"}
    assert skipped(root / "b") == {"generated.py": SkipReason.GENERATED}
    assert contents(root / "b", "rev:HEAD") == {"c.py": "c = 1\n", "d/e.py": "e = 1\n"}


def test_a_clean_tree_gives_one_digest_from_every_source(root: Path) -> None:
    write(root, {"binary.bin": "\0\1", "empty.py": "", "odd\nname.py": "o = 1\n"})
    (root / "link.py").symlink_to("a.py")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    digests = {made(root, kind).digest for kind in ("worktree", "staged", "rev:HEAD", "rev:main", "worktree")}
    assert len(digests) == 1


def test_what_changed_is_told_before_anything_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(root, "staged")
    reads: list[str] = []

    class Counting(GitTreeReader):
        def read(self, path: str) -> tuple[bytes, Stat]:
            reads.append(path)
            return super().read(path)

    monkeypatch.setattr(git_tree, "GitTreeReader", Counting)
    assert not made(root, "staged").committed
    write(root, {"a.py": "a = 2\n"})
    assert not made(root).committed  # still what is staged
    git(root, "add", "a.py")
    assert read_status(root, default_index_dir(root), config=CONFIG).stale == 1
    report = made(root)
    assert (report.files.modified, report.files.unchanged) == (1, 2)
    assert made(root, "worktree").files.unchanged == 3
    assert made(root, "rev:HEAD").files.modified == 1
    assert reads == []


def test_an_index_says_what_it_is_of_and_is_compared_with_that(root: Path) -> None:
    made(root, "rev:main")
    with open_generation(default_index_dir(root)) as generation:
        assert (generation.manifest.source.kind, generation.manifest.source.root) == ("rev:main", "..")
    write(root, {"a.py": "a = 2\n"})
    git(root, "add", "a.py")
    assert read_status(root, default_index_dir(root), config=CONFIG).stale == 0
    git(root, "commit", "-qm", "two")
    assert read_status(root, default_index_dir(root), config=CONFIG).stale == 1


def test_a_linked_work_tree_has_an_index_of_its_own(root: Path) -> None:
    git(root, "worktree", "add", "-q", "../linked", "-b", "side")
    linked = root.parent / "linked"
    write(linked, {"a.py": "a = 3\n"})
    git(linked, "add", "a.py")
    assert contents(linked)["a.py"] == "a = 3\n"
    assert contents(root)["a.py"] == "a = 1\n"
    git(linked, "commit", "-qm", "side")
    assert contents(linked, "rev:HEAD")["a.py"] == "a = 3\n"
    assert contents(root, "rev:HEAD")["a.py"] == "a = 1\n"
    assert contents(root, "rev:side")["a.py"] == "a = 3\n"


def test_a_submodule_is_skipped_in_its_parent_and_a_source_of_its_own(root: Path, tmp_path: Path) -> None:
    outer = repository(tmp_path / "outer", {"o.py": "o = 1\n"})
    git(outer, "submodule", "--quiet", "add", "../root", "sub")
    git(outer, "commit", "-qm", "sub")
    assert contents(outer) == {"o.py": "o = 1\n"}
    assert skipped(outer) == {"sub": SkipReason.NESTED_REPOSITORY}
    assert made(outer, "staged").digest == made(outer, "worktree").digest
    write(outer / "sub", {"a.py": "a = 4\n"})
    git(outer / "sub", "add", "a.py")
    assert contents(outer / "sub") == FILES | {"a.py": "a = 4\n"}
    assert contents(outer / "sub", "rev:HEAD") == FILES


@pytest.mark.parametrize("index", ["--no-sparse-index", "--sparse-index"])
def test_a_sparse_checkout_is_indexed_whole(root: Path, index: str) -> None:
    git(root, "sparse-checkout", "set", "--cone", index, "b/d")
    assert not (root / "b" / "x").exists() and (root / "b" / "d" / "e.py").exists()
    write(root, {"f/g.py": "g = 1\n"})
    git(root, "add", "--sparse", "f/g.py")
    git(root, "commit", "-qm", "f")
    git(root, "sparse-checkout", "set", "--cone", index, "b/d")
    assert not (root / "f").exists()
    assert contents(root) == FILES | {"f/g.py": "g = 1\n"}


def test_unmerged_files_are_the_current_branchs_and_are_counted(root: Path) -> None:
    git(root, "checkout", "-qb", "side")
    write(root, {"a.py": "a = 'theirs'\n"})
    git(root, "commit", "-qam", "theirs")
    git(root, "checkout", "-q", "main")
    write(root, {"a.py": "a = 'ours'\n"})
    git(root, "rm", "-q", "b/c.py")
    git(root, "commit", "-qam", "ours")
    for command in (("merge", "side"), ("rebase", "side")):
        git(root, *command, check=False)
        side = "ours" if command[0] == "merge" else "theirs"  # a rebase stands on the other branch
        assert contents(root)["a.py"] == f"a = '{side}'\n"
        source = open_source(root, Config(), kind="staged")
        list(source.files())
        assert source.left_out.warnings == ("1 unmerged files are indexed as they are on the current branch",)
        assert made(root, "staged").chunks.total > 0
        git(root, command[0], "--abort")


def test_names_of_sha_256(tmp_path: Path) -> None:
    root = repository(tmp_path / "long", FILES, "--object-format=sha256")
    assert (
        contents(root) == contents(root, "rev:HEAD") == contents(root, "rev:" + git(root, "rev-parse", "HEAD")) == FILES
    )
    assert len({made(root, kind).digest for kind in ("worktree", "staged", "rev:HEAD")}) == 1


@pytest.mark.parametrize(
    "revision",
    ["HEAD", "@", "main", "heads/main", "refs/heads/main", "v1", "v2", "origin/main", "HEAD~1", "main^", "v2~1^0",
     "v2^{}", "main^{commit}", "main~1^{tree}", "ORIG_HEAD", "packed", "origin", "symbolic", "full", "short"],
)  # fmt: skip
def test_a_revision_is_the_one_that_git_names(root: Path, revision: str) -> None:
    write(root, {"a.py": "a = 2\n"})
    git(root, "branch", "packed")
    git(root, "tag", "v1")
    git(root, "pack-refs", "--all")
    git(root, "commit", "-qam", "two")
    git(root, "tag", "-am", "annotated", "v2")
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(root, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    git(root, "symbolic-ref", "refs/heads/symbolic", "refs/heads/packed")
    git(root, "update-ref", "ORIG_HEAD", "HEAD~1")
    full = git(root, "rev-parse", "HEAD")
    named = {"full": full, "short": full[:9]}.get(revision, revision)
    assert contents(root, f"rev:{named}")["a.py"].strip() == git(root, "cat-file", "-p", f"{named}^{{tree}}:a.py")


@pytest.mark.parametrize(
    "revision",
    ["", "nope", "-x", "../../config", "main\nHEAD", "main:a.py", ":a.py", "a b", "HEAD@{1}", "HEAD~9", "f" * 40],
)
def test_what_names_no_tree_is_refused(root: Path, revision: str) -> None:
    with pytest.raises(SourceError):
        contents(root, f"rev:{revision}")


def test_a_folder_outside_any_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no work tree of git"):
        open_source(tmp_path, Config(), kind="staged")
    with pytest.raises(SourceError, match="worktree, staged"):
        open_source(tmp_path, Config(), kind="stashed")


def test_a_repository_without_a_commit_has_what_is_staged(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    git(root, "init", "-q")
    assert contents(root) == {}
    write(root, FILES)
    git(root, "add", "-A")
    assert contents(root) == FILES
    with pytest.raises(SourceError, match="no such branch"):
        contents(root, "rev:HEAD")


def test_shared_and_packed_objects_are_found(root: Path) -> None:
    git(root, "gc", "-q")
    git(root.parent, "clone", "-q", "--shared", "root", "shared")
    assert contents(root.parent / "shared", "rev:HEAD") == FILES == contents(root)


def test_a_pointer_of_git_lfs_is_skipped_whatever_the_source_and_what_it_stands_for_is_taken(root: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'4d' * 32}\nsize 22\n"
    write(root, {"table.csv": pointer})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "large")
    for kind in ("worktree", "staged", "rev:HEAD"):
        assert made(root, kind).skips == {"lfs-pointer": 1}
    assert explain(root, "table.csv", config=CONFIG).message.endswith("elsewhere: stands for 22 bytes")
    write(root, {"table.csv": "leaf,minutes\nassam,4\n"})
    report = made(root, "worktree")
    assert (report.files.added, report.skips) == (1, {})
