"""A fleet: many repositories as one. Its updates appear whole or not at all, and its answers are those of one index."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

import indexer
from indexer.config import Config, EncoderOptions
from indexer.errors import ConfigError, DamagedIndexError, IndexerError, NoIndexError
from indexer.stores import durable
from indexer.stores.caches.embeddings import EmbeddingCache
from indexer.stores.generation import layout
from indexer.stores.generation.layout import generation_numbers
from indexer.stores.generation.reader import open_generation
from indexer.stores.text.index import TextIndex
from pipelines.build import build
from pipelines.fleet import manifest as manifests
from pipelines.fleet.build import FleetJob, FleetReport, build_fleet
from pipelines.fleet.config import read_fleet_file
from pipelines.fleet.engine import Engine
from pipelines.fleet.gc import collect_fleet
from pipelines.fleet.local import LocalEngine
from pipelines.fleet.manifest import FleetManifest
from pipelines.fleet.opened import OpenShard
from pipelines.fleet.search import open_fleet
from pipelines.fleet.serial import SerialEngine
from pipelines.fleet.shard import Outcome, ShardTask
from pipelines.fleet.store import FOLDER, FolderLog, open_newest, shard_dir
from pipelines.fleet.union import ShardUnion
from pipelines.fleet.verify import verify_fleet

CONFIG = Config(encoder=EncoderOptions(name="hashing"))
REPOSITORIES = {
    "shop": {
        "cart.py": 'class Cart:\n    """What a customer is about to buy."""\n\n    def total(self) -> int:\n'
        "        return sum(item.price for item in self.items)\n",
        "pay/charge.py": 'def charge(card: str, cents: int) -> bool:\n    """Charge a credit card."""\n'
        "    return bank.ask(card, cents)\n",
    },
    "bank": {
        "ledger.py": 'def post(entry: Entry) -> None:\n    """Post an entry to the ledger."""\n'
        "    ledger.append(entry)\n",
        "retry.py": 'def retry(ask):\n    """Ask again when the bank is busy."""\n    return ask()\n',
    },
    "mail": {
        "send.py": 'def send(letter: str) -> None:\n    """Send a letter to the customer."""\n    smtp.send(letter)\n',
        "retry.py": 'def retry(ask):\n    """Ask again when the bank is busy."""\n    return ask()\n',
    },
}
QUERIES = ("charge a credit card", "ledger entry", "the bank is busy", "letter to a customer", "Cart.total")


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def make(folder: Path, repositories: dict[str, dict[str, str]] = REPOSITORIES, more: str = "") -> Path:
    """Write repositories, and the fleet's file beside them."""
    for name, files in repositories.items():
        write(folder / "code" / name, files)
    (folder / "fleet.toml").write_text('paths = ["code/*"]\n' + more)
    return folder


def job_of(folder: Path, engine: Engine | None = None, **options: object) -> FleetJob:
    file = folder / "fleet.toml"
    return FleetJob(
        file=file,
        fleet=read_fleet_file(file),
        fleet_dir=folder / FOLDER,
        config=CONFIG,
        engine=engine or SerialEngine(),
        **options,  # type: ignore[arg-type]
    )


def bring_up_to_date(folder: Path, engine: Engine | None = None, **options: object) -> FleetReport:
    return build_fleet(job_of(folder, engine, **options))


def hits_of(folder: Path, query: str, **options: object) -> list[str]:
    with open_fleet(folder) as fleet:
        return [hit.path for hit in fleet.search(query, **options).hits]  # type: ignore[arg-type]


