"""Indexes that came along, with every checksum right."""

from __future__ import annotations

import os
import sqlite3
import struct
from pathlib import Path
from typing import Any

from benchmarks.reseal import file_sum, reseal
from tests.e2e.hostile.place import Place


def a_journal_that_deletes(place: Place) -> None:
    """A manifest that lists a journal of the catalog: SQLite would play it back, and delete the file that it names."""
    catalog = place.generation / "catalog.sqlite"
    victim = str(place.home / "photos" / "00000001" / "beach.jpg").encode()
    page_size = int.from_bytes(catalog.read_bytes()[16:18], "big")
    magic = bytes.fromhex("d9d505f920a163d7")
    header = magic + struct.pack(">5I", 0, 0, catalog.stat().st_size // page_size, 512, page_size)
    lock_page = (1 << 30) // page_size + 1
    super_journal = struct.pack(">I", lock_page) + victim + struct.pack(">2I", len(victim), sum(victim)) + magic
    journal = catalog.with_name(catalog.name + "-journal")
    journal.write_bytes(header.ljust(512, b"\0") + super_journal)
    reseal(place.index, lambda manifest: manifest["files"].update({journal.name: file_sum(journal)}))


def a_write_ahead_log_that_alters(place: Place) -> None:
    """A write-ahead log that came along: SQLite would take its rows for committed ones."""
    catalog = place.generation / "catalog.sqlite"
    shipped = place.home / "shipped.sqlite"
    shipped.write_bytes(catalog.read_bytes())
    connection = sqlite3.connect(shipped, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("DELETE FROM chunks")
    connection.execute("DELETE FROM files")
    files = {}
    for suffix in ("", "-wal", "-shm"):
        path = catalog.with_name(catalog.name + suffix)
        path.unlink(missing_ok=True)
        path.write_bytes(shipped.with_name(shipped.name + suffix).read_bytes())
        files[path.name] = file_sum(path)
    connection.close()
    for path in place.home.glob("shipped.sqlite*"):
        path.unlink()
    reseal(place.index, lambda manifest: manifest["files"].update(files))


def a_catalog_of_another_program(place: Place) -> None:
    """A catalog with a trigger and a view in it."""
    connection = sqlite3.connect(place.generation / "catalog.sqlite")
    connection.executescript(
        "CREATE TRIGGER harm AFTER INSERT ON files BEGIN DELETE FROM chunks; END;"
        "CREATE VIEW more AS SELECT load_extension('/tmp/x.so');"
    )
    connection.close()
    reseal(place.index)


def a_graph_with_bad_links(place: Place) -> None:
    """A vector segment, too large to be searched exactly, whose graph points out of its memory."""
    import numpy as np
    from usearch.index import Index

    (segment,) = (place.generation / "vectors").iterdir()
    rows, dims = (int(number) for number in np.fromfile(segment, "<u4", 2))
    own = np.fromfile(segment, "<i8", rows, offset=8 + rows * dims).astype(np.uint64)
    count = 50_100
    index = Index(ndim=dims, metric="cos", dtype="i8", connectivity=2, expansion_add=1, expansion_search=64)
    vectors = np.random.default_rng(1).integers(-127, 128, (count, dims)).astype(np.int8)
    keys = np.sort(np.concatenate([own, np.arange(1, count - rows + 1, dtype=np.uint64)]))
    index.add(keys, vectors, threads=1)
    segment.unlink()
    index.save(segment)
    content = bytearray(segment.read_bytes())
    levels = 8 + count * dims + 64 + 40  # after the vectors, the head of the file, and that of the graph
    node = levels + 2 * count
    for number in range(count):
        level = int.from_bytes(content[levels + 2 * number : levels + 2 * number + 2], "little")
        links = node + 8 + 2 + 4  # after the key, the level and the number of links
        content[links : links + 16] = b"\xf0\xff\xff\x7f" * 4
        node += 8 + 2 + (4 + 4 * 4) + level * (4 + 2 * 4)
    assert node == len(content), (node, len(content))
    segment.write_bytes(content)

    def claim(manifest: dict[str, Any]) -> None:
        manifest["segments"][0]["vectors"] = count

    reseal(place.index, claim)


def a_text_index_without_its_files(place: Place) -> None:
    """A description of the text index that names segments which are not there, or lie elsewhere."""
    meta = place.generation / "text" / "meta.json"
    meta.write_bytes(meta.read_bytes().replace(b'"segment_id":"', b'"segment_id":"ffff'))
    reseal(place.index)


def text_files_cut_short(place: Place) -> None:
    """Every file of the text index halved, with right checksums."""
    for path in (place.generation / "text").iterdir():
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content[: len(content) // 2])
    reseal(place.index)


def a_projection_that_is_a_pickle(place: Place) -> None:
    """A projection whose arrays are pickles, which would run code."""
    import numpy as np

    path = place.generation / "projection.npz"
    harm = np.empty(1, object)
    harm[0] = Path
    np.savez(path, matrix=harm, mean=harm)

    def name(manifest: dict[str, Any]) -> None:
        manifest["files"]["projection.npz"] = file_sum(path)
        manifest["projection"]["mode"] = "fit"

    reseal(place.index, name)


def a_lock_that_is_a_link(place: Place) -> None:
    """Tantivy makes its locks even to read: through a dangling link it would make a file elsewhere."""
    for name in (".tantivy-meta.lock", ".tantivy-writer.lock"):
        (place.generation / "text" / name).unlink(missing_ok=True)
        (place.generation / "text" / name).symlink_to(place.home / f"made-by{name}")


def every_number_is_vast(place: Place) -> None:
    """A manifest that promises more than any memory holds."""

    def change(manifest: dict[str, Any]) -> None:
        manifest["projection"]["dims"] = manifest["encoder"]["dims"] = 1 << 40
        manifest["segments"][0] |= {"vectors": 1 << 60, "live": 1 << 60}
        manifest["counts"]["chunks"] = 1 << 62

    reseal(place.index, change)


def a_file_of_a_terabyte_without_content(place: Place) -> None:
    """A sparse file that takes no space and, with the size that the manifest says, an hour to be summed."""
    catalog = place.generation / "catalog.sqlite"
    reseal(place.index, lambda manifest: manifest["files"].update({catalog.name: [1 << 40, "0" * 32]}))
    os.truncate(catalog, 1 << 40)
