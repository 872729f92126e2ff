"""No setting of a repository runs a program, fetches anything or holds a command when git reads its objects."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from indexer.config import Config
from indexer.errors import SourceError
from indexer.git import objects
from indexer.types import SourceFile
from pipelines.source import open_source
from tests.integration.git_sources import contents
from tests.trees import FILES, git, repository

PROGRAMS = (
    "core.fsmonitor",
    "core.sshCommand",
    "core.pager",
    "core.editor",
    "core.askPass",
    "core.alternateRefsCommand",
    "core.gitProxy",
    "pager.cat-file",
    "alias.cat-file",
    "credential.helper",
    "diff.external",
    "diff.evil.textconv",
    "diff.evil.command",
    "filter.evil.clean",
    "filter.evil.smudge",
    "filter.evil.process",
    "merge.evil.driver",
    "gpg.program",
    "remote.origin.uploadpack",
    "remote.origin.vcs",
    "uploadpack.packObjectsHook",
    "trailer.evil.command",
)


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which every setting that can name a program names one that leaves `ran` behind."""
    root = repository(tmp_path / "root", FILES | {".gitattributes": "*.py filter=evil diff=evil merge=evil\n"})
    program = tmp_path / "program"
    program.write_text(f"#!{sys.executable}\nopen({str(tmp_path / 'ran')!r}, 'a').write('ran ')\n")
    program.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "reference-transaction", "post-checkout", "pre-commit"):
        shutil.copy(program, hooks / name)
    for name in PROGRAMS:
        value = f"!{program}" if name.startswith(("alias", "credential")) else str(program)
        git(root, "config", name, value)
    git(root, "config", "core.hooksPath", str(hooks))
    git(root, "config", "remote.origin.url", f"ext::{program} %S")
    git(root, "config", "remote.origin.promisor", "true")
    git(root, "config", "protocol.allow", "always")
    git(root, "config", "core.repositoryFormatVersion", "1")
    git(root, "config", "extensions.partialClone", "origin")
    for name in ("GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_ASKPASS"):
        monkeypatch.setenv(name, str(program))
    return root


def remove(root: Path, name: str) -> None:
    """Remove an object, which the repository then says that a remote has promised."""
    blob = git(root, "rev-parse", name)
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()


def test_no_setting_is_read_even_where_an_object_is_missing(hostile: Path, tmp_path: Path) -> None:
    trees = {"staged": git(hostile, "ls-files"), "rev:HEAD": git(hostile, "ls-tree", "-r", "HEAD")}
    (tmp_path / "ran").unlink(missing_ok=True)
    assert all(trees.values())
    assert contents(hostile) == contents(hostile, "rev:HEAD") == FILES
    assert not (tmp_path / "ran").exists()
    blob = git(hostile, "rev-parse", "HEAD:a.py")
    (tmp_path / "ran").unlink(missing_ok=True)
    (hostile / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert "a.py" not in contents(hostile) and "a.py" not in contents(hostile, "rev:HEAD")
    assert not (tmp_path / "ran").exists()
    git(hostile, "cat-file", "-p", blob, check=False)
    assert (tmp_path / "ran").exists()  # so the settings do run programs where they are read


def test_no_setting_of_a_bare_repository_is_read(hostile: Path, tmp_path: Path) -> None:
    """One may lie among the files of a repository, for git to find and obey (`safe.bareRepository`)."""
    bare = hostile / "bare.git"
    shutil.copytree(hostile / ".git", bare)
    git(bare, "config", "core.bare", "true")
    assert contents(bare, "rev:HEAD") == FILES
    blob = git(bare, "rev-parse", "HEAD:a.py")
    (bare / "objects" / blob[:2] / blob[2:]).unlink()
    (tmp_path / "ran").unlink(missing_ok=True)
    assert "a.py" not in contents(bare, "rev:HEAD")
    assert not (tmp_path / "ran").exists()
    git(bare, "cat-file", "-p", blob, check=False)
    assert (tmp_path / "ran").exists()


def test_git_is_given_no_environment_but_ours_and_another_users_repository_is_read(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """safe.directory guards against a repository's settings, and here they are not read."""
    given: list[dict[str, str]] = []
    popen: Any = subprocess.Popen

    def start(*arguments: Any, env: dict[str, str], **more: Any) -> Any:
        given.append(env)
        return popen(*arguments, env=env, **more)

    monkeypatch.setattr(subprocess, "Popen", start)
    if os.geteuid() == 0:
        for folder in (hostile, hostile / ".git"):
            os.chown(folder, 12345, 12345)
    assert contents(hostile) == FILES
    allowed = {"GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL", "LC_ALL"}
    assert given and all(set(env) == allowed for env in given)
    assert all(Path(env["GIT_DIR"]).parent == Path(objects.__file__).parent / "no_repository" for env in given)


def test_a_replaced_object_is_not_taken_for_the_one_that_is_named(hostile: Path) -> None:
    other = git(hostile, "hash-object", "-w", "b/c.py", "--no-filters")
    git(hostile, "replace", git(hostile, "rev-parse", "HEAD:a.py"), other)
    assert contents(hostile) == FILES


def test_the_folder_that_stands_for_a_repository_is_found_as_none(tmp_path: Path) -> None:
    folder = shutil.copytree(Path(objects.__file__).parent / "no_repository" / "sha1", tmp_path / "copy")
    assert git(folder, "rev-parse", "--git-dir", check=False) == ""


def test_a_fifo_in_the_place_of_a_pack_or_of_alternates_holds_nobody(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "LIMIT_SECONDS", 1.0)
    os.mkfifo(hostile / ".git" / "objects" / "info" / "alternates")
    start = time.monotonic()
    for kind in ("staged", "rev:HEAD"):
        with pytest.raises(SourceError, match="did not answer"):
            list(open_source(hostile, Config(), kind=kind).files())
    reader = objects.ObjectReader(objects.ObjectStore(shutil.which("git") or "", str(hostile / ".git/objects"), "sha1"))
    for _ in range(3):  # the first waits, the others know
        with pytest.raises(OSError, match="did not answer"):
            reader.read("1" * 40, 100)
    assert time.monotonic() - start < 60


def test_an_index_that_names_files_elsewhere_is_refused(hostile: Path) -> None:
    index = hostile / ".git" / "index"
    index.write_bytes(index.read_bytes().replace(b"b/d/e.py", b"../../xy"))
    with pytest.raises(SourceError, match="can't be a file"):
        list(open_source(hostile, Config(), kind="staged").files())


def test_names_of_objects_are_one_line(hostile: Path) -> None:
    source = open_source(hostile, Config(), kind="staged")
    assert [file for file in source.files() if isinstance(file, SourceFile)]
    reader = objects.ObjectReader(objects.ObjectStore(shutil.which("git") or "", str(hostile / ".git/objects"), "sha1"))
    for name in ("", "a\nb", "é", "a\0b"):
        with pytest.raises(OSError, match="no name"):
            reader.read(name, 100)
    reader.close()
