"""What git holds is indexed as it will be committed: staged trees and revisions in every kind of repository."""

from __future__ import annotations

import os
import pickle
import subprocess
from pathlib import Path

import pytest

from indexer.config import Config, EncoderOptions, ParseOptions, ProjectionOptions, WalkOptions
from indexer.errors import SourceError
from indexer.sources import git_tree
from indexer.sources.git_reader import GitTreeReader
from indexer.stages import detect as detection
from indexer.stores.generation.layout import default_index_dir
from indexer.stores.generation.reader import open_generation
from indexer.types import SkippedFile, SkipReason, SourceFile, Stat
from pipelines.build import build
from pipelines.report import BuildReport
from pipelines.source import open_source
from pipelines.status import read_status

CONFIG = Config(
    encoder=EncoderOptions(name="hashing"), projection=ProjectionOptions(mode="none"), parse=ParseOptions(workers=1)
)
SETTINGS = ("protocol.file.allow=always", "user.name=a", "user.email=a@b", "commit.gpgSign=false")


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    """Run git without the settings of the machine."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_EDITOR": "true"}
    settings = [word for setting in SETTINGS for word in ("-c", setting)]
    done = subprocess.run(
        ["git", *settings, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout.strip()


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


FILES = {"a.py": "a = 1\n", "b/c.py": "c = 1\n", "b/d/e.py": "e = 1\n"}


def repository(root: Path, files: dict[str, str] = FILES, *arguments: str) -> Path:
    """Make a repository with one commit."""
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main", *arguments)
    write(root, files)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "root")


def contents(root: Path, kind: str = "staged", options: WalkOptions | None = None) -> dict[str, str]:
    """Return what a source gives for each file that it takes."""
    source = open_source(root, Config(walk=options or WalkOptions()), kind=kind)
    taken = [file for file in source.files() if isinstance(file, SourceFile)]
    reader = pickle.loads(pickle.dumps(source.reader()))
    read = {file.path: reader.read(file.path) for file in taken}
    assert [file.stat for file in taken] == [stat for _, stat in read.values()]
    return {path: content.decode() for path, (content, _) in read.items()}


def skipped(root: Path, kind: str = "staged", options: WalkOptions | None = None) -> dict[str, SkipReason]:
    source = open_source(root, Config(walk=options or WalkOptions()), kind=kind)
    return {file.path: file.reason for file in source.files() if isinstance(file, SkippedFile)}


def made(root: Path, kind: str | None = None) -> BuildReport:
    return build(root, config=CONFIG, source_kind=kind)


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
    with pytest.raises(SourceError, match="no git repository"):
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


def test_an_object_that_is_not_here_is_a_skip_that_says_so(root: Path) -> None:
    blob = git(root, "rev-parse", "HEAD:a.py")
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert skipped(root) == {"a.py": SkipReason.UNREADABLE}
    report = made(root, "staged")
    assert (report.files.added, report.skips) == (2, {"unreadable": 1})


@pytest.fixture
def clone(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh clone with the index of another one, whose files are older than it and than git's index."""
    made(root)
    clone = root.parent / "clone"
    git(root.parent, "clone", "-q", "root", "clone")
    default_index_dir(root).rename(default_index_dir(clone))
    os.utime(clone / ".git" / "index", ns=((clone / ".git" / "index").stat().st_mtime_ns + 10**9,) * 2)
    return clone


def reads_of(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []

    class Counting(detection._Comparison):
        def _read(self, file: SourceFile) -> bytes | None:
            found.append(file.path)
            return super()._read(file)

    monkeypatch.setattr(detection, "_Comparison", Counting)
    return found


def test_a_fresh_clone_reads_nothing_that_its_cached_index_knows(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = reads_of(monkeypatch)
    assert not made(clone).committed
    assert reads == []
    write(clone, {"a.py": "a = 5\n"})
    assert made(clone).files.modified == 1
    assert reads == ["a.py"]


def test_a_file_that_git_can_not_vouch_for_is_read(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changed in the tick in which git's index was written, a file may be another than the index says."""
    reads = reads_of(monkeypatch)
    os.utime(clone / ".git" / "index", ns=((clone / "a.py").stat().st_mtime_ns,) * 2)
    assert not made(clone).committed
    assert "a.py" in reads


def test_content_behind_a_filter_is_never_taken_for_the_blob(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "dos", {".gitattributes": "*.py text eol=crlf\n", "a.py": "a = 1\n"})
    (root / "a.py").unlink()
    git(root, "checkout", "-q", "a.py")
    assert (root / "a.py").read_bytes() == b"a = 1\r\n"
    os.utime(root / ".git" / "index", ns=((root / ".git" / "index").stat().st_mtime_ns + 10**9,) * 2)
    made(root)
    with open_generation(default_index_dir(root)) as generation:
        assert generation.catalog.records()["a.py"].blob == b""
    # What is staged is other content than the work tree's, and is told so either way.
    assert made(root, "staged").files.modified == 1
    assert made(root, "worktree").files.modified == 1
