"""Shards of a fleet as one index: one question of Tantivy over the segments of all, one look-up for each chunk found.

A path says by its first step which repository it is of. Chunk ids are hashes of paths and texts, so that each is of one
shard. A segment has the number (place of the shard << SEGMENT_BITS) + its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import wait
from functools import cached_property
from typing import TYPE_CHECKING

from indexer.sources.member import Cut
from indexer.stores.catalog.places import Everything, Places
from indexer.stores.generation import layout, residency

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np
    from numpy.typing import NDArray

    from indexer.stores.generation.reader import Generation
    from indexer.stores.text.index import TextIndex
    from indexer.stores.vectors.segments import Neighbours

    from .manifest import FleetManifest
    from .opened import OpenShard

SEGMENT_BITS = 32
FILE_BITS = 40
"""The same for the numbers of files."""
MOST_HOMES = 1 << 16
"""Of so many chunks it is remembered in which shard they are, about 8 MB; then the memory starts anew."""
MAPPED_VECTOR_BYTES = 256 << 20
"""The vectors of more are let go shard by shard, so that one question does not map all of them; those of a fleet that
has no more are held packed once they were searched."""
WHOLE_CHUNKS = 1 << 20
"""Catalogs of no more chunks are read whole once a chunk in so many was asked for: 35 MB."""
WHOLE_AFTER = 64
"""Twenty searches ask for so much; the next hundred would take as long for catalogs as it takes to read them whole."""
CATALOG_KILOBYTES = 64 << 10
"""Pages of all catalogs together that are kept in memory."""


def is_large(manifest: FleetManifest) -> bool:
    """Whether a fleet's vectors are too many to hold them in memory."""
    return manifest.chunks * manifest.projection.dims > MAPPED_VECTOR_BYTES


class ShardUnion:
    """Shards as a `Content`, opened when they are first asked; they stay the caller's to close.

    Safe to share between threads. Its methods raise what opening a shard does.
    """

    def __init__(self, shards: Sequence[OpenShard], threads: Executor, count: int) -> None:
        """Read these; so many `threads` ask them at the same time."""
        self._shards = shards
        self._threads = threads
        self._count = count
        self._homes = _Homes()
        self._lock = threading.RLock()
        self._chunks = sum(own.shard.chunks for own in shards)

    def open(self) -> None:
        """Open all that needs threads, so that who asks need not wait for them."""
        assert self.generations and self.text and self.catalog

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return self._chunks

    @property
    def upgraded(self) -> float:
        """Which part of the chunks has the encoder's own vector, 0 to 1."""
        own = sum(own.shard.upgraded * own.shard.chunks for own in self._shards)
        return own / self.chunks if self.chunks else 1.0

    @property
    def encoder_name(self) -> str:
        """What the encoder that made the vectors is called."""
        return self._shards[0].manifest.encoder.name

    @cached_property
    def static_segments(self) -> tuple[int, ...]:
        """The segments whose vectors are static."""
        return tuple(
            _number(place, segment)
            for place, generation in enumerate(self.generations)
            for segment in generation.static_segments
        )

    @cached_property
    def generations(self) -> list[Generation]:
        """The generation of each shard."""
        with self._lock:
            return list(self._threads.map(lambda own: own.generation, self._shards))

    @cached_property
    def text(self) -> TextIndex:
        """The text index over all; imports tantivy."""
        from indexer.stores.text.index import TextIndex

        with self._lock, residency.changing():
            list(self._threads.map(lambda generation: generation.check(layout.TEXT + "/"), self.generations))
            return TextIndex(*(generation.path / layout.TEXT for generation in self.generations))

    @cached_property
    def catalog(self) -> CatalogUnion:
        """Files, and where chunks live."""
        with self._lock:
            return CatalogUnion(self._shards, self.generations, self._homes, self.text)

    @cached_property
    def places(self) -> Places:
        """The same, remembered."""
        return Places(
            self.catalog, whole=self.catalog.everything, chunks=self.chunks, most=WHOLE_CHUNKS, after=WHOLE_AFTER
        )

    @property
    def vectors(self) -> ShardUnion:
        """Itself, which compares vectors."""
        return self

    def cosines(
        self, number: int, ids: Sequence[int] | NDArray[np.int64], vector: NDArray[np.int8]
    ) -> NDArray[np.float32]:
        """Return the cosines of vectors of one segment to int8[k], float32[n]; see VectorSegments.cosines."""
        own = self.generations[number >> SEGMENT_BITS].vectors
        return own.cosines(number & ((1 << SEGMENT_BITS) - 1), ids, vector)

    def nearest(
        self, vector: NDArray[np.int8], *, limit: int, exact: bool = False, static_offset: float = 0.0
    ) -> Neighbours:
        """Return the live chunks nearest to int8[k]; see VectorSegments.search."""
        import numpy as np

        from indexer.stores.vectors.segments import Neighbours

        is_kept = not is_large(self._shards[0].manifest)
        is_mapped_whole = self.chunks * len(vector) <= MAPPED_VECTOR_BYTES
        shards = iter(enumerate(self.generations))
        found: list[tuple[int, Neighbours]] = []
        least = -1.0

        def search() -> None:
            """Search shards until none is left, each for what is no farther than what one thread has found so far."""
            nonlocal least
            best = np.empty(0, np.float32)
            for place, generation in shards:
                if is_kept:
                    generation.vectors.pack()
                own = generation.nearest(vector, limit=limit, exact=exact, static_offset=static_offset, least=least)
                found.append((place, own))
                best = np.concatenate([best, own.similarities])
                if len(best) >= limit:
                    best = np.partition(best, -limit)[-limit:]
                    least = max(least, float(best[0]))
                if not is_mapped_whole:
                    generation.vectors.let_go()

        # The threads may all be busy with words, which this one need not wait for.
        others = [self._threads.submit(search) for _ in range(self._count - 1)]
        try:
            search()
        finally:
            begun = [other for other in others if not other.cancel()]
            wait(begun)
        for other in begun:
            other.result()
        ids = np.concatenate([own.ids for _, own in found])
        similarities = np.concatenate([own.similarities for _, own in found])
        homes = np.repeat([place for place, _ in found], [len(own.ids) for _, own in found])
        order = np.lexsort((ids, -similarities))[:limit]
        self._homes.add(dict(zip(ids[order].tolist(), homes[order].tolist(), strict=True)))
        return Neighbours(ids[order], similarities[order])


