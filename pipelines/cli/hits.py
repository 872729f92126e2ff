"""Hits on a terminal and in a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from indexer.types import Hit, SearchResult

from .console import printable, style

_WORD = re.compile(r"\w+")
MIN_HIGHLIGHT_CHARS = 3
"""Shorter words of a query match everywhere, and show nothing."""
MAX_HIGHLIGHTED = 100
"""Words of a query; each is looked for at every place of a line."""


def location_lines(hits: Iterable[Hit]) -> Iterator[str]:
    """Yield path:line:name of the best line, a tab, and its text, made safe, for editors and pipes."""
    for hit in hits:
        text = best_text(hit).strip().replace("\t", " ")
        yield printable(f"{hit.path}:{hit.line}:{hit.qualified_name or hit.name}") + "\t" + printable(text)


def vimgrep_lines(hits: Iterable[Hit]) -> Iterator[str]:
    """Yield path:line:column:text of the best line, made safe, as `grep` does for editors; columns count from 1."""
    for hit in hits:
        text = best_text(hit)
        column = len(text) - len(text.lstrip()) + 1
        yield printable(f"{hit.path}:{hit.line}:{column}:{text.strip() or hit.qualified_name}".replace("\t", " "))


LINE_FORMATS = {"path:line": location_lines, "vimgrep": vimgrep_lines}
"""What `--format` takes."""


def best_text(hit: Hit) -> str:
    """Return the text of a hit's best line."""
    return dict(zip(hit.snippet_lines, hit.snippet.split("\n"), strict=False)).get(hit.line, "")


def file_lines(hits: Iterable[Hit]) -> Iterator[str]:
    """Yield each file once, best first, made safe."""
    for path in dict.fromkeys(hit.path for hit in hits):
        yield printable(path)


def page(result: SearchResult, *, explain: bool) -> Iterator[str]:
    """Yield an answer for a person, made safe: by file, with numbered lines and the query's words highlighted."""
    telling = dict.fromkeys(word for word in _WORD.findall(result.query) if len(word) >= MIN_HIGHLIGHT_CHARS)
    words = sorted(list(telling)[:MAX_HIGHLIGHTED], key=len)
    pattern = re.compile("|".join(map(re.escape, reversed(words))), re.IGNORECASE) if words else None
    by_file: dict[str, list[Hit]] = {}
    for hit in result.hits:
        by_file.setdefault(hit.path, []).append(hit)
    for number, hits in enumerate(by_file.values()):
        if number:
            yield ""
        for hit in hits:
            yield from _block(hit, pattern, explain=explain)


def _block(hit: Hit, pattern: re.Pattern[str] | None, *, explain: bool) -> Iterator[str]:
    place = style(f"{hit.path}:{hit.line}", fg="cyan", bold=True)
    title = style(hit.qualified_name or hit.name, bold=True)
    yield f"{place}  {printable(hit.kind)} {title}".rstrip()
    if explain:
        ranks = ", ".join(f"{name} #{rank}" for name, rank in hit.ranks.items())
        parts = sorted(hit.contributions.items(), key=lambda item: -abs(item[1]))
        shown = ", ".join(f"{name} {value:+.3f}" for name, value in parts if value)
        yield style(f"    score {hit.score:.4f}  ranks: {ranks}  features: {shown}", dim=True)
    for number, line in zip(hit.snippet_lines, _trimmed(hit.snippet.split("\n")), strict=False):
        yield style(f"{number:>6}  ", dim=True) + _highlighted(printable(line.expandtabs(4)), pattern)


def _trimmed(lines: Sequence[str]) -> Sequence[str]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]


def _highlighted(line: str, pattern: re.Pattern[str] | None) -> str:
    if pattern is None:
        return line
    return pattern.sub(lambda match: style(match[0], fg="yellow", bold=True), line)