def manifest_of(folder: Path) -> FleetManifest:
    opened = open_newest(folder / FOLDER)
    opened.close()
    return opened.manifest


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet of three repositories; tests leave it as it is."""
    folder = make(tmp_path_factory.mktemp("fleet"))
    bring_up_to_date(folder)
    return folder


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


def test_one_changed_repository_costs_its_shard_and_the_manifest(tmp_path: Path) -> None:
    folder = make(tmp_path)
    first = bring_up_to_date(folder)
    assert (first.number, set(first.built), first.committed) == (1, set(REPOSITORIES), True)
    again = bring_up_to_date(folder)
    assert (again.number, again.built, again.committed) == (1, {}, False)
    before = {name: generation_numbers(shard_dir(folder / FOLDER, name)) for name in REPOSITORIES}
    write(folder / "code" / "bank", {"tea.py": 'def brew():\n    """Brew rooibos tea."""\n'})
    changed = bring_up_to_date(folder)
    assert (changed.number, set(changed.built)) == (2, {"bank"})
    assert generation_numbers(shard_dir(folder / FOLDER, "mail")) == before["mail"]
    assert hits_of(folder, "rooibos tea")[0] == "bank/tea.py"
    shutil.rmtree(folder / "code" / "mail")
    removed = bring_up_to_date(folder)
    assert (removed.removed, removed.built) == (("mail",), {})
    assert "mail/send.py" not in hits_of(folder, "letter to a customer")
    assert collect_fleet(folder / FOLDER).shards == ("mail",)
    assert verify_fleet(folder / FOLDER).ok


def test_engines_agree_and_so_do_histories(built: Path, tmp_path: Path) -> None:
    folder = make(tmp_path, {"shop": {}, "bank": REPOSITORIES["bank"]})
    bring_up_to_date(folder)
    make(tmp_path)
    assert bring_up_to_date(folder, LocalEngine(jobs=2)).digest == manifest_of(built).digest


def test_builders_import_nothing_from_where_they_are_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, mark = make(tmp_path), tmp_path / "imported"
    for name in ("multiprocessing", "pickle", "signal", "numpy", "msgspec"):
        (folder / f"{name}.py").write_text(f"open({str(mark)!r}, 'a').write({name!r})\n")
    monkeypatch.chdir(folder)
    assert bring_up_to_date(folder, LocalEngine(jobs=2)).shards == 3
    assert not mark.exists()


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


def test_a_shard_that_fails_is_named_and_left_out_only_when_asked(tmp_path: Path) -> None:
    folder = make(tmp_path, more='[[repository]]\npath = "elsewhere"\nrevision = "no-such-branch"\n')
    write(folder / "elsewhere", {"a.py": "x = 1\n"})
    (folder / "elsewhere" / ".git").mkdir()
    with pytest.raises(IndexerError, match=r"elsewhere: .*no-such-branch"):
        bring_up_to_date(folder)
    with pytest.raises(NoIndexError):
        manifest_of(folder)
    report = bring_up_to_date(folder, partial=True)
    assert [failure.id for failure in report.failed] == ["elsewhere"] and report.shards == 3
    # The shards that were built when it failed were not built again.
    assert report.built == {}


class Killer:
    """An engine under which the process dies after so many shards."""

    def __init__(self, after: int) -> None:
        self.after = after

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[Outcome]:
        for number, outcome in enumerate(SerialEngine().run(tasks)):
            if number == self.after:
                os.kill(os.getpid(), signal.SIGKILL)
            yield outcome


def publish_and_die(folder: Path, step: int) -> None:
    """Build, and die before one of the durable steps of the publication, counted from 0."""
    steps = iter(range(1_000_000))

    def called(_name: str, path: Path) -> None:
        if {"manifests"} & {path.name, path.parent.name} and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    durable.before_step = called
    bring_up_to_date(folder)


def run_to_its_end(target: Callable[..., object], *arguments: object) -> int | None:
    process = get_context("fork").Process(target=target, args=arguments)
    process.start()
    process.join(60)
    return process.exitcode


def test_killed_between_any_two_steps_of_the_publication(tmp_path: Path) -> None:
    folder = make(tmp_path)
    bring_up_to_date(folder)
    write(folder / "code" / "bank", {"tea.py": 'def brew():\n    """Brew rooibos tea."""\n'})
    write(folder / "code" / "mail", {"tea.py": 'def pour():\n    """Pour rooibos tea."""\n'})
    assert run_to_its_end(publish_and_die, folder, 0) == -signal.SIGKILL  # both shards are built
    served = []
    for step in range(60):
        trial = tmp_path / f"trial{step}"
        shutil.copytree(folder, trial, ignore=shutil.ignore_patterns("trial*"))
        code = run_to_its_end(publish_and_die, trial, step)
        assert code in (0, -signal.SIGKILL)
        found = hits_of(trial, "rooibos tea", mode="text")
        assert len(found) in (0, 2)  # all of the update, or none
        served.append(len(found))
        if code == 0:
            break
        report = bring_up_to_date(trial)
        assert (report.number, report.built) == (2, {}) and verify_fleet(trial / FOLDER).ok
    assert len(served) > 4 and served == sorted(served) and served[0] == 0 and served[-2] == 2


def build_and_die(folder: Path, after: int) -> None:
    bring_up_to_date(folder, Killer(after))


def test_killed_between_shards_and_resumed(built: Path, tmp_path: Path) -> None:
    folder = make(tmp_path)
    assert run_to_its_end(build_and_die, folder, 1) == -signal.SIGKILL
    with pytest.raises(NoIndexError):
        manifest_of(folder)
    report = bring_up_to_date(folder)
    assert len(report.built) == 1  # two were whole
    assert report.digest == manifest_of(built).digest


def test_a_large_tree_is_cut_and_stays_so(tmp_path: Path) -> None:
    folder = tmp_path
    files = {f"d{n // 5}/e{n % 5}/f.py": f"def name_{n}():\n" + "    x = 1  # filler\n" * 40 for n in range(30)}
    write(folder / "big", files)
    (folder / "fleet.toml").write_text('paths = ["big"]\n[cut]\nmegabytes = 0.005\n')
    first = bring_up_to_date(folder)
    assert 4 <= first.shards <= 8
    assert first.files == 30
    write(folder / "big", {"d2/e9/new.py": "def more():\n    return 1\n"})
    (folder / "big" / "d0" / "e0" / "f.py").unlink()
    second = bring_up_to_date(folder)
    assert second.files == 30 and second.shards == first.shards
    assert len(second.built) == 2
    assert len(set(hits_of(folder, "filler", k=60, mode="text"))) == 29


def test_what_a_stranger_writes_leads_nowhere(tmp_path: Path) -> None:
    folder = make(tmp_path / "fleet")
    write(tmp_path / "secret", {"key.py": "key = 1\n"})
    (folder / "code" / "link").symlink_to(tmp_path / "secret")
    for text, why in (
        ('paths = ["../secret"]', "outside the fleet's folder"),
        ('paths = ["code/link"]', "outside|link"),
        (f'paths = ["{tmp_path}/secret"]', "outside"),
        ('paths = ["code/*/**"]', r"\*\* is not known"),
        ('[[repository]]\npath = "code/shop"\nname = "../up"', "name"),
        ('[[repository]]\npath = "code/shop"\nname = "bank"\n[[repository]]\npath = "code/bank"', "both called"),
        ('clones = "."\n[[repository]]\nurl = "https://host/../../etc"\nrevision = "x"', "no URL"),
        ('[[repository]]\npath = "code/shop"\nrevision = "--upload-pack=x"', "revision"),
        ('paths = ["code/*"]\nengine = "x"', "unknown field"),
        ('path = ["code/*"]', "unknown field `path`; the nearest is paths"),
        ('[[repository]]\npaths = "code"', r"unknown field `paths` .*; the nearest is path$"),
        ("[cut]\nmegabyte = 3", r"unknown field `megabyte` .*; the nearest is megabytes"),
    ):
        (folder / "fleet.toml").write_text(text + "\n")
        with pytest.raises(ConfigError, match=why):
            bring_up_to_date(folder)
    (folder / "fleet.toml").write_text('paths = ["code/*"]\n')
    report = bring_up_to_date(folder)
    assert report.shards == 3  # a glob passes links over
    (folder / "fleet.toml").unlink()
    (folder / "fleet.toml").symlink_to(tmp_path / "other.toml")
    with pytest.raises(ConfigError, match="link"):
        read_fleet_file(folder / "fleet.toml")


def reseal(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a manifest and make its checksum right again, as somebody would who ships it."""
    value = json.loads(path.read_bytes())
    change(value)
    try:
        sealed = manifests.seal(msgspec.convert(value, manifests.FleetManifest))
        path.write_bytes(manifests.encode(sealed))
    except msgspec.ValidationError:
        path.write_text(json.dumps(value))


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value["shards"][0].update(id="../../elsewhere"),
        lambda value: value["shards"][0].update(generation=-1),
        lambda value: value["shards"][0].update(checksum="0" * 32),
        lambda value: value["shards"][1].update(id=value["shards"][0]["id"]),
        lambda value: value.update(format_version=1),
        lambda value: value.update(shards=[]),
        lambda value: value["projection"].update(dims=64),
    ],
)
def test_a_manifest_from_elsewhere_is_refused_by_name(
    built: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    shutil.copytree(built / FOLDER, tmp_path / FOLDER)
    reseal(tmp_path / FOLDER / "manifests" / "00000001.json", change)
    with pytest.raises((DamagedIndexError, NoIndexError)):
        hits_of(tmp_path, "the bank is busy")


@pytest.mark.parametrize(
    ("cuts", "is_sound"),
    [
        ([("", ""), ("", "")], False),
        ([("", ""), ("b", "")], False),
        ([("", "b"), ("a", "")], False),
        ([("b", ""), ("", "b/c")], False),
        ([("b", ""), ("", "b")], True),
        ([("", "a/b"), ("c", "")], True),
    ],
)
def test_a_manifest_has_each_folder_once(
    built: Path, tmp_path: Path, cuts: list[tuple[str, str]], is_sound: bool
) -> None:
    manifest = manifest_of(built)
    first, *others = manifest.shards
    parts = [replace(first, id=f"part{place}", start=start, end=end) for place, (start, end) in enumerate(cuts)]
    content = manifests.encode(manifests.seal(replace(manifest, shards=(*parts, *others))))
    if is_sound:
        assert len(manifests.decode(content, tmp_path).shards) == len(parts) + len(others)
    else:
        with pytest.raises(DamagedIndexError, match=f"has two shards with the same folders of '{first.repository}'"):
            manifests.decode(content, tmp_path)


def test_a_chunk_that_two_shards_have_is_an_error(built: Path) -> None:
    """Shards from elsewhere are not believed, whatever repositories they are said to be of."""
    with open_generation(shard_dir(built / FOLDER, manifest_of(built).shards[0].id)) as generation:
        ids = [i for path in generation.catalog.stats() for i in generation.catalog.chunk_ids_of(path)]
        text = TextIndex(generation.path / layout.TEXT, generation.path / layout.TEXT)
        with pytest.raises(DamagedIndexError, match="two documents of one id"):
            text.documents(ids)


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


def test_links_in_a_fleets_folder_are_not_followed(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built / FOLDER, tmp_path / FOLDER)
    shutil.move(tmp_path / FOLDER / "shards" / "bank", tmp_path / "bank")
    (tmp_path / FOLDER / "shards" / "bank").symlink_to(tmp_path / "bank")
    with pytest.raises((DamagedIndexError, NoIndexError)):
        hits_of(tmp_path, "the bank is busy")
    assert not verify_fleet(tmp_path / FOLDER).ok


def test_a_shard_made_otherwise_is_refused_by_name(built: Path, tmp_path: Path) -> None:
    class Otherwise:
        """A machine on which another encoder is installed under the name."""

        def run(self, tasks: Sequence[ShardTask]) -> Iterator[Outcome]:
            other = replace(CONFIG, encoder=EncoderOptions(name="static"))
            yield from SerialEngine().run([dataclasses.replace(task, config=other) for task in tasks])

    folder = make(tmp_path)
    with pytest.raises(IndexerError, match=r"bank: it was made otherwise than the fleet: the encoder changed"):
        bring_up_to_date(folder, Otherwise())
    with pytest.raises(NoIndexError):
        manifest_of(folder)
    assert bring_up_to_date(folder).digest == manifest_of(built).digest


def test_a_revision_of_a_clone_is_indexed_without_a_network(tmp_path: Path) -> None:
    clone = tmp_path / "clones" / "host.example" / "team" / "tools"
    write(clone, {"a.py": 'def old():\n    """Old kettle."""\n'})
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"], ["tag", "v1"]):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *command], cwd=clone, check=True, capture_output=True
        )
    write(clone, {"a.py": 'def new():\n    """New teapot."""\n'})
    (tmp_path / "fleet.toml").write_text(
        'clones = "clones"\n[[repository]]\nurl = "https://host.example/team/tools.git"\nrevision = "v1"\n'
    )
    bring_up_to_date(tmp_path)
    assert hits_of(tmp_path, "kettle", mode="text") == ["tools/a.py"]
    assert hits_of(tmp_path, "teapot", mode="text") == []


def test_many_builders_share_a_cache(tmp_path: Path) -> None:
    """Forks and vendored copies share vectors: none is lost, torn or another's, whoever writes at the same time."""

    def work(builder: int) -> list[str]:
        with EmbeddingCache(tmp_path, encoder_digest="e", dims=8, max_bytes=1 << 20) as cache:
            for number in range(40):
                keys = [bytes([number, shared]) * 8 for shared in range(4)]
                cache.put_many({key: np.full(8, key[1], np.float32) for key in keys})
                for key, vector in cache.get_many(keys).items():
                    assert vector.tolist() == [float(key[1])] * 8, builder
            return cache.warnings

    with ThreadPoolExecutor(6) as pool:
        assert [warning for warnings in pool.map(work, range(6)) for warning in warnings] == []
    with EmbeddingCache(tmp_path, encoder_digest="e", dims=8, max_bytes=1 << 20) as cache:
        keys = [bytes([number, shared]) * 8 for number in range(40) for shared in range(4)]
        assert len(cache.get_many(keys)) == len(keys)
