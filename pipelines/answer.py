"""The JSON form of a search's answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from indexer.types import Hit, SearchResult

from .path_bytes import path_bytes


class HitAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One hit: a chunk of a file below `root`, with 1-based lines, end inclusive.

    `line` is the best line, `matched` the terms of the query that the chunk has. `snippet` is some lines of the chunk,
    `snippet_lines` their numbers, `snippet_line` the first one's. `ranks`, the chunk's place in each retriever, and
    `contributions`, what each feature added to the score, are there with --explain alone. `path_bytes` is there for a
    path that is not UTF-8 (see pipelines.path_bytes).
    """

    root: str
    path: str
    path_bytes: str = ""
    start_line: int
    end_line: int
    language: str
    kind: str
    name: str
    qualified_name: str
    signature: str
    doc: str
    snippet: str
    snippet_line: int
    snippet_lines: tuple[int, ...]
    line: int
    matched: tuple[str, ...]
    score: float
    ranks: dict[str, int] = {}
    contributions: dict[str, float] = {}


class BesideAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of another index that was searched with the first, as in `SearchAnswer`."""

    root: str
    generation: str
    stale: int | None
    upgraded: float


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `indexer search --json` prints.

    `generation` answered. `stale` is the number of files that changed since it was built, or null when the indexed
    folder is not there to compare. `upgraded` is the part of the chunks, 0 to 1, with the encoder's own vector, and not
    a static one for now. `root` is the indexed folder; where several were searched together, these four are the first
    one's, `beside` has those of the others, and each hit says its root. `hits` come best first.
    """

    query: str
    root: str
    generation: str
    stale: int | None
    upgraded: float
    beside: list[BesideAnswer] = []
    hits: list[HitAnswer]


class ErrorDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong: the error's kind, what happened and what to do, and the exit code."""

    kind: str
    message: str
    exit_code: int


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What any command prints under --json in place of its answer when it fails."""

    error: ErrorDetails


class BatchQuery(msgspec.Struct, frozen=True):
    """A line that `indexer search --batch` reads."""

    id: str | int
    query: str


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A line that `indexer search --batch` prints."""

    id: str | int
    generation: str
    stale: int | None
    upgraded: float
    beside: list[BesideAnswer] = []
    hits: list[HitAnswer]


def answer(result: SearchResult, roots: Sequence[Path], *, explain: bool = False) -> SearchAnswer:
    """Return the JSON form of a result of the indexes of these folders."""
    shown = [str(root.absolute()) for root in roots]
    return SearchAnswer(
        query=result.query,
        root=shown[0],
        generation=f"{result.generation:08d}",
        stale=result.stale,
        upgraded=result.upgraded,
        beside=[
            BesideAnswer(root=root, generation=f"{own.generation:08d}", stale=own.stale, upgraded=own.upgraded)
            for root, own in zip(shown[1:], result.beside, strict=True)
        ],
        hits=[hit_answer(hit, shown[hit.space], explain=explain) for hit in result.hits],
    )


def hit_answer(hit: Hit, root: str, *, explain: bool) -> HitAnswer:
    explained = {"ranks", "contributions"}
    names = [name for name in HitAnswer.__struct_fields__ if hasattr(hit, name) and (explain or name not in explained)]
    return HitAnswer(root=root, path_bytes=path_bytes(hit.path), **{name: getattr(hit, name) for name in names})
