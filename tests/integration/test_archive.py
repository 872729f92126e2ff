"""An exported index: the same bytes from the same generation; what is no such file is refused, and changes nothing."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import zstandard

from indexer.errors import DamagedIndexError, FormatVersionError, IndexerError, NoIndexError, StorageError
from indexer.stores.generation import archive, layout
from indexer.stores.generation import manifest as manifests
from indexer.stores.generation.manifest import FileSum, Manifest
from indexer.stores.generation.reader import open_generation
from pipelines.check.verify import verify
from pipelines.share import export_index, import_index
from tests.integration.test_faults import at_step, hook, steps_of
from tests.synthetic import commit_tree, digest_of, small_tree, text_hits

if sys.platform == "win32":
    pytest.skip("needs FIFOs and links", allow_module_level=True)

TREE = small_tree(word="old")
Entry = tuple[tarfile.TarInfo, bytes]


@pytest.fixture(scope="module")
def index_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index in its second generation."""
    folder = tmp_path_factory.mktemp("project") / ".indexer"
    commit_tree(folder, {})
    commit_tree(folder, TREE)
    return folder


@pytest.fixture(scope="module")
def exported(index_dir: Path) -> bytes:
    """What `export_index` makes of it."""
    target = index_dir.parent / "exported"
    export_index(index_dir, target)
    return target.read_bytes()


def entries_of(exported: bytes) -> list[Entry]:
    """Return the entries of an archive as Python's tarfile reads them."""
    content = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(exported), read_across_frames=True).read()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return [(entry, tar.extractfile(entry).read()) for entry in tar]  # type: ignore[union-attr]


def packed(entries: list[Entry], *, behind: bytes = bytes(1024)) -> bytes:
    """Return an archive of any entries, of which only regular ones have content."""
    content = bytearray()
    for entry, data in entries:
        content += entry.tobuf(tarfile.GNU_FORMAT if len(entry.name) > 100 else tarfile.USTAR_FORMAT)
        content += data + bytes(-len(data) % 512)
    return zstandard.compress(bytes(content) + behind)


