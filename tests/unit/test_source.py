"""The user's own git settings say which file of global excludes counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexer.config import Config, WalkOptions
from pipelines.source import global_excludes_file, open_source


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    (folder / ".config" / "git").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    return folder


def test_the_default_place_and_where_the_platform_has_another(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert global_excludes_file() == home / ".config" / "git" / "ignore"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    assert global_excludes_file() == home / "xdg" / "git" / "ignore"


@pytest.mark.parametrize(
    ("written", "named"),
    [("~/ignored", "ignored"), ('"~/a b"', "a b"), ("relative", "relative"), ("/etc/excludes", "/etc/excludes")],
)
def test_the_file_that_is_configured(home: Path, written: str, named: str) -> None:
    (home / ".config" / "git" / "config").write_text("[core]\n\texcludesFile = /first\n")
    (home / ".gitconfig").write_text(f"[user]\n\tname = a\n[core]\n\texcludesfile = {written}\n")
    assert global_excludes_file() == home / named


def test_settings_that_replace_the_users_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".gitconfig").write_text("[core]\n\texcludesfile = ~/own\n")
    (home / "other").write_text("[core]\n\texcludesfile = ~/others\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "other"))
    assert global_excludes_file() == home / "others"


def test_settings_that_are_no_file_hold_nobody(home: Path) -> None:
    os.mkfifo(home / ".gitconfig")
    (home / ".config" / "git" / "config").symlink_to("/dev/zero")
    assert global_excludes_file() == home / ".config" / "git" / "ignore"


def test_a_work_tree_heeds_them(home: Path, tmp_path: Path) -> None:
    (home / ".config" / "git" / "ignore").write_text("*.swp\n")
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("a.py", "a.swp"):
        (tree / name).touch()
    source = open_source(tree, Config(walk=WalkOptions()))
    assert [file.path for file in source.files()] == ["a.py"]
