"""Altered files: named by verify, never searched, mended by repair. An index from elsewhere can do no harm."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from indexer.config import Config, EncoderOptions, ParseOptions
from indexer.errors import DamagedIndexError, FormatVersionError
from indexer.stores.generation import layout, staged_text
from indexer.stores.generation import manifest as manifests
from indexer.stores.generation.manifest import FORMAT_VERSION
from indexer.stores.generation.reader import open_generation
from indexer.stores.generation.staging import begin
from pipelines.build import build
from pipelines.check.findings import FindingKind
from pipelines.check.repair import Repair, repair
from pipelines.check.verify import verify
from pipelines.source import open_source
from tests.integration.conftest import remove_tree
from tests.synthetic import commit_tree, small_tree, text_hits, vector_hits

TREE = small_tree(files=30) | {"old.py": ("only in the old one",)}
EDITED = TREE | {"package/module_1.py": ("edited",)}


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def zeroed(content: bytes) -> bytes:
    return bytes(len(content))


def one_bit(content: bytes) -> bytes:
    at = len(content) * 2 // 3
    return content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of several text and vector segments, some of them with dead chunks; copied, never changed."""
    index_dir = tmp_path_factory.mktemp("committed") / "index"
    commit_tree(index_dir, TREE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staged_text, "SMALL_DOCUMENTS", 0)
        commit_tree(index_dir, EDITED)
    return index_dir


def served_files(index_dir: Path) -> list[str]:
    """Every file that the current generation is made of, relative to the index folder."""
    with open_generation(index_dir) as generation:
        folder = generation.path.relative_to(index_dir).as_posix()
        return ["CURRENT", f"{folder}/{layout.MANIFEST}", *(f"{folder}/{name}" for name in generation.manifest.files)]


def answers(index_dir: Path) -> tuple[object, ...]:
    """Search by text and by vector."""
    with open_generation(index_dir) as generation:
        return (
            generation.manifest.digest,
            [chunk_id for chunk_id, _ in text_hits(generation, "edit")],
            [chunk_id for chunk_id, _ in text_hits(generation, "origin", "value33")],
            vector_hits(generation, "edited"),
            generation.catalog.chunk_count(),
        )


