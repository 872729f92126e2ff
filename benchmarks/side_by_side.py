"""Two checkouts of this project by turns on copies of one repository: whole processes of the command line.

python -m benchmarks.side_by_side OLD NEW REPOSITORY

OLD and NEW are git checkouts; the same interpreter and packages run both. Prints a table of medians; a ratio is the
median of those of each turn, so that a load that comes and goes falls on both. REPOSITORY needs a Python file.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.children import surroundings
from benchmarks.measure import Run, alternate, median_ratio, run, write_result

RACY_SECONDS = 2.5
"""After which a build trusts the stat of a file that was written before it."""
_MAIN = "import sys; from pipelines.cli.main import main; sys.exit(main())"


@dataclass(frozen=True, slots=True)
class Side:
    """A checkout with a copy of the repository, and a home, of its own."""

    checkout: Path
    root: Path
    home: Path

    def __call__(self, *arguments: str | Path) -> Run:
        """Run the command line of this checkout to its end."""
        return self._python(_MAIN, *arguments)

    def _python(self, code: str, *arguments: str | Path) -> Run:
        # -P keeps the working folder, whose packages may have the same names, off the path; PYTHONPATH comes first.
        environment = {**surroundings(self.home), "PYTHONPATH": str(self.checkout)}
        return run([sys.executable, "-P", "-c", code, *arguments], cwd=self.home, env=environment)

    def check(self) -> None:
        """Raise SystemExit unless what is imported is the checkout's."""
        code = "import indexer, pipelines; print(indexer.__file__, pipelines.__file__, sep='\\n')"
        for file in self._python(code).stdout.splitlines():
            if not Path(file).resolve().is_relative_to(self.checkout):
                raise SystemExit(f"{self.checkout}: is no checkout: {file} is imported in its place")


def main() -> None:
    """Measure, print the table, and write the result."""
    parser = argparse.ArgumentParser(prog="benchmarks.side_by_side", description=__doc__)
    for name in ("old", "new", "repository"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--rounds", type=int, default=15, help="of what is short")
    parser.add_argument("--builds", type=int, default=1, help="rounds of the full build, after one that does not count")
    parser.add_argument("--query", default="where is the configuration read")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        old, new = (
            _side(checkout.resolve(), Path(scratch) / name, options.repository)
            for name, checkout in (("old", options.old), ("new", options.new))
        )
        figures: dict[str, Any] = {"old": _commit(old.checkout), "new": _commit(new.checkout)}
        print("| what | old | new | new / old | CPU, new / old | rounds |\n| --- | --- | --- | --- | --- | --- |")
        for name, rounds, works in _works(old, new, options):
            runs = alternate(*works, rounds=rounds)
            wall = [[one.wall_seconds for one in side] for side in runs]
            cpu = [[one.cpu_seconds for one in side] for side in runs]
            seconds = [statistics.median(side) for side in wall]
            ratio, cpu_ratio = median_ratio(wall[1], wall[0]), median_ratio(cpu[1], cpu[0])
            figures[name] = {"seconds": seconds, "ratio": ratio, "cpu_ratio": cpu_ratio, "rounds": rounds}
            shown = f"{seconds[0]:.3f} s | {seconds[1]:.3f} s | {ratio:.2f} | {cpu_ratio:.2f} | {rounds}"
            print(f"| {name} | {shown} |", flush=True)
    write_result("side_by_side", "python -m benchmarks.side_by_side OLD NEW REPOSITORY", figures)


def _works(
    old: Side, new: Side, options: argparse.Namespace
) -> Iterator[tuple[str, int, tuple[Callable[[], Run], Callable[[], Run]]]]:
    """Yield what is measured, how often, and how each side does it; each needs what the one before left."""

    def both(work: Callable[[Side], Run]) -> tuple[Callable[[], Run], Callable[[], Run]]:
        return lambda: work(old), lambda: work(new)

    yield (
        "full build without the cache",
        options.builds,
        both(lambda side: side("build", side.root, "--full", "--no-cache", "--quiet")),
    )
    time.sleep(RACY_SECONDS)
    yield "nothing changed", options.rounds, both(lambda side: side("build", side.root, "--quiet"))
    yield "a function added to the largest Python file", options.rounds, both(_build_with_one_more)
    yield "search", options.rounds, both(lambda side: side("search", options.query, "--root", side.root))


def _build_with_one_more(side: Side) -> Run:
    file = max(side.root.rglob("*.py"), key=lambda path: (path.stat().st_size, path))
    name = f"added_{file.stat().st_size}"
    with file.open("a", encoding="utf-8") as handle:
        handle.write(f'\n\ndef {name}(value: int) -> int:\n    """Return {name}."""\n    return value\n')
    return side("build", side.root, "--quiet")


def _side(checkout: Path, folder: Path, repository: Path) -> Side:
    root = folder / "repository"
    shutil.copytree(repository, root, symlinks=True, ignore=shutil.ignore_patterns(".git", ".indexer"))
    if not any(root.rglob("*.py")):
        raise SystemExit(f"{repository}: has no Python file to add a function to")
    home = folder / "home"
    home.mkdir()
    side = Side(checkout, root, home)
    side.check()
    return side


def _commit(checkout: Path) -> str:
    git = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=7"]
    return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
