"""What `indexer tune` gains over the defaults with the bundled model, and with its float32 form as a folder.

    python -m benchmarks.tune

Each is a run of the command on flask's sources with settings of its own; the gain is the best way's speed over that of
the defaults, from the same run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.children import surroundings
from benchmarks.inputs import CACHE, flask_sources
from benchmarks.measure import run, write_result

SECONDS = 40


def main() -> None:
    """Measure and write the result."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        float32 = Path(temporary) / "float32"
        export: list[str | Path] = [sys.executable, "-m", "pipelines.export_model", "--variant", "fp32"]
        run([*export, "--out", float32, "--packages", CACHE / "packages"])
        for name, model in (("minilm", "minilm"), ("minilm, float32", f"path:{float32}")):
            home = Path(temporary) / f"home of {name}"
            home.mkdir()
            command: list[str | Path] = [Path(sys.executable).parent / "indexer", "tune", flask_sources()]
            command += ["--seconds", str(SECONDS), "--model", model, "--json"]
            told = msgspec.json.decode(run(command, env=surroundings(home)).stdout)
            keys = ("token_budget", "threads", "tokens_per_second")
            figures[name] = {
                "texts": told["texts"],
                "tokens": told["tokens"],
                "tried": [{key: tried[key] for key in keys} for tried in told["tried"]],
                "defaults": {key: told["before"][key] for key in keys},
                "best": {key: told["best"][key] for key in keys},
                "gain": told["best"]["tokens_per_second"] / told["before"]["tokens_per_second"],
            }
            print(name, figures[name], flush=True)
    write_result("tune", "python -m benchmarks.tune", figures)


if __name__ == "__main__":
    main()
