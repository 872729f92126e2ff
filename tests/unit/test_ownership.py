"""An index folder is this user's own and not the repository's, or it is not written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexer.errors import StorageError
from indexer.stores.ownership import is_tracked, open_to_write
from tests.trees import git


@pytest.fixture(params=[("sha1", "2"), ("sha1", "4"), ("sha256", "2"), ("sha256", "4")], ids="-".join)
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A repository in each form of the git index, with an index folder that git ignores."""
    hashes, version = request.param
    git(tmp_path, "init", "-q", f"--object-format={hashes}", ".")
    git(tmp_path, "config", "index.version", version)
    (tmp_path / ".indexer" / "generations").mkdir(parents=True)
    (tmp_path / ".indexer" / "generations" / "link").symlink_to("../..")
    for number in range(300):
        (tmp_path / f"{'a' * (number % 7)}{number}.py").write_text("")
    (tmp_path / ".indexer.toml").write_text("")
    (tmp_path / ".indexed").mkdir()
    (tmp_path / ".indexed" / "CURRENT").write_text("")
    (tmp_path / "below" / ".indexer").mkdir(parents=True)
    (tmp_path / "below" / ".indexer" / "file").write_text("")
    (tmp_path / "later.py").write_text("")
    git(tmp_path, "add", "--all", "--", ".", ":!.indexer")
    return tmp_path


def test_what_git_tracks_is_refused_and_nothing_else(repository: Path) -> None:
    index_dir = repository / ".indexer"
    assert is_tracked(repository / "below" / ".indexer")
    assert not is_tracked(index_dir)
    open_to_write(index_dir).close()
    git(repository, "add", "--intent-to-add", ".indexer")  # extended flags, which make version 2 version 3
    assert is_tracked(index_dir)
    git(repository, "add", ".indexer")
    with pytest.raises(StorageError, match=r"git tracks files in it.*git rm -r --cached \.indexer"):
        open_to_write(index_dir)
    git(repository, "rm", "-rq", "--cached", ".indexer")
    open_to_write(index_dir).close()


def test_a_linked_worktree_has_an_index_of_its_own(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "with an index")
    other = tmp_path_factory.mktemp("worktrees") / "other"
    git(repository, "worktree", "add", "-q", other)
    assert (other / ".git").is_file()
    assert is_tracked(other / ".indexer")
    git(other, "rm", "-rq", "--cached", ".indexer")
    assert not is_tracked(other / ".indexer")
    assert is_tracked(repository / ".indexer")


@pytest.mark.parametrize(
    "content", [b"", b"DIRC", b"DIRC\0\0\0\2\xff\xff\xff\xff.indexer/", b"DIRC\0\0\0\4\0\0\0\2" + b"\xff" * 99]
)
def test_a_git_index_that_cannot_be_read_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "index").write_bytes(content)
    assert not is_tracked(tmp_path / ".indexer")


def test_a_git_index_that_is_special_says_nothing(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    os.mkfifo(tmp_path / ".git" / "index")
    assert not is_tracked(tmp_path / ".indexer")
    (tmp_path / ".git" / "index").unlink()
    (tmp_path / ".git" / "index").symlink_to("/dev/zero")
    assert not is_tracked(tmp_path / ".indexer")
    (tmp_path / ".git" / "index").unlink()
    (tmp_path / ".git").rmdir()
    (tmp_path / ".git").write_bytes(b"gitdir: \0/\n")
    assert not is_tracked(tmp_path / ".indexer")


def test_another_users_folder_is_refused_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(StorageError, match=r"belongs to another user.*--index-dir"):
        open_to_write(tmp_path)
