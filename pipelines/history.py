"""What the generations before held, which their successors remember when they are gone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from indexer.stores.generation.reader import Generation

REMEMBERED = 60
"""Generations."""

_KEY = "sizes"
_SIZE = re.compile(r"([0-9]{1,8}) ([0-9]{1,15}) ([0-9]{1,10})")

Extra = dict[str, str | int | float | bool]


class Size(msgspec.Struct, frozen=True):
    """A generation's number, the bytes of its files, and its chunks."""

    generation: int
    index_bytes: int
    chunks: int


def sizes_to_extra(base: Generation | None) -> Extra:
    """Return what the manifest of a generation that is made from `base` keeps of it and of those before it."""
    return {} if base is None else _extra(sizes_of(base))


def remembered(base: Generation) -> Extra:
    """Return what `base` keeps of those before it, for a generation of the same files that takes its place."""
    return _extra(_before(base))


def sizes_of(generation: Generation) -> list[Size]:
    """Return the sizes of the generations that led to this one since a full build, and its own, the oldest first.

    What a manifest says that can't be read is left out: it is only told to a person.
    """
    manifest = generation.manifest
    return [*_before(generation), Size(manifest.generation, generation.bytes, manifest.counts.chunks)]


def _before(generation: Generation) -> list[Size]:
    kept = str(generation.manifest.extra.get(_KEY, ""))[: REMEMBERED * 40].split(";")
    return [Size(*map(int, found.groups())) for part in kept if (found := _SIZE.fullmatch(part))]


def _extra(sizes: list[Size]) -> Extra:
    return {_KEY: ";".join(f"{size.generation} {size.index_bytes} {size.chunks}" for size in sizes[-REMEMBERED:])}
