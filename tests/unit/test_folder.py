"""The way into an index folder: nothing but real folders and regular files, whatever stands in their place."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.stores.folder import Folder, SpecialFileError, owner_is_trusted


def link_to_file(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "file")


def link_to_folder(path: Path, outside: Path) -> None:
    path.symlink_to(outside)


def dangling_link(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "not-there")


def fifo(path: Path, outside: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path, outside: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


SPECIAL = [link_to_file, link_to_folder, dangling_link, fifo, unix_socket]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that nothing may touch."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "file").write_text("mine")
    return folder


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """The folder that is opened."""
    folder = tmp_path / "inside"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("make", SPECIAL)
def test_what_is_special_is_neither_read_nor_entered(
    inside: Path, outside: Path, make: Callable[[Path, Path], None]
) -> None:
    make(inside / "entry", outside)
    with Folder(inside) as folder:
        for use in (folder.open, folder.folder, folder.require_regular, folder.make, folder.remove_tree):
            with pytest.raises(SpecialFileError, match="is a") as raised:
                use("entry")
            assert raised.value.filename == str(inside / "entry")
    with pytest.raises(SpecialFileError):
        Folder(inside / "entry")
    assert [path.name for path in outside.iterdir()] == ["file"]


@pytest.mark.parametrize("make", SPECIAL)
def test_what_is_special_is_replaced_and_not_followed(
    inside: Path, outside: Path, make: Callable[[Path, Path], None]
) -> None:
    make(inside / "entry", outside)
    with Folder(inside) as folder:
        folder.replace("entry", b"new")
        assert folder.read("entry", 3) == b"new"
        folder.unlink("entry")
        assert folder.entries() == []
    assert (outside / "file").read_text() == "mine"
    assert [path.name for path in outside.iterdir()] == ["file"]


def test_writers_that_have_one_number_leave_a_whole_file(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers that share a folder do: while one has begun, another writes all of its own."""
    with Folder(inside) as first, Folder(inside) as second:
        rename = os.replace

        def while_another_writes(source: str, target: str, **places: int | None) -> None:
            monkeypatch.setattr(os, "replace", rename)
            second.replace("entry", b"second")
            rename(source, target, **places)

        monkeypatch.setattr(os, "replace", while_another_writes)
        first.replace("entry", b"first")
        assert first.read("entry", 6) == b"first"
        assert [entry.name for entry in first.entries()] == ["entry"]


def test_a_tree_is_removed_without_what_its_links_point_to(inside: Path, outside: Path) -> None:
    (inside / "tree" / "deep").mkdir(parents=True)
    for make in SPECIAL:
        make(inside / "tree" / "deep" / make.__name__, outside)
    with Folder(inside) as folder:
        folder.remove_tree("tree")
        folder.remove_tree("tree")
        assert folder.entries() == []
    assert (outside / "file").read_text() == "mine"


def test_a_file_is_read_up_to_its_limit(inside: Path) -> None:
    (inside / "file").write_bytes(b"12345")
    with Folder(inside) as folder:
        assert folder.read("file", 5) == b"12345"
        with pytest.raises(OSError, match="more than 4 bytes") as raised:
            folder.read("file", 4)
    assert raised.value.errno == errno.EFBIG


def test_a_folder_stays_the_same_when_its_name_leads_elsewhere(inside: Path, outside: Path) -> None:
    (inside / "file").write_bytes(b"inside")
    with Folder(inside) as folder:
        inside.rename(inside.with_name("moved"))
        inside.symlink_to(outside)
        assert folder.read("file", 10) == b"inside"
        folder.replace("file", b"new")
    assert (outside / "file").read_text() == "mine"


def test_an_owner_is_this_user_or_one_that_was_named(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert owner_is_trusted(inside)
    assert not owner_is_trusted(inside / "missing")
    with Folder(inside) as folder:
        assert folder.is_owned()
        monkeypatch.setattr(os, "geteuid", lambda: inside.stat().st_uid + 1)
        assert not folder.is_owned()
    assert not owner_is_trusted(inside)
    assert owner_is_trusted(inside, also={inside.stat().st_uid})


@pytest.fixture
def closing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Descriptors are closed, and the system then reports an error: on Linux they are gone whatever it answers."""
    close = os.close

    def failing(descriptor: int) -> None:
        close(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "close", failing)


@pytest.mark.usefixtures("closing_fails")
def test_a_folder_that_closes_with_an_error_is_named_and_not_closed_again(inside: Path) -> None:
    folder = Folder(inside)
    with pytest.raises(OSError, match="Input/output error") as caught:
        folder.close()
    assert caught.value.filename == str(inside)
    folder.close()  # the number may be another file's by now


@pytest.mark.usefixtures("closing_fails")
def test_what_led_out_of_a_folder_is_what_the_caller_hears_of(inside: Path) -> None:
    with pytest.raises(KeyError), Folder(inside):
        raise KeyError
