"""A text index that somebody made to harm who opens it: all checksums are right, and what they cover is not."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lz4.block
import pytest

from indexer.errors import DamagedIndexError, IndexerError
from indexer.stores.generation import layout
from indexer.stores.generation.reader import open_generation
from indexer.stores.text.files import TEXT_LOCKS
from indexer.stores.text.store_check import check_store, payload_end
from pipelines.check.verify import verify
from tests.damage import ANSWERED, REFUSED, reseal, tried
from tests.integration.hostile.indexes import EDITED, read
from tests.synthetic import commit_tree


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


def claim_four_gigabytes(index_dir: Path) -> tuple[Path, bytes]:
    """Let the first block of a document store claim four gigabytes; return the store and what it held."""
    path = next((reseal(index_dir) / layout.TEXT).glob("*.store"))
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(b"\xff\xff\xff\xff" + content[4:])
    reseal(index_dir)
    return path, content


def test_a_block_that_claims_four_gigabytes_is_damage(mine: Path) -> None:
    path, content = claim_four_gigabytes(mine)
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


def test_a_writer_never_builds_on_a_hostile_text_index(mine: Path) -> None:
    claim_four_gigabytes(mine)
    assert tried(lambda: commit_tree(mine, EDITED | {"package/module_3.py": ("more",)})) == REFUSED