@pytest.mark.parametrize("damage", [cut, zeroed, one_bit])
def test_any_altered_file_is_named_and_never_searched(
    committed: Path, ram_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    index_dir = ram_path / "index"
    shutil.copytree(committed, index_dir)
    right = answers(index_dir)
    kinds = set()
    names = served_files(index_dir)
    assert sum(name.endswith(".vectors") for name in names) == 2
    for name in names:
        path = index_dir / name
        content = path.read_bytes()
        if damage(content) == content:
            continue
        path.unlink()  # the file may be a hard link
        path.write_bytes(damage(content))
        report = verify(index_dir)
        assert not report.ok
        assert {finding.file for finding in report.findings} == {name}
        kinds |= {finding.kind for finding in report.findings}
        try:
            assert answers(index_dir) == right
        except DamagedIndexError as error:
            assert str(index_dir) in str(error) and "indexer" in str(error)
        path.write_bytes(content)
    assert verify(index_dir).ok
    assert kinds == {
        FindingKind.CURRENT,
        FindingKind.MANIFEST,
        FindingKind.SIZE if damage is cut else FindingKind.CHECKSUM,
    }


def test_missing_files_are_named(committed: Path, ram_path: Path) -> None:
    index_dir = ram_path / "index"
    shutil.copytree(committed, index_dir)
    for name in served_files(index_dir)[1:]:
        content = (index_dir / name).read_bytes()
        (index_dir / name).unlink()
        assert {finding.file for finding in verify(index_dir).findings} == {name}
        with pytest.raises(DamagedIndexError):
            answers(index_dir)
        (index_dir / name).write_bytes(content)
    (index_dir / "generations/00000002/extra").write_bytes(b"")
    assert [finding.kind for finding in verify(index_dir).findings] == [FindingKind.UNEXPECTED_FILE]


@pytest.mark.parametrize("small", [0, staged_text.SMALL_DOCUMENTS])
def test_a_writer_never_builds_on_damage(
    committed: Path, ram_path: Path, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr(staged_text, "SMALL_DOCUMENTS", small)
    for name in served_files(committed):
        index_dir = ram_path / "index"
        shutil.copytree(committed, index_dir)
        path = index_dir / name
        content = one_bit(path.read_bytes())
        path.unlink()
        path.write_bytes(content)
        try:
            # Edits everything: all segments are read, merged or dropped.
            commit_tree(index_dir, small_tree(files=30, word="all new"))
        except DamagedIndexError:
            commit_tree(index_dir, small_tree(files=30, word="all new"), fresh=True)
        # What was carried over unread is still known to be damaged; what was written is sound.
        assert {finding.file.rpartition("/")[2] for finding in verify(index_dir).findings} <= {path.name}
        remove_tree(index_dir)


def test_repair_takes_what_is_sound(committed: Path, ram_path: Path) -> None:
    right = answers(committed)
    rebuilds: list[Path] = []

    def rebuild() -> None:
        rebuilds.append(index_dir)
        commit_tree(index_dir, EDITED, fresh=True)

    names = served_files(committed)
    for name in names:
        index_dir = ram_path / "index"
        shutil.copytree(committed, index_dir)
        path = index_dir / name
        content = zeroed(path.read_bytes())
        path.unlink()
        if not name.endswith("1.vectors"):  # that one is missing, the others altered
            path.write_bytes(content)
        report = repair(index_dir, rebuild=rebuild)
        mended = {"CURRENT": Repair.CURRENT}.get(name, Repair.REBUILT)
        assert report.repair == (Repair.VECTORS if name.endswith(".vectors") else mended)
        assert len(report.findings) == 1
        assert verify(index_dir).ok
        assert answers(index_dir) == right
        remove_tree(index_dir)
    assert len(rebuilds) == len(names) - 3
    assert repair(committed, rebuild=rebuild).repair == Repair.NOTHING


def reseal(index_dir: Path, change: Callable[[manifests.Manifest], manifests.Manifest]) -> Path:
    """Change the manifest as an attacker can, with all checksums right; return the generation's folder."""
    folder = layout.generation_dir(index_dir, layout.read_current(index_dir).number)
    manifest = change(manifests.read(folder))
    files = {name: manifests.file_sum(folder / name) for name in manifest.files if (folder / name).is_file()}
    manifest = manifests.seal(replace(manifest, files=manifest.files | files))
    (folder / layout.MANIFEST).write_bytes(manifests.encode(manifest))
    (index_dir / "CURRENT").write_bytes(layout.Current(manifest.generation, manifest.checksum).to_bytes())
    return folder


def unchanged(manifest: manifests.Manifest) -> manifests.Manifest:
    return manifest


@pytest.fixture
def mine(ram_path: Path) -> Path:
    """A small index to tamper with."""
    index_dir = ram_path / "index"
    commit_tree(index_dir, small_tree())
    return index_dir


def test_a_manifest_that_states_what_can_not_be_is_named_by_a_build_and_replaced_by_a_full_one(tmp_path: Path) -> None:
    config = Config(encoder=EncoderOptions(name="hashing"), parse=ParseOptions(workers=1))
    (tmp_path / "tea.py").write_text("def brew():\n    return 1\n")
    build(tmp_path, config=config)
    changes: list[Callable[[manifests.Manifest], manifests.Manifest]] = [
        lambda m: replace(m, source=replace(m.source, kind="x")),
        lambda m: replace(m, projection=replace(m.projection, dims=7)),
    ]
    for number, change in enumerate(changes):
        folder = reseal(tmp_path / layout.FOLDER, change)
        (tmp_path / f"cup_{number}.py").write_text("def pour():\n    return 1\n")
        with pytest.raises(DamagedIndexError, match=str(folder)):
            build(tmp_path, config=config)
        build(tmp_path, config=config, full=True)
        assert verify(tmp_path / layout.FOLDER, source=(open_source(tmp_path, config), config)).ok


@pytest.mark.parametrize("name", ["../../CURRENT", "/etc/hostname", "text/../../x", "a/b/c", "C:/x", "text\\x", ""])
def test_no_path_leads_out_of_the_index(mine: Path, name: str) -> None:
    reseal(mine, lambda m: replace(m, files=m.files | {name: manifests.FileSum(1, "0" * 32)}))
    with pytest.raises(DamagedIndexError, match="no file of an index"):
        open_generation(mine)


def test_links_are_not_followed(mine: Path, tmp_path: Path) -> None:
    folder = reseal(mine, unchanged)
    shutil.copy(folder / layout.CATALOG, tmp_path / "elsewhere")
    (folder / layout.CATALOG).unlink()
    (folder / layout.CATALOG).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DamagedIndexError, match="symbolic link"):
        open_generation(mine)
    assert not verify(mine).ok


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON files BEGIN DELETE FROM chunks; END",
        "CREATE VIEW v AS SELECT * FROM files",
        "CREATE TABLE more (x)",
        "DROP INDEX chunks_text",
        "ALTER TABLE files RENAME TO was; CREATE VIEW files AS SELECT * FROM was",
    ],
)
def test_a_catalog_with_another_schema_is_refused(mine: Path, statement: str) -> None:
    folder = reseal(mine, unchanged)
    connection = sqlite3.connect(folder / layout.CATALOG)
    connection.executescript(statement)
    connection.close()
    reseal(mine, unchanged)
    with open_generation(mine) as generation, pytest.raises(DamagedIndexError, match="schema"):
        generation.catalog.records()


