"""Repositories and indexes that a stranger made to do harm; each maker says what it is meant to be harmful to.

A maker gets a `Place`: a repository with an honest file, and around it what the user would not like to see changed.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.reseal import file_sum, reseal, served_folder

HONEST = "def honest_function(tea):\n    return tea.brew()\n"
ESCAPE = "\x1b]0;owned\x07\x1b[31m"


@dataclass(frozen=True)
class Place:
    """The user's folder; the repository in it is what a stranger supplied."""

    home: Path

    @property
    def repository(self) -> Path:
        """The stranger's."""
        return self.home / "work" / "repository"

    @property
    def index(self) -> Path:
        """The index folder that came with it."""
        return self.repository / ".indexer"

    @property
    def generation(self) -> Path:
        """The served generation of the index that came with it."""
        return served_folder(self.index)


@dataclass(frozen=True)
class Hostile:
    """One attack. `indexed`: makes an index come along, a sound one before `make` alters it.

    `served`: the honest file must be found after a build. `configured`: the user names the encoder, which makes runs
    quick; not where the repository's choice of encoder is the attack.
    """

    make: Callable[[Place], None]
    indexed: bool = False
    served: bool = False
    configured: bool = True


def _link(path: Path, target: str) -> None:
    """Put a relative link in a file's or an empty folder's place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        path.rename(path.with_name(path.name + "-moved"))
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _fifo(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def _device(path: Path) -> None:
    """Put /dev/zero in a file's place: the device itself where the system lets us make one, else a link to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except OSError:
        path.symlink_to("/dev/zero")


def _link_at(name: str, target: str) -> Callable[[Place], None]:
    return lambda place: _link(place.repository / name, target)


def _fifo_at(name: str) -> Callable[[Place], None]:
    return lambda place: _fifo(place.repository / name)


def _zeros_at(name: str) -> Callable[[Place], None]:
    return lambda place: _link(place.repository / name, "/dev/zero")


def _device_at(name: str) -> Callable[[Place], None]:
    return lambda place: _device(place.repository / name)


def _text_at(name: str, text: str) -> Callable[[Place], None]:
    def make(place: Place) -> None:
        path = place.repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogateescape")

    return make


def _in_generation(name: str, put: Callable[[Path], None]) -> Callable[[Place], None]:
    """Put something in the place of a file of the served generation; the manifest stays as it was."""
    return lambda place: put(place.generation / name)


def _resealed(change: Callable[[dict[str, Any]], object]) -> Callable[[Place], None]:
    """Change the manifest, with all checksums right."""
    return lambda place: reseal(place.index, change)


