"""What an index may hold is what the format knows; what lies beside, or is gone, is named."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from indexer.errors import DamagedIndexError, NoIndexError
from indexer.stores.generation import layout
from indexer.stores.generation import manifest as manifests
from indexer.stores.generation.reader import open_generation
from pipelines.check.findings import FindingKind
from pipelines.check.repair import Repair, repair
from pipelines.check.verify import verify
from tests.integration.hostile.projects import COMMANDS, CURRENT_GENERATION, NEW, search
from tests.synthetic import commit_tree


def reseal(index_dir: Path, **files: bytes) -> None:
    """Add files to the current generation and its manifest, with all checksums right."""
    path = layout.generation_dir(index_dir, layout.read_current(index_dir).number)
    listed = dict(manifests.read(path).files)
    for name, content in files.items():
        (path / name).write_bytes(content)
        listed[name] = manifests.file_sum(path / name)
    manifest = manifests.seal(msgspec.structs.replace(manifests.read(path), files=listed))
    (path / layout.MANIFEST).write_bytes(manifests.encode(manifest))
    (index_dir / "CURRENT").write_bytes(layout.Current(manifest.generation, manifest.checksum).to_bytes())


@pytest.mark.parametrize("name", ["catalog.sqlite-journal", "catalog.sqlite-wal", "catalog.sqlite-shm", "text.json"])
def test_a_manifest_names_the_files_of_the_format_alone(project: Path, name: str) -> None:
    index_dir = project / ".indexer"
    reseal(index_dir, **{name: b"journal"})
    for command in (search, COMMANDS["build"]):
        with pytest.raises(DamagedIndexError, match=f"names '{name}', which is no file of an index"):
            command(index_dir)
    report = verify(index_dir)
    assert [(finding.kind, finding.file) for finding in report.findings] == [
        (FindingKind.MANIFEST, f"{CURRENT_GENERATION}/generation.json")
    ]


def test_a_journal_beside_the_catalog_is_not_applied_and_is_found(project: Path) -> None:
    """The journal names a super-journal: SQLite would delete that file once it has rolled back."""
    index_dir = project / ".indexer"
    victim = project.parent / "victim"
    victim.write_text("dear to me")
    name = str(victim).encode()
    super_journal = (
        (0x40000000 // 4096 + 1).to_bytes(4, "big")
        + name
        + len(name).to_bytes(4, "big")
        + sum(name).to_bytes(4, "big")
        + bytes.fromhex("d9d505f920a163d7")
    )
    for suffix in ("-journal", "-wal", "-shm"):
        journal = index_dir / CURRENT_GENERATION / f"catalog.sqlite{suffix}"
        journal.write_bytes(bytes.fromhex("d9d505f920a163d7") + bytes(504) + super_journal)
    report = verify(index_dir)
    assert {finding.kind for finding in report.findings} == {FindingKind.UNEXPECTED_FILE}
    assert {finding.file.rpartition("/")[2] for finding in report.findings} == {
        "catalog.sqlite-journal",
        "catalog.sqlite-wal",
        "catalog.sqlite-shm",
    }
    commit_tree(index_dir, NEW)
    assert victim.read_text() == "dear to me"
    assert verify(index_dir).ok


@pytest.mark.parametrize("content", [None, b"", b"garbage\n", b"00000001 " + b"0" * 32 + b"\n"])
def test_a_current_that_is_gone_or_wrong_is_named_and_written_again(project: Path, content: bytes | None) -> None:
    index_dir = project / ".indexer"
    with open_generation(index_dir) as generation:
        digest = generation.manifest.digest
    (index_dir / "CURRENT").unlink()
    if content is None:
        for command in (search, COMMANDS["status"], COMMANDS["gc"]):
            with pytest.raises(NoIndexError, match=r"CURRENT: is missing.*generation 00000002.*indexer repair"):
                command(index_dir)
    else:
        (index_dir / "CURRENT").write_bytes(content)
    assert [(finding.kind, finding.file) for finding in verify(index_dir).findings] == [
        (FindingKind.CURRENT, "CURRENT")
    ]
    report = repair(index_dir, rebuild=lambda: pytest.fail("nothing had to be built"))
    assert (report.repair, report.generation) == (Repair.CURRENT, "00000002")
    with open_generation(index_dir) as generation:
        assert generation.manifest.digest == digest
    assert verify(index_dir).ok


def test_the_newest_whole_generation_is_served_again(project: Path) -> None:
    index_dir = project / ".indexer"
    (index_dir / "CURRENT").unlink()
    (index_dir / CURRENT_GENERATION / "catalog.sqlite").write_bytes(b"altered")
    assert repair(index_dir, rebuild=lambda: pytest.fail("nothing had to be built")).generation == "00000001"
    (index_dir / "CURRENT").unlink()
    (index_dir / "generations" / "00000001" / "catalog.sqlite").write_bytes(b"altered")
    assert repair(index_dir, rebuild=lambda: commit_tree(index_dir, NEW, fresh=True)).repair == Repair.REBUILT
    assert verify(index_dir).ok
