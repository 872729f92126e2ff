"""A stranger's repository, with or without an index in it, changes nothing outside itself, holds no command, and speaks
to no terminal; whatever a command can't do it names.

Every repository of `hostile` is built, searched, verified, repaired and collected. The user's folder around it is
compared before and after, entry by entry.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.attacked_index import SETTINGS
from benchmarks.children import Program
from benchmarks.snapshot import snapshot
from tests.e2e.hostile.attacks import attacks
from tests.e2e.hostile.place import HONEST, Place

if sys.platform == "win32":
    pytest.skip("needs links, FIFOs and fork", allow_module_level=True)

ATTACKS = attacks()
LIMIT_SECONDS = 30.0
OURS = ("out", "err", "work/repository/.indexer", ".cache/codebase-indexer")
"""What a command may write in the user's folder: what it prints, the repository's index, the cache."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder: files, photos in numbered folders, another project with an index, and a repository with one."""
    home = tmp_path_factory.mktemp("template") / "home"
    for name, text in {
        ".bashrc": "export EDITOR=vi\n",
        ".ssh/id_ed25519": "a key\n",
        ".cache/other/kept": "1",
        ".config/other/kept": "1",
        "hashing.toml": SETTINGS,
        "photos/00000001/beach.jpg": "sand\n",
        "photos/00000002/hill.jpg": "grass\n",
        "photos/00000999/sea.jpg": "water\n",
        "empty/.keep": "",
        "work/project/main.py": "def main():\n    return 0\n",
        "work/repository/honest.py": HONEST,
        "work/repository/model/model.onnx": "no model",
        "work/repository/sub/more.py": "def more():\n    return 2\n",
    }.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (home / "empty" / ".keep").unlink()
    (home / "database").mkdir()
    (home / "database" / "embeddings-1.sqlite").write_bytes(b"SQLite format 3\0 of another program")
    program = Program(home)
    for name in ("project", "repository"):
        for _ in range(2):  # twice, so that generations of two numbers are there
            done = program("build", home / "work" / name, "--config", home / "hashing.toml", "--full", "--quiet")
            assert done.code == 0, done
    # So that a build has something to add to the index that came along.
    (home / "work" / "repository" / "later.py").write_text("def later():\n    return 3\n")
    return home


@pytest.fixture
def place(template: Path, tmp_path: Path) -> Iterator[Place]:
    """A copy of the user's folder to attack."""
    home = tmp_path / "home"
    shutil.copytree(template, home, symlinks=True)
    yield Place(home)
    # A path too long for the system is too long for the removal of old test folders as well.
    subprocess.run(["rm", "-rf", home], check=True)


@pytest.mark.parametrize("name", list(ATTACKS))
def test_nothing_outside_changes_nothing_hangs_and_all_is_named(place: Place, name: str) -> None:
    attack = ATTACKS[name]
    if not attack.indexed:
        shutil.rmtree(place.index)
    attack.make(place)
    program = Program(place.home, place.repository, limit_seconds=LIMIT_SECONDS)
    root = str(place.repository)
    config = ("--config", str(place.home / "hashing.toml")) if attack.configured else ()
    before = snapshot(place.home, without=OURS)
    for command in (
        ("status", root, *config),
        ("search", "honest_function", "--root", root, "-k", "2", *config),
        ("search", "honest tea", "--root", root, "--mode", "vector", "--json", *config),
        ("build", root, *config),
        ("similar", "honest.py:1", "--root", root, *config),
        ("stats", root, *config),
        ("config", "show", root, *config),
        ("explain", "honest.py", "--root", root, *config),
        ("verify", root),
        ("repair", root, *config),
        ("gc", root, "--keep", "1"),
        ("build", root, "--full", *config),
        ("search", "honest_function", "--root", root, "-l", "-k", "1", *config),
    ):
        done = program(*command)
        assert not done.fault, (command[0], done.fault)
        assert _plain(done.out + done.err), (command[0], "a control character reaches the terminal", done)
        after = snapshot(place.home, without=OURS)
        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        assert not changed, (command[0], sorted(changed))
    if attack.served:
        assert done.out == "honest.py\n", done


def test_the_surroundings_are_seen_to_change(place: Place) -> None:
    before = snapshot(place.home, without=OURS)
    (place.home / "photos" / "00000001" / "beach.jpg").write_text("SAND\n")
    assert snapshot(place.home, without=OURS) != before


def _plain(text: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in text)
