"""Whole-process seconds of the pre-commit hook beside `git status`, on a repository of 2,000 files.

python -m benchmarks.hook_times

The files are the standard library's, in their order, taken again into another folder until there are enough. The three
commands run in turn, round by round: `git status`; `indexer hook run` when nothing is staged that the index does not
know; and the same after one function of one file was changed and staged, which is not part of the time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from itertools import cycle, islice
from pathlib import Path

from benchmarks.measure import run, write_result

ROUNDS = 15
FILES = 2_000
MAX_BYTES = 12_000
INDEXER = Path(sys.executable).parent / "indexer"
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgSign=false")


def main() -> None:
    """Measure and write the result."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "repository"
        edited = make_repository(root)
        hook: list[str | Path] = [INDEXER, "hook", "run"]
        env = {"XDG_CACHE_HOME": str(Path(scratch) / "cache")}
        run(hook, cwd=root, env=env)
        interpreter, status, unchanged, changed, messages = [], [], [], [], set()
        original = edited.read_text(encoding="utf-8")
        for number in range(ROUNDS):
            interpreter.append(run([sys.executable, "-c", "pass"]).wall_seconds)
            status.append(run(["git", "status", "--short"], cwd=root).wall_seconds)
            done = run(hook, cwd=root, env=env)
            unchanged.append(done.wall_seconds)
            messages.add(done.stdout)
            edited.write_text(
                f"{original}\n\ndef steep_{number}(tea):\n    return tea.pour({number})\n", encoding="utf-8"
            )
            subprocess.run(["git", "add", edited], cwd=root, check=True)
            done = run(hook, cwd=root, env=env)
            changed.append(done.wall_seconds)
            if "1 modified" not in done.stdout:
                raise SystemExit(f"the hook did not see the change: {done.stdout}")
        if messages != {""}:
            raise SystemExit(f"the hook had something to say when nothing changed: {messages}")
    figures = {
        "files": FILES,
        "bare_interpreter_seconds": statistics.median(interpreter),
        "git_status_seconds": statistics.median(status),
        "nothing_changed_seconds": statistics.median(unchanged),
        "nothing_changed_seconds_max": max(unchanged),
        "one_file_changed_seconds": statistics.median(changed),
        "one_file_changed_seconds_max": max(changed),
        "encoder": os.environ.get("INDEXER_ENCODER_NAME", "as the precommit preset has it"),
        "rounds": ROUNDS,
    }
    print(write_result("hook_times", "python -m benchmarks.hook_times", figures), figures)


def make_repository(root: Path) -> Path:
    """Commit 2,000 files; return one of them, smaller than most."""
    library = Path(sysconfig.get_path("stdlib"))
    sources = [
        path
        for path in sorted(library.rglob("*.py"))
        if "site-packages" not in path.parts and path.stat().st_size <= MAX_BYTES
    ]
    for number, source in enumerate(islice(cycle(sources), FILES)):
        target = root / f"round_{number // len(sources)}" / source.relative_to(library)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "all")):
        subprocess.run([*GIT, *command], cwd=root, check=True)
    return sorted((root / "round_0").rglob("*.py"), key=lambda path: path.stat().st_size)[FILES // 8]


if __name__ == "__main__":
    main()
