"""How well the stored vectors stand for the encoder's own: what generation.json keeps of it, and what to say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from indexer.config import RecallOptions

DRIFT_TEXTS = 100
DRIFT_SHARE = 0.1
"""A drift is told when so many texts, and such a share of those of the full build, came since: fewer change little."""
_DIGITS = 6

Extra = Mapping[str, str | int | float | bool]
"""What a manifest keeps for its writer."""


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    """What a search of the stored vectors finds of what an exact one with the encoder's float vectors would.

    The last full build asked with `queries` of the `texts` distinct texts that it indexed, each for its ten nearest
    others. `recall` is the share of them among the first `depth` that the index gives, as many as ranking looks at;
    `overlap` is the share among the first ten. Averages over the queries, 0 to 1.
    """

    queries: int
    texts: int
    depth: int
    recall: float
    overlap: float


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """Which share of the vectors' squared length the projection keeps, on average, 0 to 1.

    `energy` is that of the `texts` of the last full build, `added_energy` that of the `added` texts that builds since
    then had to reduce.
    """

    texts: int
    energy: float
    added: int = 0
    added_energy: float = 0.0

    def plus(self, count: int, total: float) -> Drift:
        """Return the figures after `count` more texts, whose shares sum up to `total`."""
        if not count:
            return self
        mean = (self.added_energy * self.added + total) / (self.added + count)
        return msgspec.structs.replace(self, added=self.added + count, added_energy=round(mean, _DIGITS))


class Basis(msgspec.Struct, frozen=True):
    """What is known of a generation's vectors; None: not measured."""

    recall: Recall | None = None
    drift: Drift | None = None

    def to_extra(self) -> dict[str, str | int | float | bool]:
        """Return it as a manifest keeps it."""
        kept = {"recall": self.recall, "drift": self.drift}
        return {
            f"{name}.{field}": round(value, _DIGITS)
            for name, figures in kept.items()
            if figures is not None
            for field, value in msgspec.structs.asdict(figures).items()
        }

    def warnings(self, options: RecallOptions, *, mode: str, dims: int) -> list[str]:
        """Return what a person should know of vectors that a projection of this mode and these dims made."""
        told = (_shortfall(self.recall, options, mode, dims), _advice(self.drift, options, mode, dims))
        return [sentence for sentence in told if sentence]

    @classmethod
    def from_extra(cls, extra: Extra) -> Basis:
        """Read what a manifest keeps; figures that it lacks, as those of earlier versions do, are not measured."""
        return cls(_figures(extra, "recall", Recall), _figures(extra, "drift", Drift))


_Figures = TypeVar("_Figures", Recall, Drift)


def _figures(extra: Extra, name: str, kind: type[_Figures]) -> _Figures | None:
    values = {key.removeprefix(f"{name}."): value for key, value in extra.items() if key.startswith(f"{name}.")}
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError:
        return None


def _shortfall(recall: Recall | None, options: RecallOptions, mode: str, dims: int) -> str:
    """Say that the recall is below the floor and what to do, or nothing when it isn't."""
    if recall is None or recall.recall >= options.floor:
        return ""
    return (
        f"recall is {recall.recall:.2f}, below recall.floor = {options.floor:g}: of the 10 texts nearest to one by the "
        f"encoder's own vectors, so many are among the first {recall.depth} that the index finds; "
        f"{_remedy(mode, dims)}, or lower recall.floor"
    )


def _advice(drift: Drift | None, options: RecallOptions, mode: str, dims: int) -> str:
    """Say that the projection fits what was added less well and what to do, or nothing when it doesn't."""
    if drift is None or drift.added < max(DRIFT_TEXTS, DRIFT_SHARE * drift.texts):
        return ""
    if drift.energy - drift.added_energy <= options.drift:
        return ""
    remedy = "`indexer build --full` fits it anew" if mode == "fit" else _remedy(mode, dims)
    return (
        f"the projection fits newer content less well: it keeps {drift.added_energy:.0%} of the {drift.added} texts "
        f"added since the last full build, {drift.energy:.0%} of those before; {remedy}"
    )


def _remedy(mode: str, dims: int) -> str:
    if mode == "none":
        return "raise vectors.expansion_search"
    more = f"raise projection.dims ({dims} now)"
    return more if mode == "fit" else f'{more}, or set projection.mode = "fit"'
