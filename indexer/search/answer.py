"""From ranked files to the hits that a search returns, each with the lines that show best why it was found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from indexer.search.candidates import SCORE_DECIMALS
from indexer.search.features import Evidence, is_sure, named_definition
from indexer.search.passages import arrange, closer_look, shortlist
from indexer.search.query import Query
from indexer.search.ranking import Model, RankedFile
from indexer.search.snippet import best_row, shown_rows, terms_by_row
from indexer.search.standing import NOTHING_FIRST, First
from indexer.stores.text.document import StoredChunk, chunk_fields
from indexer.types import Hit

SNIPPET_LINES = 8

Documents = Callable[[int, Sequence[int]], dict[int, StoredChunk]]
"""Returns the stored chunks of a space by id: is given the space's place, and ids."""


def best_hits(
    documents: Documents,
    evidence: Evidence,
    ranked: Sequence[RankedFile],
    passages: Model | None,
    *,
    k: int,
    first: First = NOTHING_FIRST,
    lines: int = SNIPPET_LINES,
    explain: bool = False,
    row: Callable[[str], int | None] | None = None,
) -> tuple[Hit, ...]:
    """Return the best `k` chunks: those that come `first`, then those of the best files.

    With `passages` the few best of each file are looked at closely. `row` says which row of a text must be shown.
    """
    query, leading = evidence.asked.query, ranked[:k]
    stored: list[dict[int, StoredChunk]] = [{} for _ in evidence.found]

    def fetch(wanted: Sequence[tuple[int, Iterable[int]]]) -> None:
        for space, known in enumerate(stored):
            own = [i for at, ids in wanted if at == space for i in ids if i not in known]
            if own:
                known.update(documents(space, own))

    looked = [(file.score, file.chunks) for file in leading]
    if passages:
        short = [shortlist(chunks, passages.weights) for _, chunks in looked]
        fetch([(file.space, ids) for file, ids in zip(leading, short, strict=True)])
        for place, (file, ids) in enumerate(zip(leading, short, strict=True)):
            read = [own for i in ids if (own := stored[file.space].get(i))]
            closer = closer_look(query, evidence.rarity, looked[place][1], read, passages.weights)
            looked[place] = file.score, closer
    chosen = arrange(looked, count=k)
    fetch([(leading[place].space, (chunk_id,)) for place, chunk_id, _ in chosen])
    ranks = [
        {name: {i: rank for rank, i in enumerate(scores, 1)} for name, scores in own.chunks.items()}
        for own in evidence.found
    ]

    def hit(
        space: int, chunk: StoredChunk, score: float, contributions: dict[str, float], best: int | None = None
    ) -> Hit:
        if row is not None and (held := row(chunk.text)) is not None:
            best = held
        own = {name: found[chunk.id] for name, found in ranks[space].items() if chunk.id in found}
        made = make_hit(chunk, query, score=score, ranks=own, contributions=contributions, row=best, lines=lines)
        return replace(made, space=space) if space else made

    # What stands in a text by chance comes after the best of the ranking, all else before it.
    lead = [(leading[place].space, chunk_id) for place, chunk_id, _ in chosen[: first.after]]
    standing = [entry for entry in first.chunks if (entry[0], entry[1].chunk.id) not in lead]
    shown_first = {(space, own.chunk.id) for space, own in standing}
    hits: list[Hit] = []
    for place, chunk_id, score in chosen:
        file = leading[place]
        if (file.space, chunk_id) not in shown_first:
            found = stored[file.space][chunk_id]
            hits.append(hit(file.space, found, score, _with_rest(file.contributions, score)))
    before = len(lead)
    top = hits[before - 1].score if before else max((own.score for own in hits), default=0.0) + 1.0
    hits[before:before] = [
        hit(space, own.chunk, top, {"stands": top} if explain else {}, own.row) for space, own in standing
    ]
    return tuple(hits[:k])


def make_hit(
    chunk: StoredChunk,
    query: Query | None,
    *,
    score: float,
    ranks: dict[str, int],
    contributions: dict[str, float],
    row: int | None = None,
    lines: int = SNIPPET_LINES,
) -> Hit:
    """Return a stored chunk as a hit, with up to `lines` lines of it that answer the query best.

    `row` is the best row of its text where that is known.
    """
    texts = chunk.text.split("\n")
    asked = {**query.words, **query.wholes} if query else {}
    present = terms_by_row(chunk.text, asked)
    head = _definition_row(chunk, query)
    starts_there = row is None and head is not None and query is not None and _is_named(chunk, query)
    if row is None:
        row = head if starts_there and head is not None else best_row(present, asked, otherwise=head or 0)
    shown = shown_rows(present, asked, row, lines=lines, first=row if starts_there else 0, is_outline=bool(chunk.runs))
    matched = frozenset().union(*present)
    return Hit(
        **(chunk_fields(chunk) | _own_name(chunk, chunk.line_of(row))),
        snippet="\n".join(texts[place] for place in shown),
        snippet_lines=tuple(chunk.line_of(place) for place in shown),
        line=chunk.line_of(row),
        matched=tuple(term for term in asked if term in matched),
        score=score,
        ranks=ranks,
        contributions=contributions,
    )


def _own_name(chunk: StoredChunk, line: int) -> dict[str, str]:
    """Return the names of the definition at a line where the chunk is a group of several, else nothing."""
    if any(own.qualified_name == chunk.qualified_name for own in chunk.definitions):
        return {}
    there = [own for own in chunk.definitions if own.line == line]
    return {"name": there[0].name, "qualified_name": there[0].qualified_name} if there else {}


def _definition_row(chunk: StoredChunk, query: Query | None) -> int | None:
    """Return the row of the definition in a chunk that the query names, else of the first; None where it has none."""
    named = [own for own in chunk.definitions if query and own.name in query.names] or chunk.definitions
    return chunk.row_of(named[0].line) if named else None


def _is_named(chunk: StoredChunk, query: Query) -> bool:
    """Whether the query names a definition in the chunk as only code does, or is nothing but its name."""
    named = named_definition(query, chunk)
    return named is not None and named.is_head and is_sure(query, named)


def _with_rest(contributions: dict[str, float], score: float) -> dict[str, float]:
    """Return the parts of a file's score, and what a later chunk of it has less as a part of its own."""
    rest = round(score - sum(contributions.values()), SCORE_DECIMALS)
    return {**contributions, "later_chunk": rest} if contributions and rest < -0.01 else contributions
