"""A fleet of the repositories in a folder: engines side by side, an unchanged fleet, and its answers beside one index.

    python -m benchmarks.fleet REPOS [--queries FILE] [--parts engines unchanged union] [--rounds 1]

`engines` builds the fleet with static vectors and no cache by one builder, by the local pool and by Ray, in turns; the
digests must be equal. `unchanged` is `indexer fleet build` as a whole process where nothing changed, over 60 copies,
and after one file changed. `union` builds one index over a folder of all repositories, and asks both the queries of a
file of JSON lines with "query": the overlap is the share of one's ten best files among those of the other.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import indexer
from benchmarks.measure import run, write_result
from indexer.config import BuildOptions, Config, EncoderOptions
from pipelines.build import build
from pipelines.fleet.build import FleetJob, FleetReport, build_fleet
from pipelines.fleet.config import read_fleet_file
from pipelines.fleet.engine import Engine
from pipelines.fleet.local import LocalEngine
from pipelines.fleet.search import open_fleet
from pipelines.fleet.serial import SerialEngine
from pipelines.fleet.store import FOLDER, open_newest

CONFIG = Config(build=BuildOptions(upgrade="never"))
COPIES = 60
LIMIT = 10
PROGRAM = Path(sys.executable).parent / "indexer"


def fleet_of(repositories: Sequence[Path], folder: Path, engine: Engine) -> FleetReport:
    """Build a fleet of repositories in an empty folder, or bring it up to date."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "fleet.toml"
    file.write_text("paths = " + json.dumps([str(path) for path in repositories]) + "\n")
    roots = sorted({path.parent for path in repositories})
    return build_fleet(
        FleetJob(
            file=file, fleet=read_fleet_file(file), fleet_dir=folder / FOLDER, config=CONFIG, roots=roots, engine=engine
        )
    )


def engines(repositories: Sequence[Path], folder: Path, rounds: int) -> dict[str, Any]:
    """Return seconds by engine, the ratios, and what Ray takes more a shard once it has started."""
    from pipelines.fleet.on_ray import RayEngine, cluster

    seconds: dict[str, list[float]] = {"serial": [], "local": [], "ray": [], "ray_start": []}
    digests: set[str] = set()
    shards: dict[str, Any] = {}

    def time_of(name: str, engine: Engine, number: int) -> None:
        place = folder / f"{name}{number}"
        begun = time.perf_counter()
        report = fleet_of(repositories, place, engine)
        seconds[name].append(time.perf_counter() - begun)
        digests.add(report.digest)
        if name == "serial":
            opened = open_newest(place / FOLDER)
            opened.close()
            for shard in opened.manifest.shards:
                shards[shard.id] = {
                    "seconds": report.built[shard.id],
                    "megabytes": shard.bytes / 1e6,
                    "chunks": shard.chunks,
                    "index_megabytes": shard.index_bytes / 1e6,
                }
        shutil.rmtree(place)

    for number in range(rounds):
        time_of("serial", SerialEngine(), number)
        time_of("local", LocalEngine(), number)
        begun = time.perf_counter()
        with cluster():
            seconds["ray_start"].append(time.perf_counter() - begun)
            time_of("ray", RayEngine(), number)
    assert len(digests) == 1, digests
    medians = {name: statistics.median(own) for name, own in seconds.items()}
    return {
        "repositories": len(repositories),
        "digest": digests.pop(),
        "seconds": seconds,
        "local_is_faster": medians["serial"] / medians["local"],
        "ray_is_faster": medians["serial"] / medians["ray"],
        "ray_more_a_shard_seconds": (medians["ray"] - medians["local"]) / len(repositories),
        "shards": shards,
    }