def entry(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = "") -> Entry:
    """Return an entry of any kind."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, target, len(data)
    return made, data


def resealed(entries: list[Entry], change: Callable[[Manifest], Manifest]) -> list[Entry]:
    """Return the entries with another manifest, whose checksum is right."""
    manifest = change(manifests.decode(entries[0][1], Path("x")))
    return [entry(layout.MANIFEST, manifests.encode(manifests.seal(manifest))), *entries[1:]]


def with_files(**files: FileSum) -> Callable[[Manifest], Manifest]:
    """Return what names more files in a manifest."""
    named = {name.replace("__", "/").replace("_DOT_", "."): entry for name, entry in files.items()}
    return lambda manifest: msgspec.structs.replace(manifest, files={**manifest.files, **named})


def altered(manifest: Manifest) -> Manifest:
    """Return a manifest that is right about files, and wrong about what they mean."""
    return msgspec.structs.replace(manifest, digest="0" * 32)


def last_changed(entries: list[Entry]) -> list[Entry]:
    """Return the entries, the content of the last one of the same size and another one."""
    made, data = entries[-1]
    return [*entries[:-1], (made, bytes(len(data)))]


def windowed(entries: list[Entry]) -> bytes:
    """Return an archive that asks for 128 MiB to be decompressed."""
    content = zstandard.decompress(packed(entries), max_output_size=1 << 26)
    parameters = zstandard.ZstdCompressionParameters(window_log=27, compression_level=3)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return compressor.compress(content + bytes(1 << 20)) + compressor.flush()


HUGE = FileSum(10 << 30, "0" * 32)

HOSTILE: dict[str, Callable[[list[Entry]], bytes]] = {
    "nothing": lambda e: b"",
    "no archive": lambda e: b"an index, honestly\n" * 100,
    "no entry": lambda e: packed([]),
    "another entry first": lambda e: packed([*e[1:], e[0]]),
    "one entry missing": lambda e: packed([*e[:3], *e[4:]]),
    "entries swapped": lambda e: packed([*e[:3], e[4], e[3], *e[5:]]),
    "an entry twice": lambda e: packed([*e, e[-1]]),
    "an entry outside": lambda e: packed([*e, entry("../../outside", b"x")]),
    "an entry outside first": lambda e: packed([entry("../../outside", b"x"), *e]),
    "an absolute entry": lambda e: packed([e[0], entry("/tmp/outside", b"x"), *e[1:]]),
    "a manifest that names a file outside": lambda e: packed(
        resealed([*e, entry("../outside", b"x")], with_files(**{"..__outside": FileSum(1, "0" * 32)}))
    ),
    "a manifest that names another file": lambda e: packed(
        resealed([*e, entry("text/x.so", b"x")], with_files(text__x_DOT_so=FileSum(1, "0" * 32)))
    ),
    "a link": lambda e: packed([e[0], entry("catalog.sqlite", kind=tarfile.SYMTYPE, target="/etc/passwd"), *e[2:]]),
    "a hard link": lambda e: packed([e[0], entry("catalog.sqlite", kind=tarfile.LNKTYPE, target="/etc/passwd")]),
    "a device": lambda e: packed([e[0], entry("catalog.sqlite", kind=tarfile.CHRTYPE), *e[2:]]),
    "a FIFO": lambda e: packed([e[0], entry("catalog.sqlite", kind=tarfile.FIFOTYPE), *e[2:]]),
    "a folder": lambda e: packed([entry("text", kind=tarfile.DIRTYPE), *e]),
    "a long name": lambda e: packed([entry("a" * 5000, b"x"), *e]),
    "a header of gigabytes": lambda e: packed([entry("././@PaxHeader", kind=b"x", data=bytes(1 << 26)), *e]),
    "a manifest of gigabytes": lambda e: packed([entry(layout.MANIFEST, b" " * (17 << 20)), *e[1:]]),
    "files of gigabytes": lambda e: packed(resealed(e, with_files(vectors__00000009_DOT_vectors=HUGE))),
    "a file longer than said": lambda e: packed([*e[:-1], entry(e[-1][0].name, e[-1][1] + bytes(1 << 26))]),
    "a file shorter than said": lambda e: packed([*e[:-1], entry(e[-1][0].name, e[-1][1][:-1])]),
    "another content": lambda e: packed(last_changed(e)),
    "more behind the end": lambda e: packed(e, behind=bytes(1024) + b"more"),
    "zeros without end behind": lambda e: packed(e, behind=bytes(1 << 27)),
    "no end": lambda e: packed(e, behind=b""),
    "a large window": windowed,
    "a checksum that is wrong": lambda e: packed([entry(layout.MANIFEST, e[0][1].replace(b"worktree", b"w0rktree"))]),
    "meaning that is wrong": lambda e: packed(resealed(e, altered)),
}


def test_the_same_generation_gives_the_same_bytes_wherever_it_lies(
    index_dir: Path, exported: bytes, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere" / "deep" / ".indexer"
    shutil.copytree(index_dir, moved)
    for path in moved.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    export_index(moved, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == exported
    import_index(tmp_path / "again", tmp_path, tmp_path / "taken")
    export_index(tmp_path / "taken", tmp_path / "third")
    assert (tmp_path / "third").read_bytes() == exported


def test_what_is_taken_over_answers_as_the_original(index_dir: Path, exported: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(exported)
    for number, origin in enumerate((tmp_path / "file", index_dir, index_dir.parent)):
        taken = tmp_path / f"taken-{number}"
        done = import_index(origin, tmp_path, taken)
        assert verify(taken).ok
        with open_generation(index_dir) as original, open_generation(taken) as copy:
            assert text_hits(copy, "old") == text_hits(original, "old") != []
            assert copy.manifest.vector_digest == original.manifest.vector_digest == done.vector_digest
            assert copy.manifest.source.root == ".."


def test_it_is_made_the_next_generation_of_an_index_that_is_there(exported: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(exported)
    commit_tree(tmp_path / "index", small_tree(word="mine"))
    assert import_index(tmp_path / "file", tmp_path, tmp_path / "index").generation == "00000002"
    with open_generation(tmp_path / "index") as generation:
        assert text_hits(generation, "mine") == []
    commit_tree(tmp_path / "index", small_tree(word="mine"))
    assert digest_of(tmp_path / "index") == commit_tree(tmp_path / "fresh", small_tree(word="mine")).digest


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_hostile_archive_is_refused_and_changes_nothing(attack: str, exported: bytes, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    index_dir = tmp_path / "inner" / "index"
    digest = commit_tree(index_dir, small_tree(word="mine")).digest
    (tmp_path / "file").write_bytes(HOSTILE[attack](entries_of(exported)))
    with pytest.raises(DamagedIndexError, match="file"):
        import_index(tmp_path / "file", tmp_path, index_dir)
    assert digest_of(index_dir) == digest
    assert layout.generation_numbers(index_dir) == [1]
    assert list((index_dir / layout.STAGING).iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "inner"]
    assert [path.name for path in (tmp_path / "inner").iterdir()] == ["index"]


def test_the_archive_that_attacks_are_made_of_is_taken(exported: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(packed(entries_of(exported)))
    import_index(tmp_path / "file", tmp_path, tmp_path / "index")
    assert verify(tmp_path / "index").ok


@pytest.mark.parametrize("cut", [1, 100, 5000, -8])
def test_a_part_of_an_archive_is_refused(cut: int, exported: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(exported[:cut])
    with pytest.raises(DamagedIndexError, match="file"):
        import_index(tmp_path / "file", tmp_path, tmp_path / "index")


def test_another_format_version_is_named(exported: bytes, tmp_path: Path) -> None:
    other = resealed(entries_of(exported), lambda m: msgspec.structs.replace(m, format_version=m.format_version + 1))
    (tmp_path / "file").write_bytes(packed(other))
    with pytest.raises(FormatVersionError, match="file"):
        import_index(tmp_path / "file", tmp_path, tmp_path / "index")


def test_what_is_no_file_is_neither_waited_for_nor_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(DamagedIndexError, match="regular"):
        import_index(tmp_path / "fifo", tmp_path, tmp_path / "index")
    for missing in ("missing", "."):
        with pytest.raises(NoIndexError):
            import_index(tmp_path / missing, tmp_path, tmp_path / "index")


def test_a_link_in_a_folder_that_is_taken_over_is_refused(index_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(index_dir, tmp_path / "foreign")
    catalog = tmp_path / "foreign" / "generations" / "00000002" / layout.CATALOG
    catalog.rename(tmp_path / "catalog")
    catalog.symlink_to(tmp_path / "catalog")
    with pytest.raises(DamagedIndexError, match="symbolic link"):
        import_index(tmp_path / "foreign", tmp_path, tmp_path / "index")


def test_an_altered_file_is_not_exported(index_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(index_dir, tmp_path / "index")
    catalog = tmp_path / "index" / "generations" / "00000002" / layout.CATALOG
    content = bytearray(catalog.read_bytes())
    content[2000] ^= 1
    catalog.unlink()
    catalog.write_bytes(content)
    with pytest.raises(DamagedIndexError, match="catalog"):
        export_index(tmp_path / "index", tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_no_room_is_said_before_anything_is_unpacked(
    exported: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(exported)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 1))
    with pytest.raises(StorageError, match="free"):
        import_index(tmp_path / "file", tmp_path, tmp_path / "index")


def test_a_failure_at_any_step_leaves_one_whole_index(exported: bytes, ram_path: Path) -> None:
    (ram_path / "file").write_bytes(exported)
    mine = commit_tree(ram_path / "mine", small_tree(word="mine")).digest

    def take(name: str) -> Path:
        shutil.copytree(ram_path / "mine", ram_path / name)
        import_index(ram_path / "file", ram_path, ram_path / name)
        return ram_path / name

    steps = steps_of(lambda: take("whole"))
    theirs = digest_of(ram_path / "whole")
    served = set()
    for number in range(len(steps)):
        with hook(at_step(number, fail)), pytest.raises(IndexerError):
            take(str(number))
        assert verify(ram_path / str(number)).ok
        served.add(digest_of(ram_path / str(number)))
        assert import_index(ram_path / "file", ram_path, ram_path / str(number)).digest == theirs
    assert served == {mine, theirs}


def fail() -> None:
    raise OSError(28, "No space left on device")


def test_the_window_of_our_own_archives_is_within_the_bound(exported: bytes) -> None:
    assert zstandard.get_frame_parameters(exported).window_size <= archive.MAX_WINDOW_BYTES
