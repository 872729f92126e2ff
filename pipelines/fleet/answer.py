"""The JSON form of a fleet's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..answer import HitAnswer, hit_answer

if TYPE_CHECKING:
    from .search import FleetResult


class FleetHitAnswer(HitAnswer, frozen=True, kw_only=True, omit_defaults=True):
    """One hit, as `indexer search --json` has it: a chunk of a file of a repository; `root` is that one's folder."""

    repository: str


class FleetSearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `indexer fleet search --json` prints.

    The manifest of this `number` answered. `upgraded` is the part of the chunks, 0 to 1, with the encoder's own vector,
    and not a static one for now. `hits` come best first; paths are relative to the repository's folder.
    """

    query: str
    number: int
    digest: str
    upgraded: float
    hits: list[FleetHitAnswer]


def fleet_answer(result: FleetResult, *, explain: bool = False) -> FleetSearchAnswer:
    """Return the JSON form of a result."""
    hits = []
    for hit, root in zip(result.hits, result.roots, strict=True):
        repository, _, path = hit.path.partition("/")
        own = hit_answer(msgspec.structs.replace(hit, path=path), root, explain=explain)
        hits.append(FleetHitAnswer(repository=repository, **msgspec.structs.asdict(own)))
    return FleetSearchAnswer(
        query=result.query, number=result.number, digest=result.digest, upgraded=result.upgraded, hits=hits
    )
