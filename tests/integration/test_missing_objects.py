"""A revision is indexed whole or not at all: what git lacks is named, not fetched, and what was committed stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from indexer.config import WalkOptions
from indexer.errors import SourceError
from indexer.stores.generation.layout import default_index_dir, generation_numbers
from pipelines.build import build
from pipelines.check.verify import verify
from pipelines.plan import plan
from pipelines.source import open_source
from pipelines.status import read_status
from tests.integration.fleet.fleets import bring_up_to_date
from tests.integration.git_sources import CONFIG, made
from tests.trees import FILES, git, repository, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = repository(tmp_path / "root")
    git(root, "config", "uploadpack.allowFilter", "true")
    return root


def clone(root: Path, *options: str) -> Path:
    git(root.parent, "clone", "-q", *options, f"file://{root}", "clone")
    return root.parent / "clone"


def object_file(root: Path, name: str) -> Path:
    blob = git(root, "rev-parse", name)
    return root / ".git" / "objects" / blob[:2] / blob[2:]


def test_a_partial_clone_is_refused_with_what_it_lacks_and_nothing_is_fetched(root: Path) -> None:
    part = clone(root, "--filter=blob:none", "--no-checkout")
    ran = root.parent / "ran"
    program = root.parent / "upload-pack"
    program.write_text(f'#!/bin/sh\ntouch {ran}\nexec git-upload-pack "$@"\n')
    program.chmod(0o755)
    git(part, "config", "remote.origin.uploadpack", str(program))
    with pytest.raises(SourceError, match=r"a\.py: .* one of 3 such files of rev:HEAD, .*--refetch --no-filter"):
        made(part, "rev:HEAD")
    with pytest.raises(SourceError, match="one of 3 such files"):
        list(plan(part, config=CONFIG, source_kind="rev:HEAD"))
    assert generation_numbers(default_index_dir(part)) == []
    assert not ran.exists()
    git(part, "fetch", "-q", "--refetch", "--no-filter")  # what the message says
    assert ran.exists()  # so whoever fetches does run it
    assert made(part, "rev:HEAD").digest == made(root, "rev:HEAD").digest


def test_a_clone_without_its_large_files_is_indexed_once_they_are_excluded(root: Path) -> None:
    write(root, {"large.bin": "large\n" * 2000})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "large")
    mirror = clone(root, "--mirror", "--filter=blob:limit=1k")
    with pytest.raises(SourceError, match=r"large\.bin: .* one of 1 such"):
        made(mirror)
    report = build(mirror, config=replace(CONFIG, walk=WalkOptions(exclude=("*.bin",))))
    assert (report.files.added, report.skips) == (3, {})


def test_what_was_committed_stays_until_the_new_files_are_here(root: Path) -> None:
    part = clone(root, "--filter=blob:none")
    first = made(part, "rev:origin/main")
    write(root, {"new.py": "n = 1\n", "a.py": "a = 2\n"})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    git(part, "fetch", "-q")
    for _ in range(2):
        with pytest.raises(SourceError, match=r"a\.py: .* one of 2 such files of rev:origin/main"):
            made(part)
    status = read_status(part, default_index_dir(part), config=CONFIG)
    assert (status.generation, status.digest, status.stale) == (first.generation, first.digest, 2)
    git(part, "merge", "-q", "origin/main")
    second = made(part)
    assert (second.files.added, second.files.modified, second.files.unchanged) == (1, 1, 2)


def test_a_sparse_checkout_of_a_partial_clone_is_staged_as_far_as_it_is_here_and_says_so(root: Path) -> None:
    part = clone(root, "--filter=blob:none", "--sparse")
    report = made(part, "staged")
    assert (report.files.added, report.skips) == (1, {"unreadable": 2})
    source = open_source(part, CONFIG, kind="staged")
    list(source.files())
    (warning,) = source.left_out.warnings
    assert warning.startswith("b/c.py: git does not hold it here") and warning.endswith("2 such files are left out")
    with pytest.raises(SourceError, match="one of 2 such files"):
        made(part, "rev:HEAD")


def test_where_git_has_nothing_of_what_is_staged_no_rule_is_blamed(root: Path) -> None:
    report = made(clone(root, "--filter=blob:none", "--no-checkout"), "staged")
    part = root.parent / "clone"
    assert report.warnings == [f"nothing is indexed: source staged of {part} holds no file that the rules let through"]
    git(part, "reset", "-q")
    report = made(part, "staged")
    lacking, nothing = report.warnings
    assert lacking.startswith("a.py: git does not hold it here")
    assert nothing.endswith("holds no file but skipped ones (unreadable 3)")


def test_an_ignore_file_that_git_lacks_is_missed_too(root: Path) -> None:
    write(root, {".indexerignore": "a.py\n"})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "rules")
    object_file(root, "HEAD:.indexerignore").unlink()
    with pytest.raises(SourceError, match=r"\.indexerignore: .* one of 1 such"):
        made(root, "rev:HEAD")


@pytest.mark.parametrize("kind", ["staged", "rev:HEAD"])
def test_a_damaged_object_is_named_and_takes_no_other_files_with_it(root: Path, kind: str) -> None:
    """Git ends at the first of them, and answers for none of those after it."""
    write(root, {"b/c.py": "".join(f"c{n} = {n * n}\n" for n in range(2000))})
    git(root, "commit", "-qam", "two")
    first = made(root, "worktree")
    damaged = object_file(root, "HEAD:b/c.py")
    content = damaged.read_bytes()
    damaged.chmod(0o600)
    damaged.write_bytes(content[:-100] + bytes(100))
    with pytest.raises(SourceError, match=r"^b/c\.py: .*`git fsck`"):
        build(root, config=CONFIG, source_kind=kind, full=True)
    assert read_status(root, default_index_dir(root), config=CONFIG).generation == first.generation
    damaged.write_bytes(content)
    assert build(root, config=CONFIG, source_kind=kind, full=True).files.added == 3


def test_a_revision_that_a_shallow_clone_lacks_is_called_by_its_name(root: Path) -> None:
    git(root, "commit", "-qm", "two", "--allow-empty")
    shallow = clone(root, "--depth=1")
    with pytest.raises(SourceError, match=r"^rev:HEAD~1: .*--unshallow"):
        made(shallow, "rev:HEAD~1")


def test_an_index_is_not_compared_with_less_than_its_revision(root: Path) -> None:
    made(root, "rev:HEAD")
    object_file(root, "HEAD:a.py").unlink()
    assert not made(root).committed  # nothing is asked for what is indexed
    with pytest.raises(SourceError, match=r"a\.py: "):
        verify(default_index_dir(root), source=(open_source(root, CONFIG, kind="rev:HEAD"), CONFIG))


def test_a_fleet_names_a_repository_that_is_not_here_in_full(root: Path) -> None:
    clone(root, "--filter=blob:none", "--no-checkout")
    folder = root.parent
    (folder / "fleet.toml").write_text('paths = ["root"]\n[[repository]]\npath = "clone"\nrevision = "main"\n')
    report = bring_up_to_date(folder, partial=True)
    assert [failure.id for failure in report.failed] == ["clone"]
    assert f"clone/{min(FILES)}: git does not hold its content" in report.failed[0].message
