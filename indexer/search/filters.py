"""Filters of a search: languages, kinds, path globs, and the inside of a symbol, for both retrievers."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.errors import ConfigError
from indexer.languages.registry import LANGUAGES
from indexer.types import SymbolKind

if TYPE_CHECKING:
    from indexer.stores.generation.reader import Generation
    from indexer.stores.text.queries import Filters

_SEPARATORS = re.compile(r"::|->|[.#/\\]")
_SPECIAL = frozenset("\\.+*?()|[]{}^$#&-~")


@dataclass(frozen=True, slots=True)
class Selection:
    """What may be found: the text index's filters, and the only chunks allowed when that is a known set."""

    filters: Filters | None
    only: frozenset[int] | None = None


def select(
    generation: Generation,
    *,
    languages: Sequence[str] = (),
    kinds: Sequence[str] = (),
    paths: Sequence[str] = (),
    within: str = "",
) -> Selection:
    """Return the selection that all the given filters make together.

    A chunk has one of the languages and one of the kinds; its path matches one of the globs, or none is given, and no
    glob that starts with `!`; it is part of a symbol named `within` (`name`, `Type.name` or any longer ending of its
    qualified name). Raises ConfigError for an unknown language or kind, and for a glob that can't be read.
    """
    _known("language", languages, LANGUAGES)
    _known("kind", kinds, [str(kind) for kind in SymbolKind])
    if not (languages or kinds or paths or within):
        return Selection(None)
    from indexer.stores.text.queries import Filters

    filters = Filters(
        languages=tuple(languages),
        kinds=tuple(kinds),
        path_pattern=_either([glob for glob in paths if not glob.startswith("!")]),
        not_path_pattern=_either([glob[1:] for glob in paths if glob.startswith("!")]),
    )
    return Selection(filters, _inside(generation, within) if within else None)


def glob_pattern(glob: str) -> str:
    """Return the regular expression for whole paths of a glob, in the syntax of gitignore.

    A glob without a slash matches a file or folder name at any depth; with one it starts at the root. `*` and `?` stay
    within a step, `**` does not; a folder stands for all that is in it. Raises ConfigError.
    """
    if not glob.strip("/"):
        raise ConfigError(f"--path {glob!r}: matches nothing; give a path or a glob such as 'src/**/*.py'")
    anchored = "/" in glob.rstrip("/")
    body = _translate(glob.strip("/").removeprefix("./"), glob)
    return ("" if anchored else "(.*/)?") + body + "(/.*)?"


def _translate(glob: str, whole: str) -> str:
    out: list[str] = []
    depth = place = 0
    while place < len(glob):
        char = glob[place]
        if glob.startswith("**/", place):
            out.append("(.*/)?")
            place += 2
        elif glob.startswith("**", place):
            out.append(".*")
            place += 1
        elif char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[":
            end = glob.find("]", place + 2)
            if end < 0:
                raise ConfigError(f"--path {whole!r}: '[' is never closed")
            inner = glob[place + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            out.append("[" + ("^/" + inner[1:] if inner[0] in "!^" else inner) + "]")
            place = end
        elif char == "{":
            depth += 1
            out.append("(")
        elif char == "}" and depth:
            depth -= 1
            out.append(")")
        elif char == "," and depth:
            out.append("|")
        else:
            out.append("\\" + char if char in _SPECIAL else char)
        place += 1
    if depth:
        raise ConfigError(f"--path {whole!r}: '{{' is never closed")
    return "".join(out)


def _either(globs: Sequence[str]) -> str:
    return "|".join(f"({glob_pattern(glob)})" for glob in globs)


def _known(what: str, given: Sequence[str], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            raise ConfigError(f"there is no {what} {name!r}; there are {', '.join(sorted(known))}")


def _steps(name: str) -> str:
    return "." + ".".join(step for step in _SEPARATORS.split(name.lower()) if step) + "."


def _inside(generation: Generation, name: str) -> frozenset[int]:
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
        if any(wanted in _steps(place) for place in (*chunk.qualified_name.split(", "), chunk.parent))
    )
