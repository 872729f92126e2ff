"""A fleet in a store: pushed and pulled whole or not at all, believed in nothing, never published over another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec import AbstractFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from msgspec.structs import replace

from indexer.errors import ConfigError, DamagedIndexError, NoIndexError, StorageError
from pipelines.fleet import manifest as manifests
from pipelines.fleet.exchange import pull_fleet, push_fleet
from pipelines.fleet.remote import RemoteStore
from pipelines.fleet.search import open_fleet
from pipelines.fleet.store import FOLDER
from pipelines.fleet.verify import verify_fleet
from tests.integration.fleet.fleets import QUERIES, bring_up_to_date, hits_of, make, manifest_of
from tests.trees import write


class LooksFirst(MemoryFileSystem):  # type: ignore[misc]
    """A driver that looks whether there is a file, and then writes, as fsspec does for all that can't do better."""

    protocol = "looksfirst"
    pipe_file = AbstractFileSystem.pipe_file


class WritesOver(MemoryFileSystem):  # type: ignore[misc]
    """A driver, or a server behind it, to which a condition means nothing."""

    protocol = "writesover"

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_: Any) -> None:
        """Write."""
        super().pipe_file(path, value)


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that holds nothing."""
    return f"memory://{tmp_path.name}" if request.param == "memory" else f"file://{tmp_path}/store"


def test_what_is_pushed_is_pulled_and_only_what_changed_moves(tmp_path: Path, url: str) -> None:
    folder, there = make(tmp_path / "here"), tmp_path / "there"
    bring_up_to_date(folder)
    with pytest.raises(NoIndexError, match="fleet push"):
        pull_fleet(url, there / FOLDER)
    pushed, pulled = push_fleet(folder / FOLDER, url), pull_fleet(url, there / FOLDER)
    assert pushed.moved == pulled.moved == ("bank", "mail", "shop") and pushed.committed and pulled.committed
    assert manifest_of(there).digest == manifest_of(folder).digest and verify_fleet(there / FOLDER).ok
    for query in QUERIES:
        assert hits_of(there, query) == hits_of(folder, query)
    assert not push_fleet(folder / FOLDER, url).committed and not pull_fleet(url, there / FOLDER).committed
    with open_fleet(there) as before:
        write(folder / "code" / "bank", {"tea.py": 'def brew():\n    """Brew rooibos tea."""\n'})
        bring_up_to_date(folder)
        assert push_fleet(folder / FOLDER, url).moved == ("bank",)
        assert hits_of(there, "rooibos tea", mode="text") == []
        assert pull_fleet(url, there / FOLDER).moved == ("bank",)
        assert [hit.path for hit in before.search("rooibos tea", mode="text").hits] == ["bank/tea.py"]
    assert push_fleet(there / FOLDER, url).committed is False  # what was pulled is what is there


def test_no_folder_that_a_store_names_is_believed(tmp_path: Path, url: str) -> None:
    folder, there = make(tmp_path / "here"), tmp_path / "there"
    bring_up_to_date(folder)
    push_fleet(folder / FOLDER, url)
    store = RemoteStore(url)
    said = manifests.decode(store.read(1), Path("1"))
    lies = tuple(replace(shard, root="/etc") for shard in said.shards)
    store.create(2, manifests.encode(manifests.seal(replace(said, number=2, shards=lies))))
    pull_fleet(url, there / FOLDER)
    assert {shard.root for shard in manifest_of(there).shards} == {""}


def test_an_archive_that_was_altered_is_refused_and_the_fleet_stays(tmp_path: Path, url: str) -> None:
    folder, there = make(tmp_path / "here"), tmp_path / "there"
    bring_up_to_date(folder)
    push_fleet(folder / FOLDER, url)
    pull_fleet(url, there / FOLDER)
    write(folder / "code" / "bank", {"tea.py": 'def brew():\n    """Brew rooibos tea."""\n'})
    write(folder / "code" / "mail", {"tea.py": 'def pour():\n    """Pour rooibos tea."""\n'})
    bring_up_to_date(folder)
    push_fleet(folder / FOLDER, url)
    files, root = fsspec.core.url_to_fs(url)
    (of_bank,) = [name for name in files.find(f"{root}/shards/bank") if name not in _first(files, root)]
    of_mail = next(name for name in files.find(f"{root}/shards/mail"))
    for content in (files.cat(of_bank)[:-9], files.cat(of_mail)):
        files.pipe(of_bank, content)
        with pytest.raises(DamagedIndexError, match="bank"):
            pull_fleet(url, there / FOLDER)
        assert hits_of(there, "rooibos tea", mode="text") == [] and verify_fleet(there / FOLDER).ok


def _first(files: Any, root: str) -> set[str]:
    """Return the archives that the first manifest names."""
    store = RemoteStore(files.unstrip_protocol(root))
    assert store.numbers() == [1, 2]
    first = store.read(1)
    return {name for name in files.find(f"{root}/shards/bank") if name.rpartition("/")[2][:32].encode() in first}


def test_a_manifest_is_never_published_over_another(url: str) -> None:
    store = RemoteStore(url)
    assert store.create(7, b"one") and not store.create(7, b"other")
    assert (store.read(7), store.numbers()) == (b"one", [7])


@pytest.mark.parametrize(("driver", "why"), [(LooksFirst, "one step"), (WritesOver, "writes over")])
def test_a_store_without_a_conditional_put_is_refused_by_name(driver: type[AbstractFileSystem], why: str) -> None:
    fsspec.register_implementation(str(driver.protocol), driver, clobber=True)
    with pytest.raises(StorageError, match=rf"{driver.protocol}://fleet: .*{why}"):
        RemoteStore(f"{driver.protocol}://fleet").create(1, b"")


def test_a_store_without_a_driver_is_named() -> None:
    with pytest.raises(ConfigError, match=r"nosuchstore://fleet"):
        RemoteStore("nosuchstore://fleet")
