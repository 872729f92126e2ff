"""A fleet's file, manifest or folder that somebody else wrote: it leads nowhere, and what is wrong is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from indexer.errors import ConfigError, DamagedIndexError, NoIndexError
from indexer.stores.generation import layout
from indexer.stores.generation.reader import open_generation
from indexer.stores.text.index import TextIndex
from pipelines.fleet import manifest as manifests
from pipelines.fleet.config import read_fleet_file
from pipelines.fleet.store import FOLDER, shard_dir
from pipelines.fleet.verify import verify_fleet
from tests.integration.fleet.fleets import bring_up_to_date, hits_of, make, manifest_of
from tests.trees import write


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


def test_links_in_a_fleets_folder_are_not_followed(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built / FOLDER, tmp_path / FOLDER)
    shutil.move(tmp_path / FOLDER / "shards" / "bank", tmp_path / "bank")
    (tmp_path / FOLDER / "shards" / "bank").symlink_to(tmp_path / "bank")
    with pytest.raises((DamagedIndexError, NoIndexError)):
        hits_of(tmp_path, "the bank is busy")
    assert not verify_fleet(tmp_path / FOLDER).ok
