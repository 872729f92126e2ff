"""An index that somebody made to harm who opens it: all checksums are right, and what they cover is not."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lz4.block
import msgspec
import pytest

from indexer.errors import DamagedIndexError, IndexerError
from indexer.stores.catalog.reader import Catalog
from indexer.stores.catalog.writer import CatalogWriter
from indexer.stores.generation import layout, staged_text
from indexer.stores.generation import manifest as manifests
from indexer.stores.generation.manifest import Manifest
from indexer.stores.generation.reader import Generation, open_generation
from indexer.stores.text.document import WORD_FIELDS
from indexer.stores.text.files import TEXT_LOCKS
from indexer.stores.text.queries import Filters
from indexer.stores.text.store_check import check_store, payload_end
from indexer.stores.vectors import segment_file, segments
from pipelines.check.repair import repair
from pipelines.check.verify import verify
from tests.damage import ANSWERED, REFUSED, mutate, reseal, tried
from tests.synthetic import commit_tree, small_tree, vector_hits

TREE = small_tree(files=30) | {"old.py": ("only in the old one",)}
EDITED = TREE | {"package/module_1.py": ("edited",)}
WORDS = dict.fromkeys(("original", "value_3_1", "pars", "line", "3", "edit", "function"), 1.0)


@pytest.fixture
def mine(ram_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index of two text segments, one with dead documents, and of a vector segment with a graph and one without."""
    index_dir = ram_path / "index"
    for module in (segment_file, segments):
        monkeypatch.setattr(module, "GRAPH_VECTORS", 50)
    with monkeypatch.context() as patch:
        patch.setattr(staged_text, "SMALL_DOCUMENTS", 0)
        commit_tree(index_dir, TREE)
        commit_tree(index_dir, EDITED)
    return index_dir


def read_all(generation: Generation) -> list[object]:
    """Ask for everything that a search asks for."""
    text = generation.text
    hits = list(text.search(dict.fromkeys(WORD_FIELDS, WORDS), limit=50))
    filters = Filters(languages=("python",), kinds=("function",), path_patterns=(".*module_[1-3].*",))
    return [
        hits,
        list(text.search({"body": WORDS}, limit=10, filters=filters)),
        sorted(text.filter(Filters(not_path_patterns=(".*module_1.*",)), limit=1000)),
        sorted(text.filter(Filters(paths=("package/module_3.py", "old.py")), limit=1000)),
        [
            sorted(zip(ids, scores, strict=True))
            for ids, scores in text.holding(["original", "made", "pars"], ["body", "names"], limit=100)
        ],
        text.find("name", "function_2"),
        text.embeddings(hits),
        {chunk_id: document.to_chunk() for chunk_id, document in text.documents(hits).items()},
        sorted(text.scan()),
        vector_hits(generation, "edited"),
        vector_hits(generation, "original value_3_1 = parse(line)", limit=100),
        generation.catalog.paths_of(hits),
        generation.catalog.stats(),
        generation.catalog.records(),
    ]


def read(index_dir: Path) -> list[object]:
    with open_generation(index_dir) as generation:
        return read_all(generation)


@pytest.mark.parametrize("folder", [layout.TEXT, layout.VECTORS, layout.CATALOG])
def test_no_alteration_ends_the_process_or_takes_its_memory(mine: Path, folder: str) -> None:
    """benchmarks/ runs many more."""
    source = random.Random(9)
    generation = reseal(mine)
    place = generation / folder
    files = sorted(place.iterdir()) if place.is_dir() else [place]
    files = [path for path in files if path.name not in TEXT_LOCKS]
    assert tried(lambda: read(mine)) == ANSWERED
    found = set()
    for _ in range(50):
        path = source.choice(files)
        content = path.read_bytes()
        path.unlink()  # the file may be a hard link
        path.write_bytes(mutate(content, source))
        reseal(mine)
        found.add(tried(lambda: read(mine)))
        path.write_bytes(content)
    assert found == {ANSWERED, REFUSED}


def edit_json(path: Path, change: Callable[[Any], object]) -> None:
    """Change what a JSON file holds."""
    value = json.loads(path.read_text())
    change(value)
    path.unlink()
    path.write_text(json.dumps(value))


