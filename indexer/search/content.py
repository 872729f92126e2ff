"""What a search reads: one generation, or several as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.stores.catalog.places import ChunkCatalog, Places
    from indexer.stores.text.index import TextIndex
    from indexer.stores.vectors.segments import Neighbours


class Vectors(Protocol):
    """Vectors by segment and chunk."""

    def cosines(
        self, number: int, ids: Sequence[int] | NDArray[np.int64], vector: NDArray[np.int8]
    ) -> NDArray[np.float32]:
        """Return the cosines of vectors of one segment to int8[k], float32[n]; raises DamagedIndexError when one is
        missing."""


class Content(Protocol):
    """Texts, vectors and places of chunks that belong together; ids, paths and segments are its own."""

    @property
    def chunks(self) -> int:
        """How many chunks there are."""

    @property
    def upgraded(self) -> float:
        """Which part of the chunks has the encoder's own vector, 0 to 1."""

    @property
    def static_segments(self) -> Sequence[int]:
        """The segments whose vectors are static."""

    @property
    def encoder_name(self) -> str:
        """What the encoder that made the vectors is called."""

    @property
    def text(self) -> TextIndex:
        """The text index."""

    @property
    def vectors(self) -> Vectors:
        """The vectors."""

    @property
    def catalog(self) -> ChunkCatalog:
        """Files, and where chunks live."""

    @property
    def places(self) -> Places:
        """The same, remembered."""

    def nearest(
        self, vector: NDArray[np.int8], *, limit: int, exact: bool = False, static_offset: float = 0.0
    ) -> Neighbours:
        """Return the live chunks nearest to int8[k]; see VectorSegments.search."""
