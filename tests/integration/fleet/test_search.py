"""A fleet's answers are those of one index, of the newest fleet or of the one that was opened."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

import indexer
from indexer.errors import ConfigError
from indexer.stores.generation.layout import generation_numbers
from pipelines.build import build
from pipelines.fleet.gc import collect_fleet
from pipelines.fleet.opened import OpenShard
from pipelines.fleet.search import open_fleet
from pipelines.fleet.store import FOLDER, FolderLog, open_newest, shard_dir
from pipelines.fleet.union import ShardUnion
from tests.integration.fleet.fleets import CONFIG, QUERIES, REPOSITORIES, bring_up_to_date, hits_of, make, manifest_of
from tests.trees import write


def test_a_fleet_answers_as_one_index_over_all(tmp_path: Path) -> None:
    large = {f"d{n}/f.py": f"def card_{n}():\n" + "    ask = 1  # the bank is busy\n" * (9 + n) for n in range(6)}
    folder = make(tmp_path / "fleet", {**REPOSITORIES, "large": large}, more="[cut]\nmegabytes = 0.001\n")
    assert bring_up_to_date(folder).shards > len(REPOSITORIES) + 2  # the large one is cut
    shutil.copytree(folder / "code", tmp_path / "union")
    build(tmp_path / "union", config=CONFIG)
    chosen: list[dict[str, Any]] = [
        {"k": 3},
        {"mode": "vector"},
        {"mode": "text", "languages": ["python"]},
        {"paths": ["**/retry.py"]},
        {"within": "Cart"},
        {"pattern": "bank|card"},
    ]
    queries = (*QUERIES, "bank/retry.py", "retry.py:2", "ask again when the bank", 'the "customer"')
    with open_fleet(folder) as fleet, indexer.open(tmp_path / "union") as union:
        for query in queries:
            for options in chosen:
                found, wanted = fleet.search(query, **options).hits, union.search(query, **options).hits
                assert [(hit.path, hit.start_line) for hit in found] == [(hit.path, hit.start_line) for hit in wanted]
                assert [hit.score for hit in found] == pytest.approx([hit.score for hit in wanted], abs=1e-3)


def test_a_repository_is_searched_alone(built: Path) -> None:
    assert {path.split("/")[0] for path in hits_of(built, "retry", repositories=["mail"])} == {"mail"}
    assert {path.split("/")[0] for path in hits_of(built, "retry", repositories=["mail", "bank"])} == {"mail", "bank"}
    with pytest.raises(ConfigError, match="no repository nowhere"):
        hits_of(built, "retry", repositories=["nowhere"])


def test_a_text_that_was_copied_is_shown_once(built: Path) -> None:
    both = hits_of(built, "Ask again when the bank is busy")
    assert both[:2] in (["bank/retry.py", "mail/retry.py"], ["mail/retry.py", "bank/retry.py"])
    once = hits_of(built, "Ask again when the bank is busy", distinct=True)
    assert [path for path in once if path.endswith("retry.py")] == both[:1]


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone says what is mapped")
def test_no_documents_stay_mapped_after_a_search(built: Path) -> None:
    with open_fleet(built) as fleet:
        assert fleet.search("retry", mode="text").hits
        mappings = Path("/proc/self/smaps").read_text().split("VmFlags")
        stores = [own for own in mappings if ".store\n" in own]
        assert len(stores) == 2 * len(fleet.manifest.shards)  # the engine's, which reads none, and the document store's
        assert sum("\nRss:                   0 kB" in own for own in stores) >= len(fleet.manifest.shards)


def test_an_open_fleet_keeps_what_it_opened(tmp_path: Path) -> None:
    folder = make(tmp_path)
    bring_up_to_date(folder)
    held = open_newest(folder / FOLDER)
    for number in range(4):
        write(folder / "code" / "bank", {"tea.py": f"def brew_{number}():\n    return 1\n"})
        bring_up_to_date(folder)
    collect_fleet(folder / FOLDER)
    assert 1 in generation_numbers(shard_dir(folder / FOLDER, "bank"))
    assert FolderLog(folder / FOLDER).numbers() == [1, 5]
    held.close()
    collect_fleet(folder / FOLDER)
    assert generation_numbers(shard_dir(folder / FOLDER, "bank")) == [5]
    assert FolderLog(folder / FOLDER).numbers() == [5]


def test_a_fleet_follows_the_newest_manifest(tmp_path: Path) -> None:
    folder = make(tmp_path)
    bring_up_to_date(folder)
    with open_fleet(folder) as fleet:
        assert fleet.search("rooibos tea", mode="text").hits == ()
        write(folder / "code" / "bank", {"tea.py": 'def brew():\n    """Brew rooibos tea."""\n'})
        bring_up_to_date(folder)
        assert fleet.search("rooibos tea", mode="text").hits[0].path == "bank/tea.py"


def test_the_nearest_of_all_shards_are_found_while_threads_are_busy(built: Path) -> None:
    """A bound goes from one shard to the next; what it leaves out is not among the nearest."""
    manifest = manifest_of(built)
    shards = [OpenShard(built / FOLDER, manifest, shard, None) for shard in manifest.shards]
    vector = np.random.default_rng(5).integers(-100, 100, manifest.projection.dims).astype(np.int8)
    is_done = Event()
    with ThreadPoolExecutor(1) as busy, ThreadPoolExecutor(2) as free, ExitStack() as stack:
        stack.callback(is_done.set)
        for shard in shards:
            stack.callback(shard.close)
        unions = [ShardUnion(shards, threads, 3) for threads in (busy, free)]
        for union in unions:
            union.open()
        busy.submit(is_done.wait)
        every = [shard.generation.nearest(vector, limit=1000) for shard in shards]
        wanted = sorted(
            (-s, i) for own in every for i, s in zip(own.ids.tolist(), own.similarities.tolist(), strict=True)
        )
        for limit in (1, 3, 1000):
            for union in unions:
                assert union.nearest(vector, limit=limit).ids.tolist() == [i for _, i in wanted[:limit]]
