"""What an index is made with, part by part, and which part changed when it can't be carried on.

Nothing here is raised by hand. What the rules of this program make of a corpus of samples is digested in identity.json,
which `python -m tests.identity` writes and a test holds up to date; the packages that take part tell their versions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import xxhash
from msgspec.structs import replace

from indexer.config import Config
from indexer.encoders.registry import Variant, find_encoder, find_static
from indexer.types import EncoderIdentity

if TYPE_CHECKING:
    from indexer.stores.generation.manifest import Manifest

RECORDED = Path(__file__).with_name("identity.json")
"""Digests by part: see `Recorded`."""

PACKAGES = {
    "tree-sitter": "tree_sitter",
    "tree-sitter-language-pack": "tree_sitter_language_pack",
    "py-rust-stemmers": "py_rust_stemmers",
}
"""Distributions that decide chunks or terms, and the module that each is known by."""

CHANGES = {
    "options": "the options that decide which files count, their languages or their chunks",
    "projection": "the options of the projection, or the encoder's basis",
    "static": "the static encoder",
    "languages": "the languages, or the queries that find their symbols",
    "chunks": "how this program makes chunks of files",
    "terms": "how this program makes terms of chunks",
}
"""What each part is, but for the packages."""


class Recorded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """identity.json: digests of the languages and their queries, of a corpus's chunks, and of how words find these."""

    languages: str
    chunks: str
    terms: str


class Identity(msgspec.Struct, frozen=True):
    """The encoder, and a value for each other part of what decides what an unchanged file yields."""

    encoder: EncoderIdentity
    made_with: dict[str, str]


def first_encoder(config: Config) -> Variant:
    """Return the encoder that a chunk's first vector comes from: the static one of two, else the only one.

    A basis that is fitted on the repository needs the vectors of the encoder itself, and so does a recall that is
    judged before anything is served. Raises as `find_encoder`.
    """
    needs_own = config.projection.mode == "fit" or config.recall.strict
    static = None if needs_own else find_static(config.encoder)
    return static or find_encoder(config.encoder)


def centroid_encoder(config: Config) -> Variant:
    """Return the encoder that files' centroids come from: the static one of two, else the only one."""
    return find_static(config.encoder) or find_encoder(config.encoder)


def wanted_identity(config: Config) -> Identity:
    """Return the identity that a build with this configuration gives; loads no model, grammar or stemmer.

    Raises ConfigError for an unknown encoder or a malformed glob, and ModelError when its files are not there.
    """
    encoder = find_encoder(config.encoder)
    basis = encoder.basis_digest if config.projection.mode == "bundled" else ""
    made_with = {
        **_recorded(),
        **{name: _installed_version(name) for name in PACKAGES},
        "options": options_digest(config),
        "projection": _digest((msgspec.structs.astuple(config.projection), basis)),
    }
    static = centroid_encoder(config).identity
    if static.digest != encoder.identity.digest:
        made_with["static"] = static.digest
    # A reader loads the encoder by the registry's name, whatever its files call it.
    return Identity(replace(encoder.identity, name=config.encoder.name), made_with)


def options_digest(config: Config) -> str:
    """Return 32 hex digits over the options that decide the chunks of an unchanged file.

    Threads, batch sizes, worker counts, limits, cache settings and what is measured never change a result. Raises
    ConfigError for a malformed glob.
    """
    walk = config.walk
    included = (walk.include_generated, walk.include_vendored, walk.include_minified)
    languages = []
    if config.languages:  # else what reads globs isn't worth the time that it takes to import
        from indexer.globs import bounded_pattern

        languages = [(bounded_pattern(glob), language) for glob, language in config.languages.items()]
    return _digest((included, languages, msgspec.structs.astuple(config.chunk)))


def rebuild_reason(manifest: Manifest, wanted: Identity) -> str:
    """Return why an index can't be carried on with this identity, as a sentence, or nothing when it can.

    Vectors of two encoders, or chunks cut by two rules, are never mixed.
    """
    made = manifest.encoder
    if (made.name, made.digest) != (wanted.encoder.name, wanted.encoder.digest):
        old, new = f"{made.name} ({made.digest[:8]})", f"{wanted.encoder.name} ({wanted.encoder.digest[:8]})"
        return f"the encoder changed from {old} to {new}"
    return changed_parts(manifest.made_with, wanted.made_with)


def changed_parts(made: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """Return which parts differ, as a sentence, or nothing."""
    changes = []
    for part in sorted(made.keys() | wanted.keys()):
        old, new = made.get(part, "none"), wanted.get(part, "none")
        if old != new:
            changes.append(f"{CHANGES[part]} changed" if part in CHANGES else f"{part} changed from {old} to {new}")
    return "; ".join(changes)


def _recorded() -> dict[str, str]:
    return msgspec.structs.asdict(msgspec.json.decode(RECORDED.read_bytes(), type=Recorded))


def _installed_version(distribution: str) -> str:
    """Return a distribution's version from the name of its metadata folder, which lies beside its module.

    importlib.metadata takes 20 ms to import, more than the rest of an unchanged build's look; it is asked where the
    folder isn't plain to see. Raises its PackageNotFoundError.
    """
    module = PACKAGES[distribution]
    found = PathFinder.find_spec(module)
    if found is not None and found.origin is not None:
        name = re.compile(rf"{module}-([^-]+)\.dist-info", re.IGNORECASE)
        matches = [match for entry in _entries(Path(found.origin).parents[1]) if (match := name.fullmatch(entry))]
        if len(matches) == 1:
            return matches[0][1]
    from importlib import metadata

    return metadata.version(distribution)


@cache
def _entries(folder: Path) -> tuple[str, ...]:
    """Return what a folder of packages holds; they lie in one, as a rule, and stay while this process runs."""
    return tuple(path.name for path in folder.iterdir())


def _digest(values: object) -> str:
    return xxhash.xxh3_128_hexdigest(msgspec.json.encode(values))