def test_a_vector_segment_that_lies_about_its_size_never_reaches_the_engine(mine: Path) -> None:
    folder = reseal(mine, unchanged)
    path = folder / layout.VECTORS / "00000001.vectors"
    content = path.read_bytes()
    for lie in (b"\xff\xff\xff\x7f" + content[4:], content[:4] + b"\xff\xff\xff\xff" + content[8:], content[:100], b""):
        path.write_bytes(lie)
        reseal(mine, unchanged)
        with open_generation(mine) as generation, pytest.raises(DamagedIndexError, match="not a segment"):
            vector_hits(generation, "x")


def test_consistent_checksums_do_not_hide_that_parts_differ(mine: Path) -> None:
    folder = reseal(mine, unchanged)
    connection = sqlite3.connect(folder / layout.CATALOG)
    with connection:
        connection.execute("DELETE FROM chunks WHERE id = (SELECT min(id) FROM chunks)")
    connection.close()
    reseal(mine, unchanged)
    kinds = {finding.kind for finding in verify(mine).findings}
    assert kinds == {FindingKind.COUNTS, FindingKind.CHUNK_IDS, FindingKind.DIGEST}


def test_another_format_version_is_said_to_be_one(mine: Path) -> None:
    folder = layout.generation_dir(mine, 1)
    content = (folder / layout.MANIFEST).read_bytes()
    mine_is, another = f'"format_version": {FORMAT_VERSION}', f'"format_version": {FORMAT_VERSION + 1}, "more": 3'
    (folder / layout.MANIFEST).write_bytes(content.replace(mine_is.encode(), another.encode()))
    with pytest.raises(FormatVersionError, match=rf"version {FORMAT_VERSION + 1}.*version {FORMAT_VERSION}.*--full"):
        open_generation(mine)
    with pytest.raises(FormatVersionError), begin(mine):
        pytest.fail("another version")
    assert commit_tree(mine, small_tree(), fresh=True).generation == 2
    assert verify(mine).ok


def test_a_current_that_names_another_generation_is_damage(mine: Path) -> None:
    commit_tree(mine, small_tree(word="second"))
    content = (mine / "CURRENT").read_bytes()
    (mine / "CURRENT").write_bytes(content.replace(b"00000002", b"00000001"))
    with pytest.raises(DamagedIndexError, match="CURRENT: does not name"):
        open_generation(mine)
    assert [finding.file for finding in verify(mine).findings] == ["CURRENT"]
    (mine / "CURRENT").write_bytes(content.replace(b"00000002", b"00000009"))
    with pytest.raises(DamagedIndexError, match=r"CURRENT: names .*00000009, which is missing"):
        open_generation(mine)
    assert [finding.file for finding in verify(mine).findings] == ["CURRENT"]
    assert commit_tree(mine, small_tree(), fresh=True).generation == 3
