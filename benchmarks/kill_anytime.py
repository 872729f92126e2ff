"""Kill real incremental builds at random times, and see that nothing is torn or lost.

Until two hundred are killed: edit a source tree, start `indexer build`, kill -9 it at a random moment of the time that
a build takes, and check that the old or the new generation is served whole, that `verify` finds nothing, and that the
next build gives the digest of a clean build. A build that ends before its moment is checked, and not counted.

python -m benchmarks.kill_anytime [KILLS]
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from itertools import count
from pathlib import Path

from benchmarks.measure import write_result
from indexer.config import Config, EncoderOptions, ProjectionOptions
from indexer.languages.analyzer import terms
from indexer.stores.generation.reader import open_generation
from pipelines.build import build
from pipelines.check.verify import verify

KILLS = 200
INDEXER = Path(sys.executable).parent / "indexer"
EDITED = "email/message.py"
CONFIG = Config(encoder=EncoderOptions(name="hashing"), projection=ProjectionOptions(mode="none"))
SETTINGS = '[encoder]\nname = "hashing"\n[projection]\nmode = "none"\n'
"""The encoder without a model: a build is then mostly what this is about, and two hundred take minutes."""


def main() -> None:
    """Run, write the result, and fail when anything was torn."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    figures = kill_builds(kills, seed=1)
    print(figures)
    if kills >= KILLS:
        print(write_result("kill_anytime", "python -m benchmarks.kill_anytime", figures))


def kill_builds(kills: int, *, seed: int) -> dict[str, object]:
    """Kill so many builds and return what was served afterwards; raises AssertionError when it was not whole."""
    rng = random.Random(seed)
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "source"
        copy_sources(root)
        config = Path(scratch) / "hashing.toml"
        config.write_text(SETTINGS, encoding="utf-8")
        command = [str(INDEXER), "build", str(root), "--config", str(config), "--no-cache", "--quiet"]
        digests, took = {}, 0.0
        for state in (0, 1):
            edit(root, state)
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            took = time.perf_counter() - start
            digests[state] = build(root, config=CONFIG, index_dir=Path(scratch) / f"clean-{state}").digest
        index_dir = root / ".indexer"
        for number in count():
            if outcomes["killed"] == kills:
                break
            state = number % 2
            edit(root, state)
            outcomes[kill_once(command, rng.uniform(0, took))] += 1
            served = check(index_dir, digests)
            outcomes["served the new generation" if served == state else "served the old generation"] += 1
            assert build(root, config=CONFIG).digest == digests[state]
            check(index_dir, {state: digests[state]})
    return {"build_seconds": took, "torn": 0, **dict(sorted(outcomes.items()))}


def copy_sources(root: Path) -> None:
    """Copy a package of the standard library."""
    library = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(library / "email", root / "email", ignore=shutil.ignore_patterns("__pycache__"))


def edit(root: Path, state: int) -> None:
    """Bring the tree into one of two states: a function more, a file less."""
    path = root / EDITED
    source = path.read_text(encoding="utf-8").partition("\n\ndef added_in_")[0]
    path.write_text(f"{source}\n\ndef added_in_{state}():\n    return {state}\n", encoding="utf-8")
    extra = root / "email" / "extra.py"
    if state:
        extra.write_text("def only_in_one_state():\n    return 1\n", encoding="utf-8")
    else:
        extra.unlink(missing_ok=True)


def kill_once(command: list[str], after_seconds: float) -> str:
    """Start a build and kill it after some time, unless it is done; return what happened."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(after_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.returncode in (0, -signal.SIGKILL), process.returncode
    return "killed" if process.returncode else "done before the kill"


def check(index_dir: Path, digests: dict[int, str]) -> int:
    """Return which state is served, whole; raise AssertionError otherwise."""
    report = verify(index_dir)
    assert report.ok, report.findings
    with open_generation(index_dir) as generation:
        state = next(state for state, digest in digests.items() if digest == generation.manifest.digest)
        found = generation.text.find("name", f"added_in_{state}")
        assert len(found) == 1 and not generation.text.find("name", f"added_in_{1 - state}")
        assert bool(generation.text.find("name", "only_in_one_state")) == bool(state)
        words = dict.fromkeys(terms(f"added_in_{state}"), 1.0)
        assert generation.text.search({"names": words}, limit=1)[0].id == found[0]
    return state


if __name__ == "__main__":
    main()