@pytest.mark.parametrize(
    "change",
    [
        lambda meta: meta["segments"][0].update(max_doc=0),
        lambda meta: meta["segments"][0].update(max_doc=meta["segments"][0]["max_doc"] + 64),
        lambda meta: meta["segments"][0].update(max_doc=(1 << 31) - 1),
        lambda meta: meta["segments"][0].update(max_doc=1 << 70),
        lambda meta: meta["segments"][0].update(segment_id="../../../../etc/passwd"),
        lambda meta: meta["segments"][0].update(segment_id="00000000-0000-4000-8000-000000000000"),
        lambda meta: meta["segments"].append(meta["segments"][0]),
        lambda meta: meta["segments"][0].update(deletes={"num_deleted_docs": 10_000, "opstamp": 1}),
        lambda meta: meta["segments"][0].update(more=1),
        lambda meta: meta["schema"].pop(),
        lambda meta: meta["schema"][0]["options"].update(fast=False),
        lambda meta: meta["schema"][1].update(type="json_object"),
        lambda meta: meta["schema"][6]["options"]["indexing"].update(tokenizer="en_stem"),
        lambda meta: meta["index_settings"].update(docstore_compression="none"),
        lambda meta: meta.update(payload="x"),
    ],
)
def test_a_text_index_is_what_its_description_says(mine: Path, change: Callable[[Any], object]) -> None:
    edit_json(reseal(mine) / layout.TEXT / "meta.json", change)
    reseal(mine)
    assert tried(lambda: read(mine)) == REFUSED
    assert not verify(mine).ok
    with pytest.raises(IndexerError):
        commit_tree(mine, EDITED | {"package/module_2.py": ("more",)})


def test_tantivy_never_deletes_what_a_foreign_list_names(mine: Path, ram_path: Path) -> None:
    victim = ram_path / "victim"
    victim.write_text("kept")
    up = "../" * 8
    edit_json(reseal(mine) / layout.TEXT / ".managed.json", lambda names: names.append(f"{up}{victim}"))
    reseal(mine)
    with pytest.raises(DamagedIndexError, match=r"\.managed\.json names"):
        commit_tree(mine, EDITED | {"package/module_2.py": ("more",)})
    assert victim.read_text() == "kept"


def integer(value: int) -> bytes:
    """Return a variable-length integer of Tantivy's: seven bits a byte from the lowest, the last byte marked."""
    rest = b""
    while value > 0x7F:
        rest += bytes([value & 0x7F])
        value >>= 7
    return rest + bytes([value | 0x80])


