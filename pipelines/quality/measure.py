"""Measures how well the stored vectors stand for the encoder's own, while a build's vectors stream past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.config import RecallOptions
from indexer.errors import RecallError
from indexer.stages.recall import ExactNeighbours, share_found
from indexer.stages.reduce import Projection, reduce, retained_energy
from indexer.stores.catalog.reader import Catalog
from indexer.stores.catalog.schema import text_key
from indexer.types import Tier

from .figures import Basis, Drift, Recall

NEAREST = 10


class Searched(Protocol):
    """The generation being made, once all vectors are in it."""

    @property
    def catalog(self) -> Catalog: ...

    def nearest(self, vectors: NDArray[np.int8], *, limit: int) -> list[list[int]]:
        """Return for each of int8[q, k] the chunks that a search finds, nearest first."""


class BasisMeasure:
    """Listens to the vectors of one build: `observe` them, then `finish`. It changes nothing of what is built.

    What is measured are vectors of the encoder that the index names; static ones that stand in for them are left out.
    The queries come from the first texts that it sees: a build takes its files in no telling order.
    """

    def __init__(self, projection: Projection, options: RecallOptions, base: Basis | None, *, tier: Tier) -> None:
        """Continue the figures of the generation that is built on, or measure all vectors, of one tier, anew."""
        self._projection = projection
        self._tier = tier
        self._options = options
        self._base = base
        self._exact: ExactNeighbours | None = None
        self._waiting: list[tuple[Sequence[bytes], NDArray[np.float32]]] = []
        self._texts = 0
        self._energies = 0
        self._energy = 0.0

    def observe(
        self,
        tier: Tier,
        text_hashes: Sequence[bytes],
        vectors: NDArray[np.float32],
        reduced: NDArray[np.int8],
        scales: NDArray[np.float32],
    ) -> None:
        """Look at distinct texts that the index did not know: float32[n, d], and int8[n, k], float32[n] made of it."""
        if tier is not self._tier:
            return
        energies = retained_energy(vectors, reduced, scales, self._projection)
        self._energies += len(energies)
        self._energy += float(energies.sum())
        self._texts += len(text_hashes)
        if self._base is not None or not self._options.queries:
            return
        self._waiting.append((text_hashes, vectors))
        if self._exact is not None or self._texts >= self._options.queries:
            self._compare()

    def _compare(self) -> None:
        """Compare the texts that wait; the first that are enough give the queries."""
        hashes = [text_hash for own, _ in self._waiting for text_hash in own]
        vectors = np.concatenate([own for _, own in self._waiting])
        self._waiting = []
        keys = np.array([text_key(text_hash) for text_hash in hashes], np.int64)
        if self._exact is None:
            # A text without words may have a zero vector, and everything is equally far from that.
            rows = sorted(np.flatnonzero(vectors.any(axis=1)).tolist(), key=lambda row: hashes[row])
            rows = rows[: self._options.queries]
            self._exact = ExactNeighbours(keys[rows], vectors[rows])
        self._exact.add(keys, vectors)

    def finish(self, staged: Searched) -> Basis:
        """Return the figures; of a full build, ask the staged vectors too. Raises RecallError where that is strict."""
        if self._base is not None:
            return self.so_far()
        if self._waiting:
            self._compare()
        drift = Drift(texts=self._energies, energy=self._energy / self._energies) if self._energies else None
        basis = Basis(self._recall(staged), drift)
        problems = self.warnings(basis)
        if problems and self._options.strict:
            raise RecallError(f"{problems[0]}. These vectors were not committed, because recall.strict is set")
        return basis

    def so_far(self) -> Basis:
        """Return the figures of the generation that is built on, with the drift of what came since; else none."""
        if self._base is None:
            return Basis()
        drift = self._base.drift
        return Basis(self._base.recall, drift and drift.plus(self._energies, self._energy))

    def warnings(self, basis: Basis) -> list[str]:
        """Return what a person should know: of the recall when this build measured it, and of the drift."""
        news = basis if self._base is None else Basis(drift=basis.drift)
        return news.warnings(self._options, mode=self._projection.mode, dims=self._projection.dims)

    def _recall(self, staged: Searched) -> Recall | None:
        exact = self._exact
        if exact is None or not len(exact.keys) or self._texts < 2:
            return None
        # As many as a search fetches, and as many as its ranking looks at; increments need not load the search.
        from indexer.search.meaning import VECTOR_LIMIT
        from indexer.search.searcher import CANDIDATE_FILES

        found = staged.nearest(reduce(exact.vectors, self._projection)[0], limit=VECTOR_LIMIT)
        rows = staged.catalog.chunks(sorted({chunk_id for ids in found for chunk_id in ids}))
        answers = [
            list(dict.fromkeys(key for chunk_id in ids if (key := text_key(rows[chunk_id].text_hash)) != own))
            for ids, own in zip(found, exact.keys.tolist(), strict=True)
        ]
        return Recall(
            queries=len(answers),
            texts=self._texts,
            depth=CANDIDATE_FILES,
            recall=share_found(exact, answers, count=NEAREST, depth=CANDIDATE_FILES),
            overlap=share_found(exact, answers, count=NEAREST, depth=NEAREST),
        )
