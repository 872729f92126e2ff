"""What a search answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from indexer.types.chunks import ChunkFields

SearchMode = Literal["hybrid", "text", "vector"]


class Hit(ChunkFields, frozen=True):
    """One search result: a chunk, and why it was found.

    `snippet` is some lines of the chunk, the first of them line `snippet_line` of the file, or 0 where they are the
    outline of a class and don't follow one another. `ranks` holds the chunk's 1-based place in each retriever that
    found it, `contributions` what each feature of the ranking added to `score`.
    """

    snippet: str
    snippet_line: int
    score: float
    ranks: dict[str, int]
    contributions: dict[str, float]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one query, best hits first, and the number of the generation that gave it.

    `stale` is the number of files that changed since that was built; None where nobody compared.
    `upgraded` is the part of its chunks, 0 to 1, with the encoder's own vector; the others have a static one for now.
    """

    query: str
    generation: int
    hits: tuple[Hit, ...]
    stale: int | None = None
    upgraded: float = 1.0
