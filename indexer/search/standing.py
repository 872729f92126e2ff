"""Places in which the query, or some of it, stands as it is written, and which of them come first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from indexer.search.file_kinds import FileKind, file_kind
from indexer.search.roles import Rank, Role, rank_of
from indexer.stores.text.document import StoredChunk, source_path

FIRST_WHOLE = 10
FIRST_PART = 3
"""How many chunks come first when the whole query stands in them, and when a part does, or where they define it."""
AFTER_CHANCE = 3
"""How many chunks come before those in which a few plain words stand, perhaps by chance."""


class Sureness(IntEnum):
    """How surely a chunk is what is asked for, the surest first."""

    PLACE = 0
    DEFINED = 1
    SET = 2
    WHOLE = 3
    WORDS = 4
    MOSTLY = 5
    PART = 6
    CHANCE = 7


MESSAGES = (Sureness.WHOLE, Sureness.WORDS, Sureness.MOSTLY)
"""Ways in which all of a text stands, some of which a test or a document has, and others the code that prints it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A chunk in which some of the query stands: on which row, from 0, what that row does, and what that is worth.

    `share` is the part, 0 to 1, of the query's words that stand there; `score` the words' BM25.
    """

    chunk: StoredChunk
    row: int
    role: Role
    sureness: Sureness
    share: float
    score: float

    @property
    def kind(self) -> FileKind:
        """The sort of file that the chunk is of."""
        return file_kind(source_path(self.chunk.path))

    @property
    def rank(self) -> Rank:
        """How early such places are looked at."""
        return rank_of(self.chunk.path, self.chunk.language, self.kind, self.role)

    @property
    def order(self) -> tuple[Rank, Sureness, float, Role]:
        """What puts one before another: where it stands, sureness, how much stands there, and what the line does."""
        return self.rank, self.sureness, -round(self.share, 1), self.role


@dataclass(frozen=True, slots=True)
class First:
    """Chunks, each with the place of its space, that come before the ranking, or after so many of it; best first."""

    chunks: tuple[tuple[int, Standing], ...]
    after: int


NOTHING_FIRST = First((), 0)


def first_of(found: Sequence[tuple[int, Standing]], places: Mapping[tuple[int, str], int]) -> First:
    """Return what comes first of what stands in several spaces: the surest that there is.

    Equals are in the order of their files, whose places in the ranking are given by space and path. Of the definitions
    of one name a file has one there, the first: what comes after a class in its file are its constructors.
    """
    surest = min((own.sureness for _, own in found), default=Sureness.CHANCE)
    least = Sureness.SET if surest is Sureness.DEFINED else surest
    if surest is Sureness.PLACE or surest in MESSAGES:  # the place that a message names, and the code that prints it
        least = Sureness.MOSTLY
    kept = [(space, own) for space, own in found if own.sureness <= least]

    def order(entry: tuple[int, Standing]) -> tuple[object, ...]:
        space, own = entry
        path = source_path(own.chunk.path)
        is_place = own.sureness is Sureness.PLACE
        depth = path.count("/") if is_place else 0
        return (
            not is_place,
            own.order,
            depth,
            places.get((space, path), len(places)),
            -own.score,
            path,
            own.chunk.start_line,
            space,
        )

    kept.sort(key=order)
    if surest is Sureness.DEFINED:
        by_file: dict[tuple[int, str], tuple[int, Standing]] = {}
        for space, own in kept:
            by_file.setdefault((space, own.chunk.path), (space, own))
        kept = list(by_file.values())
    is_whole = surest <= Sureness.MOSTLY and surest is not Sureness.DEFINED
    count = FIRST_WHOLE if is_whole else FIRST_PART
    return First(tuple(kept[:count]), AFTER_CHANCE if surest is Sureness.CHANCE else 0)