def _names(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda manifest: manifest["files"].update({name: [1, "0" * 32]})


def names_with_escapes(place: Place) -> None:
    """Names of files that would speak to a terminal, or are no text at all."""
    for number, name in enumerate(
        (f"a{ESCAPE}.py", "line\nfeed.py", "carriage\rreturn.py", "-rf.py", "bell\x07.md", "\u202egnp.py", "\x9b31m.py")
    ):
        (place.repository / name).write_text(f"def odd_{number}():\n    return '{ESCAPE}'\n")
    with open(os.fsencode(place.repository) + b"/bad\xff\xfe.py", "wb") as file:  # noqa: PTH123 - not a str
        file.write(b"def odd():\n    return 1\n")
    (place.repository / f"folder{ESCAPE}").mkdir()
    (place.repository / f"folder{ESCAPE}" / "x.py").write_text(f"# {ESCAPE}\ndef inner():\n    return 1\n")


def a_path_longer_than_the_system_allows(place: Place) -> None:
    """A folder so deep that its path is longer than PATH_MAX; only steps from folder to folder lead there."""
    descriptor = os.open(place.repository, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=descriptor)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    file = os.open("deep.py", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=descriptor)
    os.write(file, b"def deep():\n    return 1\n")
    os.close(file)
    os.close(descriptor)


def special_files_as_sources(place: Place) -> None:
    """Sources that are FIFOs, sockets, devices, and links out of the repository."""
    _fifo(place.repository / "pipe.py")
    _device(place.repository / "zero.py")
    _link(place.repository / "secret.py", "../../.ssh/id_ed25519")
    _link(place.repository / "above", "../..")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(place.repository)  # a socket's path may only be short
        try:
            server.bind("socket.py")
        finally:
            os.chdir(here)


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
    sound = Index.restore(segment, view=False)
    assert sound is not None
    count, dims = 50_100, sound.ndim
    index = Index(ndim=dims, metric="cos", dtype="i8", connectivity=2, expansion_add=1, expansion_search=64)
    vectors = np.random.default_rng(1).integers(-127, 128, (count, dims)).astype(np.int8)
    own = np.asarray(sound.keys, np.uint64)
    keys = np.concatenate([own, np.arange(1, count - len(own) + 1, dtype=np.uint64)])
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


def staging_full_of_links(place: Place) -> None:
    """What an unfinished build seems to have left is links to folders of the user's."""
    staging = place.index / "staging"
    staging.mkdir(exist_ok=True)
    for name in ("next", "removed-00000001", "CURRENT"):
        (staging / name).symlink_to("../../../../photos")


def an_index_that_git_tracks(place: Place) -> None:
    """An index that came with the repository's own commits."""
    import subprocess

    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(place.repository)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-f", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "all"], check=True)


def attacks() -> dict[str, Hostile]:
    """Return every attack by its name."""
    found: dict[str, Hostile] = {
        # The index folder and what is in it are links: whatever is written, listed or removed there lies elsewhere.
        "the index folder is a link to an empty folder": Hostile(_link_at(".indexer", "../../empty")),
        "the index folder is a link to another index": Hostile(_link_at(".indexer", "../project/.indexer")),
        "the index folder is a dangling link": Hostile(_link_at(".indexer", "../../made-by-build")),
        "generations is a link to photos": Hostile(_link_at(".indexer/generations", "../../../photos")),
        "generations is a link to another index's": Hostile(
            _link_at(".indexer/generations", "../../project/.indexer/generations")
        ),
        "generations of a sound index is a link to photos": Hostile(
            _link_at(".indexer/generations", "../../../photos"), indexed=True
        ),
        "staging is a link to photos": Hostile(_link_at(".indexer/staging", "../../../photos"), indexed=True),
        "staging is full of links": Hostile(staging_full_of_links, indexed=True),
        "CURRENT is a link to zeros": Hostile(_zeros_at(".indexer/CURRENT"), indexed=True),
        "an index that git tracks": Hostile(an_index_that_git_tracks, indexed=True),
    }
    for name in ("writer.json", "writer.lock", "stat_cache", ".gitignore", "CURRENT"):
        found[f"{name} is a link to a file of the user's"] = Hostile(
            _link_at(f".indexer/{name}", "../../../.bashrc"), indexed=name != ".gitignore"
        )
        found[f"{name} is a dangling link"] = Hostile(_link_at(f".indexer/{name}", "../../../made"))
        found[f"{name} is a FIFO"] = Hostile(_fifo_at(f".indexer/{name}"), indexed=True)
    for name in ("generation.json", "catalog.sqlite", "text", "vectors", "text/meta.json"):
        elsewhere = "../" * (5 + name.count("/")) + "photos"
        found[f"{name} is a link"] = Hostile(_in_generation(name, partial(_link, target=elsewhere)), indexed=True)
    for name in ("generation.json", "catalog.sqlite", "text/meta.json", "text/.tantivy-meta.lock"):
        found[f"{name} is a FIFO"] = Hostile(_in_generation(name, _fifo), indexed=True)
    # What decides what is indexed is read from regular files alone.
    for name in (".gitignore", ".ignore", ".indexerignore", ".gitattributes", "sub/.gitignore", "sub/.gitattributes"):
        found[f"{name} is a FIFO"] = Hostile(_fifo_at(name), served=True)
        found[f"{name} is a link to zeros"] = Hostile(_zeros_at(name), served=True)
        found[f"{name} is a device"] = Hostile(_device_at(name), served=True)
    for name in (".git/info/exclude", ".git/config", ".git/HEAD", ".git/index"):
        found[f"{name} is a FIFO"] = Hostile(_fifo_at(name))
        found[f"{name} is a link to zeros"] = Hostile(_zeros_at(name))
    found |= {
        ".indexer.toml is a FIFO": Hostile(_fifo_at(".indexer.toml")),
        ".indexer.toml is a link to zeros": Hostile(_zeros_at(".indexer.toml")),
        "ignore patterns without sense": Hostile(
            _text_at(".gitignore", "[\n**/" * 500 + "\n[z-a]\n\\\n!!\n" + "{" * 99)
        ),
        "an ignore file of 50 MB": Hostile(_text_at(".gitignore", "*.o\n" * 12_500_000), served=True),
        # Settings of the repository choose what is indexed, and nothing else.
        "cache.path leads out": Hostile(_text_at(".indexer.toml", '[cache]\npath = "../../photos"\n')),
        "cache.path is the home folder": Hostile(_text_at(".indexer.toml", '[cache]\npath = "~/photos"\n')),
        "cache.path is a file": Hostile(_text_at(".indexer.toml", '[cache]\npath = "../../.bashrc"\n')),
        "cache.path holds another program's database": Hostile(
            _text_at(".indexer.toml", '[cache]\npath = "../../database"\n')
        ),
        "encoder.path is the repository's": Hostile(
            _text_at(".indexer.toml", '[encoder]\npath = "model"\n'), configured=False
        ),
        "a hundred thousand threads": Hostile(
            _text_at(".indexer.toml", "[encoder]\nthreads = 100000\n[parse]\nworkers = 100000\n"), configured=False
        ),
        "settings that take all memory": Hostile(
            _text_at(
                ".indexer.toml",
                "[encoder]\nwindow_chunks = 1000000000\ntoken_budget = 1000000000\n"
                "[walk]\nmax_file_bytes = 1000000000000\n"
                "[vectors]\nconnectivity = 1000000\nexpansion_add = 1000000000\n",
            )
        ),
        "an unknown key with an escape": Hostile(_text_at(".indexer.toml", '"\\u001b]0;owned\\u0007" = 1\n')),
        "a language with an escape": Hostile(
            _text_at(".indexer.toml", '[languages]\n"*\\u001b[31m" = "\\u001b[31m"\n')
        ),
        "a pattern without sense": Hostile(_text_at(".indexer.toml", '[walk]\nexclude = ["[z-a]", "\\u001b[31m["]\n')),
        "settings nested ten thousand deep": Hostile(_text_at(".indexer.toml", "x = " + "[" * 10_000 + "]" * 10_000)),
        "settings of 50 MB": Hostile(_text_at(".indexer.toml", "# nothing\n" * 5_000_000)),
        # Names and kinds of files.
        "names with escapes": Hostile(names_with_escapes, served=True),
        "a path longer than the system allows": Hostile(a_path_longer_than_the_system_allows, served=True),
        "special files as sources": Hostile(special_files_as_sources, served=True),
        # Indexes with right checksums.
        "a manifest names a file outside": Hostile(_resealed(_names("../../../../photos/x")), indexed=True),
        "a manifest names a lock": Hostile(_resealed(_names("text/.tantivy-meta.lock")), indexed=True),
        "a manifest with a million files": Hostile(
            _resealed(lambda m: m["files"].update({f"text/{n}": [1, "0" * 32] for n in range(1_000_000)})), indexed=True
        ),
        "a manifest whose names are escapes": Hostile(
            _resealed(lambda m: m["encoder"].update(name=ESCAPE) or m.update(created=ESCAPE)), indexed=True
        ),
    }
    for make in (
        a_journal_that_deletes,
        a_write_ahead_log_that_alters,
        a_catalog_of_another_program,
        a_graph_with_bad_links,
        a_text_index_without_its_files,
        text_files_cut_short,
        a_projection_that_is_a_pickle,
        a_lock_that_is_a_link,
        every_number_is_vast,
    ):
        found[make.__name__.replace("_", " ")] = Hostile(make, indexed=True)
    return found
