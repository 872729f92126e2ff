"""An index folder that somebody else made: nothing outside it changes, nothing waits, and what is wrong is named."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from indexer.config import Config
from indexer.errors import DamagedIndexError, IndexerError, NoIndexError, StorageError
from indexer.index import open_index
from indexer.stores.generation import layout
from indexer.stores.generation import manifest as manifests
from indexer.stores.generation.commit import gc
from indexer.stores.generation.reader import open_generation
from indexer.stores.generation.staging import begin
from pipelines.check.findings import FindingKind
from pipelines.check.repair import Repair, repair
from pipelines.check.verify import verify
from pipelines.status import read_status
from tests.integration.conftest import remove_tree
from tests.synthetic import commit_tree, small_tree, text_hits, vector_hits

if sys.platform == "win32":
    pytest.skip("needs FIFOs, sockets and links", allow_module_level=True)

OLD = small_tree() | {"old.py": ("only in the old one",)}
NEW = small_tree(word="edited")
SECONDS = 60
"""Far more than any command takes, and nothing against for ever."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a small index in its second generation, and a stat cache; copied, never changed."""
    project = tmp_path_factory.mktemp("template") / "project"
    project.mkdir()
    (project / "old.py").write_text("only in the old one")
    commit_tree(project / ".indexer", {})
    commit_tree(project / ".indexer", OLD)
    read_status(project, project / ".indexer", config=Config())
    assert (project / ".indexer" / "stat_cache").is_file()
    return project


@pytest.fixture
def project(template: Path, ram_path: Path) -> Path:
    """A copy of the project, in a folder that also holds another one."""
    shutil.copytree(template, ram_path / "project")
    shutil.copytree(template, ram_path / "other")
    for number in (1, 3, 77):
        (ram_path / "other" / ".indexer" / "generations" / f"{number:08d}").mkdir(exist_ok=True)
        (ram_path / "other" / ".indexer" / "generations" / f"{number:08d}" / "photo").write_text("dear to me")
    return ram_path / "project"


def surroundings(project: Path) -> str:
    """A digest of everything beside the project's index: names, kinds, sizes, times and contents."""
    state = hashlib.sha256()
    for top, folders, files in os.walk(project.parent):
        if Path(top) == project:
            folders[:] = [name for name in folders if name != ".indexer"]
        folders.sort()
        for path in sorted(
            Path(top, name) for name in (*files, *folders) if name != ".indexer" or Path(top) != project
        ):
            status = path.lstat()
            times = () if path == project else (status.st_size, status.st_mtime_ns)
            content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
            state.update(repr((str(path), status.st_mode, times, content)).encode())
    return state.hexdigest()


@contextmanager
def time_limit() -> Iterator[None]:
    """Fail when something waits, as an open of a FIFO does."""

    def ring(number: int, frame: object) -> None:
        raise TimeoutError("it waits for ever")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def link_to_another(path: Path, other: Path) -> None:
    """The same file or folder of another project's index, which has all that it should."""
    path.symlink_to(other)


def dangling(path: Path, other: Path) -> None:
    path.symlink_to(other.with_name("made-by-a-link"))


def endless(path: Path, other: Path) -> None:
    path.symlink_to("/dev/zero")


def fifo(path: Path, other: Path) -> None:
    os.mkfifo(path)


def folder(path: Path, other: Path) -> None:
    path.mkdir()
    (path / "file").write_text("a file")


def unix_socket(path: Path, other: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may have a hundred characters
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path.name)
    os.chdir(here)


