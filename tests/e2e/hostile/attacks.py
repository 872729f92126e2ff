"""Every attack by its name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.reseal import reseal
from tests.e2e.hostile import indexes, trees
from tests.e2e.hostile.place import ESCAPE, Hostile, Place, device, fifo, link


def _link_at(name: str, target: str) -> Callable[[Place], None]:
    return lambda place: link(place.repository / name, target)


def _fifo_at(name: str) -> Callable[[Place], None]:
    return lambda place: fifo(place.repository / name)


def _zeros_at(name: str) -> Callable[[Place], None]:
    return lambda place: link(place.repository / name, "/dev/zero")


def _device_at(name: str) -> Callable[[Place], None]:
    return lambda place: device(place.repository / name)


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
        "staging is full of links": Hostile(trees.staging_full_of_links, indexed=True),
        "CURRENT is a link to zeros": Hostile(_zeros_at(".indexer/CURRENT"), indexed=True),
        "an index that git tracks": Hostile(trees.an_index_that_git_tracks, indexed=True),
    }
    for name in ("writer.json", "writer.lock", "stat_cache", ".gitignore", "CURRENT"):
        found[f"{name} is a link to a file of the user's"] = Hostile(
            _link_at(f".indexer/{name}", "../../../.bashrc"), indexed=name != ".gitignore"
        )
        found[f"{name} is a dangling link"] = Hostile(_link_at(f".indexer/{name}", "../../../made"))
        found[f"{name} is a FIFO"] = Hostile(_fifo_at(f".indexer/{name}"), indexed=True)
    for name in ("generation.json", "catalog.sqlite", "text", "vectors", "text/meta.json"):
        elsewhere = "../" * (5 + name.count("/")) + "photos"
        found[f"{name} is a link"] = Hostile(_in_generation(name, partial(link, target=elsewhere)), indexed=True)
    for name in ("generation.json", "catalog.sqlite", "text/meta.json", "text/.tantivy-meta.lock"):
        found[f"{name} is a FIFO"] = Hostile(_in_generation(name, fifo), indexed=True)
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
        "encoder.name is a folder of the repository's": Hostile(
            _text_at(".indexer.toml", '[encoder]\nname = "path:model"\n'), configured=False
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
        "names with escapes": Hostile(trees.names_with_escapes, served=True),
        "a path longer than the system allows": Hostile(trees.a_path_longer_than_the_system_allows, served=True),
        "special files as sources": Hostile(trees.special_files_as_sources, served=True),
        # Indexes with right checksums.
        "a manifest names a file outside": Hostile(_resealed(_names("../../../../photos/x")), indexed=True),
        "a manifest names a folder of the repository's as its encoder": Hostile(
            _resealed(lambda m: m["encoder"].update(name="path:model")), indexed=True
        ),
        "a manifest names a lock": Hostile(_resealed(_names("text/.tantivy-meta.lock")), indexed=True),
        "a manifest with two hundred thousand files": Hostile(
            _resealed(lambda m: m["files"].update({f"text/{n}": [1, "0" * 32] for n in range(200_000)})), indexed=True
        ),
        "a manifest whose names are escapes": Hostile(
            _resealed(lambda m: m["encoder"].update(name=ESCAPE) or m.update(created=ESCAPE)), indexed=True
        ),
    }
    for make in (
        indexes.a_journal_that_deletes,
        indexes.a_write_ahead_log_that_alters,
        indexes.a_catalog_of_another_program,
        indexes.a_graph_with_bad_links,
        indexes.a_text_index_without_its_files,
        indexes.text_files_cut_short,
        indexes.a_projection_that_is_a_pickle,
        indexes.a_lock_that_is_a_link,
        indexes.every_number_is_vast,
        indexes.a_file_of_a_terabyte_without_content,
    ):
        found[make.__name__.replace("_", " ")] = Hostile(make, indexed=True)
    return found
