"""What a search answers."""

from __future__ import annotations

from typing import Literal

import msgspec

from indexer.types.chunks import ChunkFields

SearchMode = Literal["hybrid", "text", "vector"]


class Hit(ChunkFields, frozen=True):
    """One search result: a chunk, and why it was found.

    Its names are those of the definition at `line` where the chunk is a group of several. `line` is the line of the
    file that answers best: that of the definition which the query names, of the text that stands there, or of the
    most words. `matched` are the terms of the query that the chunk's text has. `snippet` is some lines of the chunk
    around that one, `snippet_lines` their numbers, which in an outline need not follow one another. `ranks` holds
    the chunk's 1-based place in each retriever that found it, `contributions` what each feature of the ranking
    added to `score`; `space` is the place of the index among those that were searched together.
    """

    snippet: str
    snippet_lines: tuple[int, ...]
    line: int
    matched: tuple[str, ...]
    score: float
    ranks: dict[str, int]
    contributions: dict[str, float]
    space: int = 0

    @property
    def snippet_line(self) -> int:
        """The number of the snippet's first line."""
        return self.snippet_lines[0]


class Answering(msgspec.Struct, frozen=True):
    """A generation that answered, by its number.

    `stale` is the number of files that changed since it was built; None where nobody compared.
    `upgraded` is the part of its chunks, 0 to 1, with the encoder's own vector; the others have a static one for now.
    """

    generation: int
    stale: int | None
    upgraded: float


class SearchResult(msgspec.Struct, frozen=True):
    """The answer to one query, best hits first, and the generation that gave it, told as in `Answering`.

    `beside` are those of the indexes that were searched with it.
    """

    query: str
    generation: int
    hits: tuple[Hit, ...]
    stale: int | None = None
    upgraded: float = 1.0
    beside: tuple[Answering, ...] = ()
