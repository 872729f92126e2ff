"""What an upgrade costs beside its encoder: a whole process that upgrades, and one that only encodes the same texts.

python -m benchmarks.upgrade_cost [TREE] [--rounds N]

Both load the same model, on the same number of threads, and sort their texts by length in windows of the same size; the
one that upgrades also reads the texts from the index, reduces, measures recall and commits durably. They run in turn.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.inputs import flask_sources
from benchmarks.measure import Run, median_ratio, run, write_result
from indexer.stores.generation.reader import open_generation
from indexer.stores.text.document import decode_stored

INDEXER = Path(sys.executable).parent / "indexer"
_ENCODE = """
import json, sys
from pathlib import Path
from indexer.config import EncoderOptions
from indexer.encoders.registry import find_encoder
from indexer.stages.embed import embed
texts, options = json.loads(Path(sys.argv[1]).read_text()), EncoderOptions()
encoder = find_encoder(options).load(threads=options.threads, light=False)
for start in range(0, len(texts), 256):
    embed(texts[start : start + 256], encoder, token_budget=options.token_budget)
"""
"""The windows are those of pipelines.upgrade."""


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    tree = arguments.tree or flask_sources()
    upgrades: list[Run] = []
    encodes: list[Run] = []
    with tempfile.TemporaryDirectory() as scratch:
        fast, index, texts = (Path(scratch) / name for name in ("fast", "index", "texts.json"))
        build: list[str | Path] = [INDEXER, "build", tree, "--no-cache", "--quiet", "--json"]
        run([*build, "--fast", "--index-dir", fast])
        texts.write_text(json.dumps(_texts(fast)))
        for number in range(arguments.rounds):
            shutil.rmtree(index, ignore_errors=True)
            shutil.copytree(fast, index)
            for upgrading in (True, False) if number % 2 else (False, True):
                if upgrading:
                    upgrades.append(run([*build, "--index-dir", index]))
                else:
                    encodes.append(run([sys.executable, "-c", _ENCODE, texts]))
        report = json.loads(upgrades[-1].stdout)
        chunks = len(json.loads(texts.read_text()))
    figures = {
        "tree": tree.name,
        "rounds": arguments.rounds,
        "texts": chunks,
        "chunks_upgraded": report["chunks"]["upgraded"],
        "seconds_by_stage": report["seconds"],
        "upgrade_wall_seconds": statistics.median(one.wall_seconds for one in upgrades),
        "encode_wall_seconds": statistics.median(one.wall_seconds for one in encodes),
        "upgrade_over_encode_wall": median_ratio(
            [one.wall_seconds for one in upgrades], [one.wall_seconds for one in encodes]
        ),
        "upgrade_over_encode_cpu": median_ratio(
            [one.cpu_seconds for one in upgrades], [one.cpu_seconds for one in encodes]
        ),
    }
    print(write_result("upgrade_cost", "python -m benchmarks.upgrade_cost", figures), figures)


def _texts(index: Path) -> list[str]:
    """Return each distinct text of an index."""
    with open_generation(index) as generation:
        stored = (decode_stored(content) for _, content, _ in generation.text.scan())
        return list({one.text_hash: one.embedded_text for one in stored}.values())


if __name__ == "__main__":
    main()
