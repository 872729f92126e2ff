"""A small tree in several states, its index, and what must hold of the index whatever was done to it.

The encoder is the one without a model, so that a build is mostly what the attacks are about.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.children import Ended, Program
from benchmarks.snapshot import snapshot

STATES = 3
"""States of the tree that an index is made of, unless an attack asks for more; each costs a clean build."""
FILES = 10
SETTINGS = """[encoder]
name = "hashing"
[projection]
mode = "none"
[recall]
queries = 0
[parse]
workers = 1
"""
TIERED = """[encoder]
window_chunks = 8
[build]
commit_seconds = 0
[recall]
queries = 0
[parse]
workers = 1
"""
"""The encoder of the package, with static vectors first and an upgrade in several commits; its cache fills at once."""
SHARED_MEMORY = Path("/dev/shm")


class AttackedIndex:
    """One lane's tree, index and digests of clean builds; everything lies in `folder`."""

    def __init__(self, folder: Path, rng: random.Random, settings: str, states: int) -> None:
        """Write the tree and build its index in the first state, and an index of each state beside."""
        self.root, self.index_dir = folder / "root", folder / "root" / ".indexer"
        self.folder, self._rng = folder, rng
        for name in ("root", "home", "clean", "neighbour"):
            (folder / name).mkdir(parents=True)
        (folder / "neighbour" / "kept.txt").write_text("not yours\n")
        self._config = folder / "attack.toml"
        self._config.write_text(settings, encoding="utf-8")
        self.program = Program(folder / "home")
        clean = [self._clean(state) for state in range(states)]
        self.digests, self._vectors = [digest for digest, _ in clean], [vectors for _, vectors in clean]
        assert len(set(self.digests)) == states
        self.state = 0
        self.edit(0)
        self.build()
        self._names = {path.name for path in self.index_dir.iterdir()} | {"stat_cache"}

    @property
    def generation(self) -> Path:
        """The folder of the generation that is served."""
        return self.index_dir / "generations" / (self.index_dir / "CURRENT").read_text().split()[0]

    def edit(self, state: int) -> None:
        """Bring the tree into a state by whatever that takes: adding, changing, removing, and touching a few more."""
        wanted = tree(state)
        for path in sorted(self.root.rglob("*.*")):
            name = path.relative_to(self.root).as_posix()
            if not name.startswith(".indexer") and name not in wanted:
                path.unlink()
        for name, text in wanted.items():
            path = self.root / name
            path.parent.mkdir(exist_ok=True)
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
            elif self._rng.random() < 0.1:
                os.utime(path)
        self.state = state

    def command(self, name: str, *options: str | Path) -> list[str | Path]:
        """Return the arguments of a command on this index; a search is of `options`."""
        configured: list[str | Path] = ["--config", self._config] if name in ("build", "repair", "search") else []
        if name == "search":
            return [name, *options, "--root", self.root, *configured]
        quiet: list[str | Path] = ["--quiet"] if name == "build" else []
        return [name, self.root, *options, *configured, *quiet]

    def run(self, name: str, *options: str | Path, whole: bool = False, kill_after: float | None = None) -> Ended:
        """Run a command on this index, forked or as the whole program, to its end or to a kill -9."""
        program = self.program.whole if whole else self.program
        return program(*self.command(name, *options), kill_after=kill_after)

    def build(self, *options: str) -> None:
        """Build to the end: it must work, and give the digest of a clean build.

        A build that finds nothing changed takes no lock and sweeps nothing; `gc` does.
        """
        done = self.run("build", "--json", *options)
        assert done.code == 0, done
        assert done.json["digest"] == self.digests[self.state], "another digest than a clean build's"
        assert done.json["vector_digest"] == self._vectors[self.state], "other vectors than a clean build's"
        if not done.json["committed"]:
            collected = self.run("gc")
            assert collected.code == 0, collected

    def assert_whole(self, *allowed: int) -> int:
        """The index verifies and serves one of the allowed states; return which."""
        digest = self.verified_digest()
        states = [state for state in allowed if self.digests[state] == digest]
        assert states, f"serves none of the states {allowed}"
        return states[0]

    def verified_digest(self) -> str:
        """The index verifies; return its digest."""
        done = self.run("verify")
        assert done.code == 0, done
        return str(msgspec.json.decode((self.generation / "generation.json").read_bytes())["digest"])

    def assert_tidy(self) -> None:
        """After a build: nothing is in the index folder but what a clean one leaves; a search finds this state."""
        names = {path.name for path in self.index_dir.iterdir()}
        assert names <= self._names, f"left over: {sorted(names - self._names)}"
        staged = list((self.index_dir / "staging").iterdir())
        assert not staged, f"left over in staging: {staged}"
        kept = sorted(path.name for path in (self.index_dir / "generations").iterdir())
        assert len(kept) <= 3, f"left over: {kept}"  # the one that an upgrade began with is open until its end
        found = self.run("search", f"only_in_state_{self.state}", "-l", "--mode", "text", "-k", "1")
        assert found.out == f"{_marked(self.state)}\n", found

    def outside(self) -> dict[str, str]:
        """Return what lies around the index folder, to be compared after an attack."""
        return snapshot(self.folder, without=("home", "root/.indexer"))

    def _clean(self, state: int) -> tuple[str, str]:
        """Return the digests of content and vectors of a clean build of a state."""
        self.edit(state)
        done = self.run("build", "--index-dir", str(self.folder / "clean" / str(state)), "--json")
        assert done.code == 0, done
        return str(done.json["digest"]), str(done.json["vector_digest"])


def tree(state: int) -> dict[str, str]:
    """Return path and text of each file of a state; most are in several states, some of them changed."""
    rng = random.Random(state)
    files = {}
    for number in range(FILES):
        if rng.random() < 0.8:
            edition = rng.randrange(3)
            functions = (
                f"def part_{number}_{part}(value):\n    total = value * {number + part * edition}\n    return total\n"
                for part in range(3)
            )
            files[f"package_{number % 3}/module_{number}.py"] = "\n\n".join(functions)
    files["notes.md"] = f"# Notes\n\nEdition {rng.randrange(3)} of a text about parts and totals.\n"
    files[_marked(state)] = f"def only_in_state_{state}():\n    return {state}\n"
    return files


def _marked(state: int) -> str:
    return f"marked_{state}.py"


@contextmanager
def attacked_index(rng: random.Random, settings: str = SETTINGS, *, states: int = STATES) -> Iterator[AttackedIndex]:
    """Yield an index to attack, in memory where there is a file system for that, since no attack is about the disk."""
    parent = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True) as folder:
        yield AttackedIndex(Path(folder).resolve(), rng, settings, states)


def replaced(path: Path, content: bytes) -> None:
    """Give a file other content without touching files that are hard-linked to it."""
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)


def restored(index_dir: Path, saved: Path) -> None:
    """Put back an index that was saved by copying."""
    shutil.rmtree(index_dir, ignore_errors=True)
    shutil.copytree(saved, index_dir, symlinks=True)
