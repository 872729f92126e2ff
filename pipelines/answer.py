"""The JSON form of a search's answer."""

from __future__ import annotations

import msgspec

from indexer.types import Hit, SearchResult

from .path_bytes import path_bytes


class HitAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One hit: a chunk of a file, with 1-based lines, end inclusive.

    `line` is the best line, `matched` the terms of the query that the chunk has. `snippet` is some lines of the chunk,
    `snippet_lines` their numbers, `snippet_line` the first one's. `ranks`, the chunk's place in each retriever, and
    `contributions`, what each feature added to the score, are there with --explain alone. `path_bytes` is there for a
    path that is not UTF-8 (see pipelines.path_bytes).
    """

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


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `indexer search --json` prints.

    `generation` answered. `stale` is the number of files that changed since it was built, or null when the indexed
    folder is not there to compare. `upgraded` is the part of the chunks, 0 to 1, with the encoder's own vector, and not
    a static one for now. `hits` come best first.
    """

    query: str
    generation: str
    stale: int | None
    upgraded: float
    hits: list[HitAnswer]


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
    hits: list[HitAnswer]


def answer(result: SearchResult, *, explain: bool = False) -> SearchAnswer:
    """Return the JSON form of a result."""
    return SearchAnswer(
        query=result.query,
        generation=f"{result.generation:08d}",
        stale=result.stale,
        upgraded=result.upgraded,
        hits=[_hit(hit, explain=explain) for hit in result.hits],
    )


def _hit(hit: Hit, *, explain: bool) -> HitAnswer:
    explained = {"ranks", "contributions"}
    names = [name for name in HitAnswer.__struct_fields__ if hasattr(hit, name) and (explain or name not in explained)]
    return HitAnswer(path_bytes=path_bytes(hit.path), **{name: getattr(hit, name) for name in names})
