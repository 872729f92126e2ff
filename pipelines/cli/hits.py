"""Hits on a terminal and in a pipe."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.types import Hit, SearchResult

from ..answer import answer
from ..report_text import upgraded_text
from .console import echo, is_quiet, note, print_lines, printable, style, write_out
from .here import seen_from_here
from .options import print_json

_WORD = re.compile(r"\w+")
MIN_HIGHLIGHT_CHARS = 3
"""Shorter words of a query match everywhere, and show nothing."""
MAX_HIGHLIGHTED = 100
"""Words of a query; each is looked for at every place of a line."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How an answer is printed, of which `k` files at most; in a pager when it is long and `paged`.

    `null`: names of files are written as the system has them, each ended by NUL, for programs.
    """

    as_json: bool
    line_format: str | None
    files_only: bool
    null: bool
    k: int
    explain: bool = False
    paged: bool = True


def show(result: SearchResult, roots: Sequence[Path], shown: Shown, *, upgraded_by: str) -> None:
    """Print an answer of the indexes of these folders; `upgraded_by` as in `show_hits`."""
    if shown.as_json:
        print_json(answer(result, roots, explain=shown.explain))
        return
    many = len(roots) > 1
    hits = [(seen_from_here(hit.path, roots[hit.space], many=many), hit) for hit in result.hits]
    show_hits(result.query, hits, shown, upgraded=result.upgraded, upgraded_by=upgraded_by)


def show_hits(query: str, hits: Sequence[tuple[str, Hit]], shown: Shown, *, upgraded: float, upgraded_by: str) -> None:
    """Print an answer's hits, each with its path as it is to be read, for a person or a pipe.

    `upgraded` is the part of the vectors, 0 to 1, that are the encoder's own; `upgraded_by` is the command that goes on
    with the others, "" where none would.
    """
    if is_quiet():
        return
    lines: list[str] = []
    if shown.null:
        write_out(b"".join(os.fsencode(path) + b"\0" for path in file_names(hits)[: shown.k]))
    elif shown.files_only:
        lines = [printable(path) for path in file_names(hits)[: shown.k]]
    elif shown.line_format:
        lines = list(LINE_FORMATS[shown.line_format](hits))
    else:
        lines = list(page(query, hits, explain=shown.explain))
    print_lines(lines, paged=shown.paged)
    if not hits:
        echo("no hits", err=True)
    if upgraded < 1:
        rest = f"; `{upgraded_by}` goes on with them" if upgraded_by else ""
        note(f"of the vectors {upgraded_text(upgraded)}{rest}")


def location_lines(hits: Iterable[tuple[str, Hit]]) -> Iterator[str]:
    """Yield path:line:name of the best line, a tab, and its text, made safe, for editors and pipes."""
    for path, hit in hits:
        text = best_text(hit)
        name = hit.qualified_name or hit.name
        yield printable(f"{path}:{hit.line}:{name}") + "\t" + printable(text.strip().expandtabs(1))


def vimgrep_lines(hits: Iterable[tuple[str, Hit]]) -> Iterator[str]:
    """Yield path:line:column:text of the best line, made safe, as `grep` does for editors; columns count from 1."""
    for path, hit in hits:
        text = best_text(hit)
        column = len(text) - len(text.lstrip()) + 1
        yield printable(f"{path}:{hit.line}:{column}:{text.strip() or hit.qualified_name}".replace("\t", " "))


LINE_FORMATS = {"path:line": location_lines, "vimgrep": vimgrep_lines}
"""What `--format` takes."""


def best_text(hit: Hit) -> str:
    """Return the text of a hit's best line."""
    return dict(zip(hit.snippet_lines, hit.snippet.split("\n"), strict=False)).get(hit.line, "")


def file_names(hits: Iterable[tuple[str, Hit]]) -> list[str]:
    """Return each file once, best first."""
    return list(dict.fromkeys(path for path, _ in hits))


def page(query: str, hits: Iterable[tuple[str, Hit]], *, explain: bool) -> Iterator[str]:
    """Yield an answer for a person, made safe: by file, with numbered lines and the query's words highlighted."""
    telling = dict.fromkeys(word for word in _WORD.findall(query) if len(word) >= MIN_HIGHLIGHT_CHARS)
    words = sorted(list(telling)[:MAX_HIGHLIGHTED], key=len)
    pattern = re.compile("|".join(map(re.escape, reversed(words))), re.IGNORECASE) if words else None
    by_file: dict[str, list[Hit]] = {}
    for path, hit in hits:
        by_file.setdefault(path, []).append(hit)
    for number, (path, own) in enumerate(by_file.items()):
        if number:
            yield ""
        for hit in own:
            yield from _block(path, hit, pattern, explain=explain)


def _block(path: str, hit: Hit, pattern: re.Pattern[str] | None, *, explain: bool) -> Iterator[str]:
    place = style(f"{path}:{hit.line}", fg="cyan", bold=True)
    name = hit.qualified_name or hit.name
    yield f"{place}  {printable(hit.kind)}" + (f" {style(name, bold=True)}" if name else "")
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
