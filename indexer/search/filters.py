"""Filters of a search: languages, kinds, path globs, and the inside of a symbol, for both retrievers."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from msgspec.structs import replace

from indexer.errors import ConfigError
from indexer.globs import path_pattern
from indexer.languages.detection import language_named
from indexer.languages.registry import LANGUAGES
from indexer.search.containing import READ_ALL, Reading, containing
from indexer.types import SymbolKind

if TYPE_CHECKING:
    from indexer.search.content import Content
    from indexer.stores.text.hits import Passing
    from indexer.stores.text.queries import Filters

MAX_VALUES = 100
_SEPARATORS = re.compile(r"::|->|[.#/\\]")


@dataclass(frozen=True, slots=True)
class Selection:
    """What may be found: the text index's filters, and the only chunks allowed when that is a known set.

    Where it is not, since too many would have to be read, `passing` returns those of the given chunks that are allowed.
    """

    filters: Filters | None
    only: frozenset[int] | None = None
    passing: Passing | None = None


def select(
    generation: Content,
    *,
    languages: Sequence[str] = (),
    kinds: Sequence[str] = (),
    paths: Sequence[str] = (),
    within: str = "",
    literals: Sequence[str] = (),
    pattern: str = "",
) -> Selection:
    """Return the selection that all the given filters make together.

    A chunk has one of the languages and one of the kinds; its path matches one of the globs, or none is given, and no
    glob that starts with `!`; it is part of a symbol named `within` (`name`, `Type.name` or any longer ending of its
    qualified name); its text has the literals, and a match of the expression `pattern`. Raises ConfigError for an
    unknown language or kind, a glob or an expression that can't be read, and more than MAX_VALUES of one filter.
    """
    for what, given in (("language", languages), ("kind", kinds), ("path", paths)):
        if len(given) > MAX_VALUES:
            raise ConfigError(f"{len(given)} values for {what}; give no more than {MAX_VALUES}")
    languages = [_language(name) for name in languages]
    _known("kind", kinds, [str(kind) for kind in SymbolKind])
    held = containing(tuple(literals), pattern)
    if not (languages or kinds or paths or within or held):
        return Selection(None)
    from indexer.stores.text.queries import Filters

    filters = Filters(
        languages=tuple(languages),
        kinds=tuple(kinds),
        path_patterns=tuple(path_pattern(glob) for glob in paths if not glob.startswith("!")),
        not_path_patterns=tuple(path_pattern(glob[1:]) for glob in paths if glob.startswith("!")),
    )
    only = _inside(generation, within) if within else None
    if held is None or only == frozenset():
        return Selection(filters, only)
    filters = replace(filters, body=tuple(held.terms))
    most = READ_ALL if only is None else len(only)
    likely = generation.text.filter(filters, limit=most + 1, any_of=sorted(only or ()), remember=True)
    reading = Reading(generation.text, held)
    return Selection(filters, frozenset(reading(likely))) if len(likely) <= most else Selection(filters, None, reading)


def _language(written: str) -> str:
    found = language_named(written)
    if not found:
        _known("language", [written], LANGUAGES)
    return found


def _known(what: str, given: Sequence[str], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(name.lower(), known, n=1)
            meant = f"; is it {near[0]!r}?" if near else "."
            raise ConfigError(f"there is no {what} {name!r}{meant} There are {', '.join(sorted(known))}")


def _steps(name: str) -> str:
    return "." + ".".join(step for step in _SEPARATORS.split(name.lower()) if step) + "."


def _inside(generation: Content, name: str) -> frozenset[int]:
    """Return the chunks of a symbol and of all that it holds."""
    wanted = _steps(name)
    if wanted == "..":
        raise ConfigError(f"--in {name!r}: is no name of a symbol")
    last = wanted.strip(".").rpartition(".")[2]
    defining = {*generation.text.find("name", last), *generation.text.find("qualified_name", name.lower())}
    files = set(generation.catalog.paths_of(sorted(defining)).values())
    ids = [chunk_id for path in sorted(files) for chunk_id in generation.catalog.chunk_ids_of(path)]
    return frozenset(
        chunk.id
        for chunk in generation.text.documents(ids).values()
        if any(
            wanted in _steps(place)
            for place in (*(own.qualified_name for own in chunk.definitions), chunk.qualified_name, chunk.parent)
        )
    )