KINDS = (link_to_another, dangling, endless, fifo, folder, unix_socket)
CURRENT_GENERATION = "generations/00000002"
PLACES = (
    "",
    ".gitignore",
    "CURRENT",
    "writer.lock",
    "writer.json",
    "stat_cache",
    f"stat_cache.{os.getpid()}",
    "generations",
    "generations/00000001",
    "generations/00000003",
    "staging",
    "staging/next",
    CURRENT_GENERATION,
    f"{CURRENT_GENERATION}/generation.json",
    f"{CURRENT_GENERATION}/catalog.sqlite",
    f"{CURRENT_GENERATION}/catalog.sqlite-journal",
    f"{CURRENT_GENERATION}/catalog.sqlite-wal",
    f"{CURRENT_GENERATION}/projection.npz",
    f"{CURRENT_GENERATION}/text",
    f"{CURRENT_GENERATION}/text/meta.json",
    f"{CURRENT_GENERATION}/text/.managed.json",
    f"{CURRENT_GENERATION}/text/*.term",
    f"{CURRENT_GENERATION}/text/.tantivy-meta.lock",
    f"{CURRENT_GENERATION}/text/.tantivy-writer.lock",
    f"{CURRENT_GENERATION}/vectors",
    f"{CURRENT_GENERATION}/vectors/00000001.vectors",
)


def search(index_dir: Path) -> None:
    with open_index(index_dir) as index:
        assert text_hits(index.generation, "origin")
        assert vector_hits(index.generation, "x")


def mend(index_dir: Path) -> None:
    repair(index_dir, rebuild=lambda: commit_tree(index_dir, NEW, fresh=True))


COMMANDS: dict[str, Callable[[Path], object]] = {
    "search": search,
    "status": lambda index_dir: read_status(index_dir.parent, index_dir, config=Config()),
    "verify": verify,
    "build": lambda index_dir: commit_tree(index_dir, NEW),
    "full build": lambda index_dir: commit_tree(index_dir, NEW, fresh=True),
    "repair": mend,
    "gc": lambda index_dir: gc(index_dir, keep=1),
}


def plant(index_dir: Path, place: str, kind: Callable[[Path, Path], None]) -> None:
    """Put something in the place of a file or folder of the index."""
    path = index_dir / place
    if "*" in place:
        (path,) = path.parent.glob(path.name)
    other = index_dir.parent.with_name("other") / path.relative_to(index_dir.parent)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    kind(path, other)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.replace(str(os.getpid()), "pid"))
def test_nothing_outside_changes_and_nothing_waits(
    project: Path, template: Path, place: str, kind: Callable[[Path, Path], None]
) -> None:
    index_dir = project / ".indexer"
    before = surroundings(project)
    for name, command in COMMANDS.items():
        plant(index_dir, place, kind)
        with time_limit():
            try:
                command(index_dir)
            except (NoIndexError, DamagedIndexError, StorageError) as error:
                assert str(index_dir) in str(error), name
        assert surroundings(project) == before, name
        if index_dir.is_symlink() or not index_dir.is_dir():
            index_dir.unlink()
        else:
            remove_tree(index_dir)
        shutil.copytree(template / ".indexer", index_dir)


@pytest.mark.parametrize("place", ["", "generations", CURRENT_GENERATION, f"{CURRENT_GENERATION}/text"])
def test_a_link_to_a_whole_index_is_named_everywhere(project: Path, place: str) -> None:
    index_dir = project / ".indexer"
    plant(index_dir, place, link_to_another)
    message = f"{index_dir / place}: is a symbolic link, and links are not followed.*remove the index folder"
    for command in (search, COMMANDS["status"], COMMANDS["build"]):
        with pytest.raises((DamagedIndexError, StorageError), match=message):
            command(index_dir)
    assert not verify(index_dir).ok


def test_the_collector_removes_folders_alone(project: Path) -> None:
    generations = project / ".indexer" / "generations"
    (generations / "00000000").symlink_to(project.parent / "other")
    (generations / "00000001" / "photos").symlink_to(project.parent / "other")
    before = surroundings(project)
    assert gc(project / ".indexer", keep=1) == [1]
    assert (generations / "00000000").is_symlink()
    commit_tree(project / ".indexer", NEW)
    assert verify(project / ".indexer").ok
    assert surroundings(project) == before