def one_block_store(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return a document store of one block with that block changed, and all that leads to it right."""
    stop = int(check_store(content, documents=1).bytes[1])
    block = lz4.block.decompress(content[4:stop], uncompressed_size=int.from_bytes(content[:4], "little"))
    packed: bytes = struct.pack("<I", len(block)) + lz4.block.compress(change(block), store_size=False)
    checkpoints = b"".join(map(integer, (1, 0, 0, 1, len(packed))))
    index = integer(1) + integer(len(checkpoints)) + checkpoints
    end = payload_end(content)
    version, _, compression = struct.unpack_from("<IQB", content, end - 28)
    footer = struct.pack("<IQB15x", version, len(packed), compression)
    return packed + index + footer + content[end:]


def asks_for_all_memory(block: bytes) -> bytes:
    """Let the first value of the first document, bytes of type 4, have a length of 63 bits."""
    at = block.index(b"\x04\xa9") + 1
    return block[:at] + b"\x7f" * 8 + b"\xff" + block[at + 9 :]


def test_a_document_that_asks_for_all_memory_is_damage(mine: Path) -> None:
    """Tantivy makes room for as many bytes as a document says that it has, and ends the process if it can't."""
    path = min((reseal(mine) / layout.TEXT).glob("*.store"), key=lambda path: path.stat().st_size)
    content = path.read_bytes()
    path.unlink()
    for change, outcome in ((lambda block: block, ANSWERED), (asks_for_all_memory, REFUSED)):
        path.write_bytes(one_block_store(content, change))
        reseal(mine)
        assert tried(lambda: read(mine)) == outcome


def test_a_block_that_claims_four_gigabytes_is_damage(mine: Path) -> None:
    path = next((reseal(mine) / layout.TEXT).glob("*.store"))
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(b"\xff\xff\xff\xff" + content[4:])
    reseal(mine)
    with pytest.raises(DamagedIndexError, match="claims more than any document needs"):
        read(mine)
    end = payload_end(content)
    path.write_bytes(content[: end - 24] + struct.pack("<Q", 1 << 60) + content[end - 16 :])
    reseal(mine)
    with pytest.raises(DamagedIndexError, match="another footer"):
        read(mine)


@pytest.mark.parametrize("name", TEXT_LOCKS)
def test_no_lock_is_made_through_a_link(mine: Path, ram_path: Path, name: str) -> None:
    link = reseal(mine) / layout.TEXT / name
    link.unlink(missing_ok=True)
    link.symlink_to(ram_path / "made")
    with pytest.raises(DamagedIndexError, match="symbolic link"):
        open_generation(mine)
    assert not (ram_path / "made").exists()


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


def with_segment(**values: int) -> Callable[[Manifest], Manifest]:
    """Change what the manifest says of the first segment."""

    def change(manifest: Manifest) -> Manifest:
        first = msgspec.structs.replace(manifest.segments[0], **values)
        return msgspec.structs.replace(manifest, segments=(first, *manifest.segments[1:]))

    return change


def with_dims(part: str, dims: int) -> Callable[[Manifest], Manifest]:
    return lambda manifest: msgspec.structs.replace(
        manifest, **{part: msgspec.structs.replace(getattr(manifest, part), dims=dims)}
    )


@pytest.mark.parametrize(
    "change",
    [
        with_segment(vectors=1 << 40),
        with_segment(vectors=(1 << 32) - 1),
        with_segment(vectors=0),
        with_segment(vectors=-1),
        with_segment(live=1 << 40),
        with_segment(live=-5),
        with_segment(number=0),
        with_segment(number=2),
        with_segment(number=7),
        with_segment(number=1 << 80),
        with_dims("projection", 10**9),
        with_dims("projection", 4096),
        with_dims("projection", 0),
        with_dims("encoder", 10**9),
        with_dims("encoder", -1),
        lambda m: msgspec.structs.replace(m, counts=msgspec.structs.replace(m.counts, chunks=1 << 62)),
        lambda m: msgspec.structs.replace(m, segments=m.segments * 2),
    ],
)
def test_a_manifest_with_numbers_that_lie_is_refused(mine: Path, change: Callable[[Manifest], Manifest]) -> None:
    reseal(mine, change)
    assert tried(lambda: read(mine)) == REFUSED
    assert not verify(mine).ok


def test_mutated_manifests_are_refused_or_harmless(mine: Path) -> None:
    source = random.Random(3)
    folder = reseal(mine)
    original = (folder / layout.MANIFEST).read_bytes()
    found = set()
    for _ in range(80):
        value = json.loads(original)
        _alter(value, source)
        value["checksum"] = ""
        try:
            sealed = manifests.seal(msgspec.convert(value, Manifest))
        except (msgspec.ValidationError, OverflowError):
            (folder / layout.MANIFEST).write_text(json.dumps(value))
        else:
            (folder / layout.MANIFEST).write_bytes(manifests.encode(sealed))
            (mine / "CURRENT").write_bytes(layout.Current(sealed.generation, sealed.checksum).to_bytes())
        found.add(tried(lambda: read(mine)))
        (folder / layout.MANIFEST).write_bytes(original)
    assert found <= {ANSWERED, REFUSED}, found


def _alter(value: Any, source: random.Random) -> None:
    """Replace one number, text or list somewhere in a JSON value."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = source.choice(keys)
        if isinstance(value[key], dict | list) and source.random() < 0.8:
            value = value[key]
            continue
        value[key] = source.choice([0, -1, 1, 2**31, 2**40, 2**63, 2**64, 10**30, 1.5, "", "x" * 1000, None, [], {}])
        return


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


def test_vectors_with_a_graph_that_leads_out_are_named_and_repaired(mine: Path) -> None:
    right = read(mine)
    path = reseal(mine) / layout.VECTORS / "00000001.vectors"
    content = bytearray(path.read_bytes())
    rows = int.from_bytes(content[:4], "little")
    at = content.index(b"usearch") + 104 + 2 * rows + 14  # the first link of the first node
    content[at : at + 4] = b"\xff\xff\xff\x7f"
    path.unlink()
    path.write_bytes(content)
    reseal(mine)
    assert tried(lambda: read(mine)) == REFUSED
    assert not verify(mine).ok
    repair(mine, rebuild=lambda: pytest.fail("the text index has all vectors"))
    assert verify(mine).ok
    assert read(mine)[-5:] == right[-5:]


SERVES = """
import os, sys
from pathlib import Path
from indexer.stores.vectors import segment_file
from tests.integration import test_hostile_index as here
segment_file.GRAPH_VECTORS = 50
index_dir = Path(sys.argv[1])
here.read(index_dir)  # imports all there is to import
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
assert not os.access(index_dir, os.W_OK)
print(len(here.read(index_dir)))
"""


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can be somebody else")
def test_an_index_of_another_user_serves(mine: Path) -> None:
    """usearch opens files with O_NOATIME, which the system allows their owner alone."""
    mine.parent.chmod(0o755)
    read(mine)  # as its owner, who may make Tantivy's lock
    before = sorted(mine.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", SERVES, str(mine)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TMPDIR": "/tmp"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "14\n"
    assert sorted(mine.rglob("*")) == before


def test_a_writer_never_builds_on_a_hostile_text_index(mine: Path) -> None:
    path = next((reseal(mine) / layout.TEXT).glob("*.store"))
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(b"\xff\xff\xff\xff" + content[4:])
    reseal(mine)
    assert tried(lambda: commit_tree(mine, EDITED | {"package/module_3.py": ("more",)})) == REFUSED
