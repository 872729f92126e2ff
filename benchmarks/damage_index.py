"""Alter files of an index, and manifests with every checksum right, and see what search, verify and build make of it.

python -m benchmarks.damage_index [--files 1000] [--manifests 10000] [--resume]

Each time an index of two generations is put back, altered, and met by `search`, `verify` and `build` on an edited tree.
Each must end with an answer or a named error and a documented exit code, and change nothing outside the index. Where
checksums were not made right again, an answer must be that of the index before, and a build that works must end at a
clean build's digest. Every tenth time `build --full` must do so whatever was altered. What is not so is listed under
`harmed`, and the program exits with 1. The result is written round by round; `--resume` goes on where it ends.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from benchmarks.attacked_index import AttackedIndex, attacked_index, replaced, restored
from benchmarks.fork_server import added_up, in_lanes
from benchmarks.measure import RESULTS, added, write_result
from benchmarks.reseal import file_sum, reseal, served_folder

FILES, MANIFESTS, ROUND = 1_000, 10_000, 250
QUERY = ("part total value", "--json", "-k", "5")
NUMBERS = (-1, 0, 1, 2, 7, 255, 1 << 31, 1 << 32, (1 << 63) - 1, -(1 << 63), (1 << 64) - 1, 0.5, 1e308)
TEXTS = ("", "x", "../../x", "/etc/passwd", "\0", "\x1b[31m", "x" * 100_000, "fit", "bundled", "hashing", "0" * 32)
NAMES = (
    "catalog.sqlite-journal",
    "catalog.sqlite-wal",
    "catalog.sqlite-shm",
    "text/.tantivy-meta.lock",
    "text/.tantivy-writer.lock",
    "../../CURRENT",
    "../../../kept.py",
    "/tmp/x",
    "text",
    "text/",
    "",
    ".",
    "a/b/c",
    "generation.json",
    "projection.npz",
    "vectors/00000099.vectors",
    "vectors/1.vectors",
    "nul\0.x",
    "C:\\x",
)


def main() -> None:
    """Run, write the result, and fail when anything did harm."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--manifests", type=int, default=MANIFESTS)
    parser.add_argument("--resume", action="store_true", help="add to the result that is there")
    options = parser.parse_args()
    figures: dict[str, Any] = {"files": {"altered": 0}, "manifests": {"altered": 0}, "seconds": 0.0}
    if options.resume:
        figures = msgspec.json.decode((RESULTS / "damage_index.json").read_bytes())["figures"]
    for kind, wanted in (("files", options.files), ("manifests", options.manifests)):
        while (first := figures[kind]["altered"]) < wanted:
            start = time.perf_counter()
            done = damage(range(first, min(first + ROUND, wanted)), seed=1, manifests=kind == "manifests")
            figures[kind] = added(figures[kind], done)
            figures["seconds"] += time.perf_counter() - start
            print(write_result("damage_index", "python -m benchmarks.damage_index", figures), figures, flush=True)
    sys.exit(any(figures[kind].get("harmed") for kind in ("files", "manifests")))


def damage(numbers: Sequence[int], *, seed: int, manifests: bool) -> dict[str, Any]:
    """Alter files or manifests in the ways of these numbers, one at a time, and return what came of it."""
    done = in_lanes(_lane, numbers, seed, manifests)
    harmed = [line for _, lines in done for line in lines]
    return {"altered": len(numbers), **added_up(counts for counts, _ in done), "harmed": harmed}


def _lane(_: int, numbers: Sequence[int], seed: int, manifests: bool) -> tuple[dict[str, int], list[str]]:
    """Try the alterations of these numbers, which are the same for the same seed."""
    counts: Counter[str] = Counter()
    harmed: list[str] = []
    with attacked_index(random.Random(seed)) as attacked:
        attacked.edit(1)
        attacked.build()
        right = attacked.run("search", *QUERY).out
        assert right.count('"path"') == 5, right
        saved = attacked.folder / "saved"
        shutil.copytree(attacked.index_dir, saved)
        for number in numbers:
            rng = random.Random(f"{seed}:{manifests}:{number}")
            restored(attacked.index_dir, saved)
            attacked.edit(1)
            what, consistent = _alter_manifest(attacked, rng) if manifests else _alter_file(attacked, rng)
            try:
                _meet(attacked, right, counts, consistent=consistent)
                if number % 10 == 0:
                    attacked.build("--full")
                    attacked.assert_tidy()
            except AssertionError as error:
                harmed.append(f"{number}: {what}: {error}".replace(str(attacked.folder), "")[:500])
                print(harmed[-1], file=sys.stderr, flush=True)
    return counts, harmed