def unchanged(repositories: Sequence[Path], folder: Path) -> dict[str, Any]:
    """Return seconds of whole processes where nothing changed, and what one change builds."""
    smallest = sorted(repositories, key=_bytes)[: COPIES // 3]
    code = folder / "code"
    for number in range(COPIES):
        origin = smallest[number % len(smallest)]
        shutil.copytree(origin, code / f"{origin.name}-{number}", symlinks=True, ignore=shutil.ignore_patterns(".git"))
    fleet_of(sorted(code.iterdir()), folder, LocalEngine())
    (folder / "fleet.toml").write_text('paths = ["code/*"]\n')
    command: list[str | Path] = [
        PROGRAM,
        "fleet",
        "build",
        "-f",
        folder / "fleet.toml",
        "--fast",
        "--no-cache",
        "--json",
    ]
    runs = [run(command) for _ in range(7)]
    assert not any(json.loads(own.stdout)["committed"] for own in runs[1:])
    changed = next(path for path in sorted((code / f"{smallest[0].name}-0").rglob("*")) if path.is_file())
    changed.write_bytes(changed.read_bytes() + b"\n# one more line\n")
    one = run(command)
    return {
        "repositories": COPIES,
        "nothing_changed_seconds": statistics.median(own.wall_seconds for own in runs[1:]),
        "nothing_changed_cpu_seconds": statistics.median(own.cpu_seconds for own in runs[1:]),
        "one_changed_seconds": one.wall_seconds,
        "one_changed_builds": sorted(json.loads(one.stdout)["built"]),
    }


def union(repositories: Sequence[Path], folder: Path, queries: Sequence[str]) -> dict[str, Any]:
    """Return the overlap of the ten best files of the fleet and of one index over all, and where they differ."""
    tree = folder / "union"
    for path in repositories:
        shutil.copytree(path, tree / path.name, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    fleet_of(sorted(tree.iterdir()), folder / "fleet", LocalEngine())
    build(tree, config=CONFIG)
    options = EncoderOptions(queries="static")
    shares: list[float] = []
    firsts = 0
    only = Counter[str]()
    with open_fleet(folder / "fleet", options=options) as fleet, indexer.open(tree, options=options) as whole:
        counts = whole.generation.manifest.counts
        files = {
            "fleet": sum(shard.files for shard in fleet.manifest.shards),
            "union": counts.files - counts.skipped,
        }
        for query in queries:
            found = _files(fleet.search(query, k=LIMIT * 3).hits)
            wanted = _files(whole.search(query, k=LIMIT * 3).hits)
            shares.append(len({*found} & {*wanted}) / max(1, len(wanted)))
            firsts += found[:1] == wanted[:1]
            only.update(path.partition("/")[0] for path in {*wanted} - {*found})
    return {
        "queries": len(queries),
        "overlap_at_10": statistics.fmean(shares),
        "same_ten": sum(share == 1 for share in shares) / len(shares),
        "same_first": firsts / len(queries),
        "files": files,
        "missed_by_repository": dict(only.most_common(5)),
    }


def _files(hits: Sequence[indexer.Hit]) -> list[str]:
    return list(dict.fromkeys(hit.path for hit in hits))[:LIMIT]


def _bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if ".git" not in path.parts)


def main() -> None:
    """Measure the parts that were asked for, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("repositories", type=Path)
    parser.add_argument("--queries", type=Path)
    parser.add_argument("--parts", nargs="+", default=["engines", "unchanged"])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="Where fleets are made and left.")
    arguments = parser.parse_args()
    repositories = sorted(path for path in arguments.repositories.resolve().iterdir() if path.is_dir())
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="fleet-"))
    try:
        for part in arguments.parts:
            if part == "engines":
                figures = engines(repositories, folder, arguments.rounds)
            elif part == "unchanged":
                figures = unchanged(repositories, folder / part)
            else:
                lines = arguments.queries.read_text().splitlines()
                figures = union(repositories, folder / part, [json.loads(line)["query"] for line in lines])
            write_result(f"fleet_{part}", f"python -m benchmarks.fleet REPOS --parts {part}", figures)
    finally:
        if arguments.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
