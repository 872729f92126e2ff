"""A catalog that somebody made to harm who opens it, or a journal beside it that SQLite would play back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from pathlib import Path

import pytest

from indexer.errors import DamagedIndexError
from indexer.stores.catalog.reader import Catalog
from indexer.stores.catalog.writer import CatalogWriter
from indexer.stores.generation import layout
from indexer.stores.generation.reader import open_generation
from tests.damage import reseal
from tests.integration.hostile.indexes import TREE


def hot_journal(catalog: Path, super_journal: Path) -> bytes:
    """Return a journal of an unfinished transaction over two files, which names its super-journal."""
    connection = sqlite3.connect(catalog, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN")
    connection.execute("UPDATE files SET size = size + 1")
    connection.execute("CREATE TABLE filler (content)")
    for _ in range(200):  # more than the cache holds, so that the journal is written
        connection.execute("INSERT INTO filler VALUES (randomblob(4000))")
    content = catalog.with_name(catalog.name + "-journal").read_bytes()
    connection.execute("ROLLBACK")
    connection.close()
    name = os.fsencode(super_journal)
    # sqlite.org/fileformat.html, the rollback journal: its length, a sum of its bytes, and the magic number.
    tail = struct.pack(">II", len(name), sum(name)) + bytes.fromhex("d9d505f920a163d7")
    return content + struct.pack(">I", 0x40000000 // 4096 + 1) + name + tail


def test_no_journal_that_comes_with_a_catalog_is_applied(mine: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    for folder in ("plain", "reader", "writer"):
        (tmp_path / folder).mkdir()
        shutil.copy(reseal(mine) / layout.CATALOG, tmp_path / folder / layout.CATALOG)
    journal = hot_journal(tmp_path / "plain" / layout.CATALOG, victim)
    right = (tmp_path / "reader" / layout.CATALOG).read_bytes()
    victim.write_text("a file of the user")
    for folder in ("plain", "reader", "writer"):
        (tmp_path / folder / (layout.CATALOG + "-journal")).write_bytes(journal)

    catalog = Catalog(tmp_path / "reader" / layout.CATALOG)
    assert catalog.file_count() == len(TREE)
    catalog.close()
    with pytest.raises(DamagedIndexError, match=r"catalog\.sqlite-journal: no catalog is committed with a journal"):
        CatalogWriter(tmp_path / "writer" / layout.CATALOG, content_digest=0, vector_digest=0, live={})  # type: ignore[arg-type]
    assert victim.exists()
    for folder in ("reader", "writer"):
        assert len(list((tmp_path / folder).iterdir())) == 2
        assert (tmp_path / folder / layout.CATALOG).read_bytes() == right

    # The journal is one that SQLite would have applied.
    connection = sqlite3.connect(tmp_path / "plain" / layout.CATALOG)
    connection.execute("SELECT count(*) FROM files").fetchone()
    connection.close()
    assert not victim.exists()


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_a_writer_refuses_whatever_lies_where_a_journal_would(mine: Path, tmp_path: Path, suffix: str) -> None:
    shutil.copy(reseal(mine) / layout.CATALOG, tmp_path / layout.CATALOG)
    (tmp_path / (layout.CATALOG + suffix)).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DamagedIndexError, match="journal"):
        CatalogWriter(tmp_path / layout.CATALOG, content_digest=0, vector_digest=0, live={})  # type: ignore[arg-type]
    assert not (tmp_path / "elsewhere").exists()


def test_a_writer_refuses_a_catalog_in_write_ahead_mode_or_with_another_schema(mine: Path, tmp_path: Path) -> None:
    for statement in ("PRAGMA journal_mode = WAL", "CREATE VIEW v AS SELECT 1"):
        path = tmp_path / layout.CATALOG
        shutil.copy(reseal(mine) / layout.CATALOG, path)
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.close()
        with pytest.raises(DamagedIndexError):
            CatalogWriter(path, content_digest=0, vector_digest=0, live={})  # type: ignore[arg-type]
        assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_catalog_that_names_a_segment_that_is_not_there_is_damage(mine: Path) -> None:
    folder = reseal(mine)
    connection = sqlite3.connect(folder / layout.CATALOG)
    with connection:
        connection.execute("UPDATE chunks SET segment = 77")
    connection.close()
    reseal(mine)
    with open_generation(mine) as generation, pytest.raises(DamagedIndexError, match="no segment 77"):
        generation.vectors.get(
            next(iter(generation.catalog.segments_of([chunk_id for chunk_id, *_ in generation.text.scan()]).values())),
            [1],
        )
