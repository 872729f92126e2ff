"""What leaving function bodies out before parsing saves of a first build, and which symbols it changes.

python -m benchmarks.bodies FOLDER…        each a repository or other tree

Each folder is indexed with static vectors alone (`build --fast --no-cache`), its bodies left out and not, by turns;
both are processes of their own that fork their parse workers. Seconds are of the processor, of all processes
together, so that a busy machine does little to them; ratios are medians of pairs, below 1 where leaving out saves time.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.children import Program, be_program
from benchmarks.measure import alternate, median_ratio, write_result

ROUNDS = 5
QUIET = ("--fast", "--no-cache", "--quiet", "--json")


def main() -> None:
    """Measure each folder and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    folders = [folder.resolve() for folder in parser.parse_args().folders]
    figures = {folder.name: _compare(folder) for folder in folders}
    print(figures)
    print(write_result("bodies", "python -m benchmarks.bodies FOLDER…", figures))


def _compare(folder: Path) -> dict[str, Any]:
    """Return seconds with and without, their ratio, and the chunks of both."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        program = Program(Path(home))
        left_out, whole = alternate(
            partial(_build, program, folder, left_out=True),
            partial(_build, program, folder, left_out=False),
            rounds=ROUNDS,
        )
    return {
        "seconds, bodies left out": statistics.median(seconds for seconds, _ in left_out),
        "seconds, all parsed": statistics.median(seconds for seconds, _ in whole),
        "ratio": median_ratio([seconds for seconds, _ in left_out], [seconds for seconds, _ in whole]),
        "chunks, bodies left out": left_out[0][1],
        "chunks, all parsed": whole[0][1],
    }


def _build(program: Program, folder: Path, *, left_out: bool) -> tuple[float, int]:
    """Return the processor's seconds of a build, and its chunks."""
    spent = program.home / "spent"
    index_dir = program.home / ("left-out" if left_out else "whole")
    arguments: list[str | Path] = ["build", folder, "--index-dir", index_dir, "--full", *QUIET]
    done = program.run(_be_counted, arguments, left_out, str(spent))
    assert done.code == 0, done
    return float(spent.read_text()), int(done.json["chunks"]["total"])


def _be_counted(arguments: list[str], program: Program, left_out: bool, spent: str) -> None:
    """Be the program, and write down the seconds of its processes, which are forked from this one, in the end."""
    from indexer.stages.parse import bodies

    if not left_out:
        bodies._BODIES.clear()
    before = _seconds()
    try:
        be_program(arguments, program)
    finally:
        Path(spent).write_text(str(_seconds() - before))


def _seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(own.ru_utime + own.ru_stime for own in used)


if __name__ == "__main__":
    main()