def test_a_number_that_is_taken_by_whatever_kind_of_file_is_passed_over(project: Path) -> None:
    index_dir = project / ".indexer"
    fifo(index_dir / "generations" / "00000003", project)
    assert commit_tree(index_dir, NEW).generation == 4
    (index_dir / "generations" / "99999999").symlink_to("nowhere")
    with pytest.raises(StorageError, match=r"99999999: has the last number"):
        commit_tree(index_dir, OLD)
    assert verify(index_dir).ok


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


@contextmanager
def another_user() -> Iterator[None]:
    """Have the rights of nobody for a while."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_another_users_index_is_read_and_not_written(project: Path) -> None:
    index_dir = project / ".indexer"
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    for path in (index_dir, *index_dir.rglob("*")):
        os.chown(path, 65534, 65534)
    (index_dir / "stat_cache").unlink()
    before = sorted(str(path) for path in index_dir.rglob("*") if not path.name.startswith(".tantivy"))
    assert read_status(project, index_dir, config=Config()).generation == "00000002"
    search(index_dir)
    assert verify(index_dir).ok
    for name in ("build", "full build", "gc"):
        with pytest.raises(StorageError, match=f"{index_dir}: belongs to another user.*--index-dir"):
            COMMANDS[name](index_dir)
    assert sorted(str(path) for path in index_dir.rglob("*") if not path.name.startswith(".tantivy")) == before


def test_an_index_that_git_tracks_is_read_and_not_written(project: Path) -> None:
    index_dir = project / ".indexer"
    (project / ".git").mkdir()
    name = b".indexer/CURRENT"
    entry = bytes(60) + len(name).to_bytes(2, "big") + name
    (project / ".git" / "index").write_bytes(b"DIRC\0\0\0\2\0\0\0\1" + entry + bytes(8 - len(entry) % 8) + bytes(20))
    search(index_dir)
    for name_of in ("build", "full build", "gc"):
        with pytest.raises(StorageError, match=r"git tracks files in it.*git rm -r --cached \.indexer"):
            COMMANDS[name_of](index_dir)
    assert layout.generation_numbers(index_dir) == [1, 2]


@pytest.mark.parametrize("place", ["", "CURRENT", "generations", CURRENT_GENERATION, f"{CURRENT_GENERATION}/text"])
def test_what_cannot_be_read_is_the_same_named_error_everywhere(project: Path, place: str) -> None:
    index_dir = project / ".indexer"
    project.parent.chmod(0o755)
    (index_dir / place).chmod(0)
    with another_user():
        for command in (search, COMMANDS["status"]):
            with pytest.raises(DamagedIndexError, match=r"can't be read \(Permission denied\); check the permissions"):
                command(index_dir)
        assert not verify(index_dir).ok
    (index_dir / place).chmod(0o755)


def test_a_folder_where_nothing_may_be_written_is_named(project: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    index_dir = project / ".indexer"
    project.parent.chmod(0o755)
    for path in (index_dir, *index_dir.rglob("*")):
        os.chown(path, 65534, 65534)
        path.chmod(0o555 if path.is_dir() else 0o444)
    with another_user():
        with pytest.raises(StorageError, match=r"writer.lock: can't be locked \(Permission denied\).*permissions"):
            commit_tree(index_dir, NEW)
        (index_dir / "writer.lock").parent.chmod(0o755)
        (index_dir / "writer.lock").unlink()
        (index_dir / "writer.lock").parent.chmod(0o555)
        with pytest.raises(StorageError, match=r"writer.lock: can't be locked \(Permission denied\).*permissions"):
            gc(index_dir)


def test_a_lock_that_cannot_be_released_hides_no_error(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from filelock import FileLock

    def release(self: object, force: bool = False) -> None:
        raise PermissionError(13, "Permission denied", "writer.lock")

    monkeypatch.setattr(FileLock, "release", release)
    with pytest.raises(IndexerError, match="what went wrong"), begin(project / ".indexer"):
        raise StorageError("what went wrong")