def _meet(attacked: AttackedIndex, right: str, counts: Counter[str], *, consistent: bool) -> None:
    """Search, verify and build; raise AssertionError with what must not be."""
    outside = attacked.outside()
    found = attacked.run("search", *QUERY)
    assert not found.fault, f"search {found.fault}"
    assert found.code or consistent or found.out == right, "search gives another answer"
    counts["search answered" if found.code == 0 else f"search exit {found.code}"] += 1
    checked = attacked.run("verify")
    assert not checked.fault, f"verify {checked.fault}"
    counts[f"verify exit {checked.code}"] += 1
    assert attacked.outside() == outside, "something outside the index changed"
    attacked.edit(2)
    outside = attacked.outside()
    built = attacked.run("build", "--json")
    assert not built.fault, f"build {built.fault}"
    assert built.code or consistent or built.json["digest"] == attacked.digests[2], "build ends at another digest"
    counts[f"build exit {built.code}"] += 1
    assert attacked.outside() == outside, "build changed something outside the index"


def _alter_file(attacked: AttackedIndex, rng: random.Random) -> tuple[str, bool]:
    """Alter one file of the index, half of the time with right checksums; return what was done, and whether so."""
    served = served_folder(attacked.index_dir)
    path = rng.choice(sorted(path for path in attacked.index_dir.rglob("*") if path.is_file()))
    content, what = _altered(path.read_bytes(), rng)
    replaced(path, content)
    consistent = rng.random() < 0.5 and path.parent in (served, served / "text", served / "vectors")
    if consistent and path.name != "generation.json":
        reseal(attacked.index_dir)
    return f"{what} in {path.relative_to(attacked.index_dir)}{', resealed' if consistent else ''}", consistent


def _altered(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Return other content, and a word for what was done."""
    kind = rng.choice(("bit", "bytes", "zeros", "cut", "empty", "longer", "again")) if content else "longer"
    altered = bytearray(content)
    at = rng.randrange(len(content) or 1)
    if kind == "bit":
        altered[at] ^= 1 << rng.randrange(8)
    elif kind == "bytes":
        for _ in range(rng.randrange(1, 50)):
            altered[rng.randrange(len(altered))] = rng.randrange(256)
    elif kind == "zeros":
        altered[at : at + 200] = bytes(len(altered[at : at + 200]))
    elif kind == "cut":
        del altered[at:]
    elif kind == "empty":
        altered.clear()
    elif kind == "again":
        altered[at:at] = content[: rng.randrange(1000)]
    else:
        altered += rng.randbytes(rng.randrange(1, 1000))
    return bytes(altered), kind


def _alter_manifest(attacked: AttackedIndex, rng: random.Random) -> tuple[str, bool]:
    """Alter up to three things in the manifest, checksums right; return which, and that it is consistent."""
    said: list[str] = []

    def change(manifest: dict[str, Any]) -> None:
        said.extend(_change(manifest, attacked, rng) for _ in range(rng.choice((1, 1, 1, 2, 3))))

    reseal(attacked.index_dir, change)
    return "; ".join(said), True


def _change(manifest: dict[str, Any], attacked: AttackedIndex, rng: random.Random) -> str:
    """Alter one value somewhere in the manifest, or add a file to it."""
    if rng.random() < 0.2:
        return _add_file(manifest, attacked, rng)
    holder: Any = manifest
    steps: list[Any] = []
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            break
        steps.append(rng.choice(keys))
        inner = holder[steps[-1]]
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.2:
            break
        holder = inner
    if not steps:
        return "nothing"
    where = ".".join(map(str, steps))
    if steps[-1] in (list(holder) if isinstance(holder, dict) else range(len(holder))) and rng.random() < 0.15:
        del holder[steps[-1]]
        return f"no {where}"
    value = _value(rng)
    holder[steps[-1]] = value
    return f"{where} = {value!r:.60}"


def _value(rng: random.Random) -> Any:
    """Return something that a manifest might hold in another place, or nowhere."""
    deep: Any = []
    for _ in range(rng.randrange(300)):
        deep = [deep]
    return rng.choice((rng.choice(NUMBERS), rng.choice(TEXTS), None, True, [], {}, deep, {"x": 1}, [1, "0" * 32]))


def _add_file(manifest: dict[str, Any], attacked: AttackedIndex, rng: random.Random) -> str:
    """List one more file, which may also be there."""
    name = rng.choice(NAMES)
    files = manifest.get("files")
    if not isinstance(files, dict):
        return "nothing"
    path = served_folder(attacked.index_dir) / name
    inside = "\0" not in name and path.resolve().is_relative_to(attacked.index_dir) and path.parent.is_dir()
    if inside and not path.exists() and rng.random() < 0.7:
        path.write_bytes(rng.randbytes(rng.randrange(2000)))
        files[name] = file_sum(path)
    else:
        files[name] = [rng.choice((0, 1, 1 << 62)), "0" * 32]
    return f"files.{name!r}"


if __name__ == "__main__":
    main()
