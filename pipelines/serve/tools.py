"""What an agent can ask, over one or several projects; plain functions from arguments to short text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from indexer.errors import ConfigError, IndexerError
from indexer.stages.decode import NotText, decode
from indexer.types import SearchResult

from ..report_text import counted
from .builder import NotYetError
from .text import Place, count_tokens, hits_text, is_named, one_line, outline_text, steps, symbols_text

if TYPE_CHECKING:
    from indexer.index import Index

    from .project import Project

INSTRUCTIONS = """\
Search this code base by meaning, words and names before grep: `search` for how or where something is done, `symbol` for
a definition by name, `outline` for what is in a file, `similar` for code like a place, `read` for lines of an indexed
file. Use grep for every occurrence of an exact string. Each answer ends with how fresh the index is."""

MAX_HITS = 50
MAX_LINES = 40
MAX_READ_LINES = 400
MAX_OUTLINE = 200
SCANNED_SYMBOLS = 10
SYMBOL_HITS = 50
"""Hits among which definitions of a name are looked for."""

_NO_HITS = "no hits"

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Asked:
    """The project that a path names, and what the path begins with in answers."""

    project: Project
    prefix: str
    path: str


class Tools:
    """Each method is a tool, and its docstring what the agent reads of it. Raises IndexerError for what can't be."""

    def __init__(self, projects: Sequence[Project]) -> None:
        self._projects = tuple(projects)

    def search(
        self, query: str, keywords: Sequence[str] = (), path: str = "", lang: str = "", k: int = 5, lines: int = 10
    ) -> str:
        """Find code by meaning and by words.

        query: a question, a name, an error message. keywords: words or literals that the code should contain.
        path: a folder, file or glob. lang: a language, such as python. k: how many hits, 1 to 50. lines: of code, at
        most, each, 0 to 40.
        """
        check_room(k, lines)
        text = " ".join((query, *keywords))
        languages = [lang] if lang else []

        def find(index: Index, own: str) -> SearchResult:
            return index.search(text, k=k, languages=languages, paths=_globs(own))

        try:
            return self._hits(path, find, k=k, lines=lines)
        except NotYetError as error:
            return self._scanned(text, path, k, error)

    def similar(self, path: str, line: int, k: int = 5, lines: int = 10) -> str:
        """Find code like that at a line of a file.

        k: how many hits, 1 to 50. lines: of code, at most, each, 0 to 40.
        """
        check_room(k, lines)
        return self._hits(path, lambda index, own: index.similar(own, line, k=k), k=k, lines=lines, one=True)

    def symbol(self, name: str) -> str:
        """Find definitions by name, such as `dispatch_request` or `Flask.dispatch_request`."""
        try:
            places, states = self._gather("", lambda index, _: index.search(name, k=SYMBOL_HITS, mode="text"))
        except NotYetError as error:
            return self._scanned(steps(name)[-1] if steps(name) else name, "", SCANNED_SYMBOLS, error)
        named: dict[tuple[str, str, str], Place] = {}
        for prefix, hit in places:
            if is_named(hit, name):
                named.setdefault((prefix + hit.path, hit.qualified_name or hit.name, hit.kind), (prefix, hit))
        if named:
            return _ended([symbols_text(named.values())], states)
        near = symbols_text(places[:5])
        return _ended([f"no definition of {name} is indexed" + ("; nearest:" if near else ""), near], states)

    def outline(self, path: str) -> str:
        """List the symbols of a file with their lines."""
        asked = self._asked(path)
        chunks, state = self._ask(asked, lambda index: index.outline(asked.path))
        return _ended([outline_text(chunks, limit=MAX_OUTLINE) or "no symbols"], [state])

    def read(self, path: str, start: int = 1, end: int = 0) -> str:
        """Read lines of an indexed file, as it is now, or of an index of git as indexed; end 0: up to 400 lines on."""
        asked = self._asked(path)
        try:
            self._ask(asked, lambda index: next(iter(index.chunks(asked.path)), None))
        except NotYetError:
            if asked.project.is_bare:
                raise
            if not asked.project.would_index(asked.path):
                raise ConfigError(f"{path}: is no file that is indexed") from None
        content = decode(asked.project.content(asked.path))
        if isinstance(content, NotText):
            raise ConfigError(f"{path}: is no text any more")
        rows = content.text.removesuffix("\n").split("\n")
        if start > len(rows) or 0 < end < start:
            raise ConfigError(f"{path}: has {counted(len(rows), 'line')}, and none from {start} to {end or 'the end'}")
        start = max(1, start)
        end = min(len(rows), end or len(rows), start + MAX_READ_LINES - 1)
        return "\n".join((f"{path}:{start}-{end} of {len(rows)}", *rows[start - 1 : end]))

    def status(self) -> str:
        """Say what is indexed, how fresh it is, and what is being built."""
        rows = []
        for project in self._projects:
            try:
                state, generation = project.state(), project.index.generation
                counts, languages = generation.manifest.counts, generation.catalog.languages()
                tiers = ", ".join(f"{n} {tier}" for tier, n in generation.manifest.tiers.items())
                leading = sorted(languages.items(), key=lambda item: -item[1].chunks)[:5]
                told = ", ".join(f"{name or 'text'} {counted(own.files, 'file')}" for name, own in leading)
                rows.append(
                    f"{project.root}: {state}; {counted(counts.files - counts.skipped, 'file')}, "
                    f"{counted(counts.chunks, 'chunk')} ({tiers}); {told}"
                )
            except (NotYetError, IndexerError) as error:
                rows.append(f"{project.root}: {error}")
        return "\n".join(rows)

    def is_building(self) -> bool:
        """Whether a build is under way."""
        return any(project.builder.is_running for project in self._projects)

    def close(self) -> None:
        """Close all projects."""
        for project in self._projects:
            project.close()

    def _hits(
        self, path: str, find: Callable[[Index, str], SearchResult], *, k: int, lines: int, one: bool = False
    ) -> str:
        places, states = self._gather(path, find, one=one)
        spent = count_tokens(_ended([], states))
        return _ended([hits_text(places[:k], lines=lines, spent=spent) or _NO_HITS], states)

    def _scanned(self, text: str, path: str, k: int, state: NotYetError) -> str:
        """Answer from the files themselves, as there is no index yet."""
        asked = [self._asked(path)] if path else [_Asked(p, self._prefix(p), "") for p in self._projects]
        rows, states = [], [str(state)]
        for own in asked:
            found = own.project.scan(text, paths=_globs(own.path), count=k)
            rows += [f"{own.prefix}{line.path}:{line.number} {one_line(line.text)}" for line in found.lines]
            states.append(
                f"{own.prefix or 'so far '}lines of {counted(found.files, 'file')} that hold the words"
                + ("" if found.is_whole else "; there was no time to read the others")
            )
        return _ended(rows or [_NO_HITS], states)

    def _gather(
        self, path: str, find: Callable[[Index, str], SearchResult], *, one: bool = False
    ) -> tuple[list[Place], list[str]]:
        """Ask the project that the path names, or all in turn; return hits, best of each first, and their states.

        Scores of several indexes can't be compared, so their hits take turns.
        """
        asked = [self._asked(path)] if path or one else [_Asked(p, self._prefix(p), "") for p in self._projects]
        answers: list[list[Place]] = []
        states = []
        for own in asked:
            try:
                result, state = self._ask(own, lambda index, own=own: find(index, own.path))  # type: ignore[misc]
            except NotYetError as error:
                states.append(str(error))
                continue
            answers.append([(own.prefix, hit) for hit in result.hits])
            states.append(f"{own.prefix}{state}")
        if not answers:
            raise NotYetError("; ".join(states))
        return [place for place in chain.from_iterable(zip_longest(*answers)) if place is not None], states

    def _ask(self, asked: _Asked, question: Callable[[Index], Answer]) -> tuple[Answer, str]:
        return question(asked.project.index), asked.project.state()

    def _asked(self, path: str) -> _Asked:
        """Return which project a path is in: as answers have it, relative to a root, or absolute."""
        for project in self._projects:
            prefix = self._prefix(project)
            with suppress(ValueError):
                return _Asked(project, prefix, Path(path).relative_to(project.root).as_posix())
            if prefix and (path + "/").startswith(prefix):
                return _Asked(project, prefix, path.removeprefix(prefix).removeprefix(project.name))
        if len(self._projects) > 1:
            raise ConfigError(f"{path}: begin it with one of {', '.join(map(self._prefix, self._projects))}")
        return _Asked(self._projects[0], "", path.removeprefix("./"))

    def _prefix(self, project: Project) -> str:
        return f"{project.name}/" if len(self._projects) > 1 else ""


def check_room(k: int, lines: int) -> None:
    """Raise ConfigError unless an answer has room for so many hits, and so many lines of each."""
    for name, value, least, most in (("k", k, 1, MAX_HITS), ("lines", lines, 0, MAX_LINES)):
        if not least <= value <= most:
            raise ConfigError(f"{name} is {value}; give a number from {least} to {most}")


def _globs(path: str) -> list[str]:
    path = path.strip("/")
    return [path, f"{path}/**"] if path not in ("", ".") else []


def _ended(parts: Sequence[str], states: Sequence[str]) -> str:
    return "\n".join((*filter(None, parts), *(f"[{state}]" for state in states)))