class CatalogUnion:
    """The catalogs of shards as one `ChunkCatalog`; safe to share between threads."""

    def __init__(
        self, shards: Sequence[OpenShard], generations: Sequence[Generation], homes: _Homes, text: TextIndex
    ) -> None:
        self._generations = generations
        self._homes = homes
        self._text = text
        self._cuts: dict[str, list[tuple[Cut, int]]] = {}
        for place, own in enumerate(shards):
            self._cuts.setdefault(own.shard.repository, []).append((own.shard.cut, place))
        for generation in generations:
            generation.catalog.keep_in_memory(max(1, CATALOG_KILOBYTES // len(generations)))

    def stats(self) -> dict[str, tuple[int, int]]:
        """Return every file's size and modification time in nanoseconds by path."""
        found: dict[str, tuple[int, int]] = {}
        for generation in self._generations:
            found.update(generation.catalog.stats())
        return found

    def chunk_ids_of(self, path: str) -> list[int]:
        """Return the ids of a file's chunks."""
        return [i for place in self._by_repository([path]) for i in self._generations[place].catalog.chunk_ids_of(path)]

    def segments_of(self, ids: Sequence[int]) -> dict[int, int]:
        """Return in which segment each of the given chunks lives; unknown ones are left out."""
        return {
            chunk_id: _number(place, segment)
            for place, own in self._by_home(ids).items()
            for chunk_id, segment in self._generations[place].catalog.segments_of(own).items()
        }

    def paths_of(self, ids: Sequence[int]) -> dict[int, str]:
        """Return the path of the file that each of the given chunks is in; unknown chunks are left out."""
        found: dict[int, str] = {}
        for place, own in self._by_home(ids).items():
            found.update(self._generations[place].catalog.paths_of(own))
        return found

    def chunks_in(self, paths: Sequence[str]) -> tuple[dict[int, str], list[tuple[int, int, int]]]:
        """Return the paths of those of the given files that there are, by number, and file, id and segment of each of
        their chunks, in no order."""
        files: dict[int, str] = {}
        rows: list[tuple[int, int, int]] = []
        for place, own in self._by_repository(paths).items():
            named, chunks = self._generations[place].catalog.chunks_in(own)
            files.update((_file(place, file), path) for file, path in named.items())
            rows += [(_file(place, file), i, _number(place, segment)) for file, i, segment in chunks]
        return files, rows

    def centroids_of(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Return the centroids, int8[k], of those of the given files that there are."""
        found: dict[str, bytes] = {}
        for place, own in self._by_repository(paths).items():
            found.update(self._generations[place].catalog.centroids_of(own))
        return found

    def everything(self) -> Everything:
        """Return which chunks are in which files."""
        import numpy as np

        files: dict[int, str] = {}
        chunks = [np.empty((0, 3), np.int64)]
        for place, generation in enumerate(self._generations):
            own = generation.catalog.everything()
            files.update((_file(place, file), path) for file, path in own.files.items())
            chunks.append(own.chunks + np.array([_file(place, 0), 0, _number(place, 0)]))
        return Everything(files, np.concatenate(chunks))

    def _by_repository(self, paths: Iterable[str]) -> dict[int, list[str]]:
        """Return the paths by the place of the shard that holds them, by repository and cut."""
        found: dict[int, list[str]] = {}
        for path in paths:
            repository, _, rest = path.partition("/")
            place = next((place for cut, place in self._cuts.get(repository, ()) if cut.holds(rest)), None)
            if place is not None:
                found.setdefault(place, []).append(path)
        return found

    def _by_home(self, ids: Sequence[int]) -> dict[int, list[int]]:
        """Return the chunks by the place of their shard; those that are nowhere are left out."""
        homes = self._homes.of(ids)
        if missing := [chunk_id for chunk_id in ids if chunk_id not in homes]:
            asked = self._text.folders_of(missing)
            self._homes.add(asked)
            homes.update(asked)
        found: dict[int, list[int]] = {}
        for chunk_id, place in homes.items():
            found.setdefault(place, []).append(chunk_id)
        return found


class _Homes:
    """In which shard chunks are, remembered; safe to share between threads."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}

    def add(self, homes: Mapping[int, int]) -> None:
        if len(self._known) + len(homes) > MOST_HOMES:
            self._known = {}
        self._known.update(homes)

    def of(self, ids: Iterable[int]) -> dict[int, int]:
        """Return what is known."""
        known = self._known
        return {chunk_id: known[chunk_id] for chunk_id in ids if chunk_id in known}


def _number(place: int, segment: int) -> int:
    return (place << SEGMENT_BITS) + segment


def _file(place: int, file: int) -> int:
    return (place << FILE_BITS) + file
