"""The second half of a build: static vectors are replaced by the encoder's own, in commits of a few seconds each.

Vectors are computed while nobody holds the writer's lock, so that another build waits for a commit at most. What is
committed stays, however this ends; the next build goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from indexer.identity import rebuild_reason
from indexer.search.file_kinds import file_kind
from indexer.stages.detect import RACY
from indexer.stores.generation.commit import prepare
from indexer.stores.generation.manifest import Manifest
from indexer.stores.generation.reader import Generation, open_generation
from indexer.stores.generation.staging import begin
from indexer.types import Chunk, QuantizedBatch, Tier

from .history import remembered
from .job import Job
from .quality.figures import Basis
from .quality.measure import BasisMeasure
from .quality.projection import choose_projection
from .vectors import Vectorizer, make_vectorizer, open_cache

WINDOW_CHUNKS = 256
"""So many chunks, a second or two, are sorted by length together; fewer when a deadline leaves time for fewer."""
FIRST_CHUNKS = 32
"""Of the first window, which tells how long a chunk takes."""
COMMIT_SHARE = 0.04
"""The share of the time that commits may take; where one is slow there are fewer."""
WAIT_SECONDS = 60.0
"""How long a commit waits for another writer at least: its vectors are there already."""
_FILES = 64
"""How many files are looked up at a time."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did: the last manifest that it committed, None for none, how many chunks, and what to tell."""

    manifest: Manifest | None
    chunks: int
    warnings: Sequence[str]


def upgrade(job: Job, measure: BasisMeasure | None = None) -> Upgrade:
    """Replace static vectors until there are none, the deadline has come, or another build has other options.

    `measure` has seen all vectors of the index that are not static; without one, no figures of all are made. Raises the
    errors of indexer.errors; whatever is raised, what was committed stays.
    """
    prepare(job.index_dir, new=False)  # where a commit would be refused, it is refused now
    with open_cache(job.config, job.cache_dir) as cache:
        vectorizer = make_vectorizer(
            job.encoder, job.config.encoder, cache=cache, clock=job.clock, progress=job.progress
        )
        done = Upgrade(None, 0, ())
        while time.perf_counter() < job.deadline:
            with open_generation(job.index_dir, options=job.config.vectors) as generation:
                if generation.manifest.upgraded == 1 or rebuild_reason(generation.manifest, job.identity):
                    break
                run = _Run(job, generation, vectorizer, measure).finish()
            # Another build may have committed static vectors meanwhile: look again until there are none.
            if run.manifest is None:
                break
            done, measure = Upgrade(run.manifest, done.chunks + run.chunks, run.warnings), None
        return Upgrade(done.manifest, done.chunks, [*vectorizer.warnings, *done.warnings])


class _Run:
    """Replaces the static vectors of one generation, which stays open while later ones are committed."""

    def __init__(self, job: Job, generation: Generation, vectorizer: Vectorizer, measure: BasisMeasure | None) -> None:
        self._job = job
        self._generation = generation
        self._vectorizer = vectorizer
        self._projection = choose_projection(job.source, (), job.config, generation, vectorizer)
        known = Basis.from_extra(generation.manifest.extra)
        own = BasisMeasure(self._projection, job.config.recall, known, tier=Tier.CONTEXTUAL)
        self._measure = measure or own
        self._done = Upgrade(None, 0, ())
        self._commit_seconds = 0.0

    def finish(self) -> Upgrade:
        """Go through the chunks, nearest to use first, and commit every few seconds."""
        job = self._job
        job.progress.upgrading(self._generation.manifest.tiers[Tier.STATIC])
        ids = _static_ids(self._generation)
        waiting: list[QuantizedBatch] = []
        since = time.perf_counter()
        most = min(WINDOW_CHUNKS, job.config.encoder.window_chunks)
        window = self._chunks(ids, min(FIRST_CHUNKS, most))
        while window:
            start = time.perf_counter()
            vectors = self._vectorizer.embed(window)
            waiting.append(self._vectorizer.reduce(window, vectors, self._projection, listener=self._measure.observe))
            now = time.perf_counter()
            in_time = (job.deadline - now - self._commit_seconds) * len(window) / max(now - start, 1e-9)
            window = self._chunks(ids, max(1, int(min(in_time, most))))
            is_over = not window or in_time < 1
            if is_over or now - since >= self._collecting_seconds():
                if not self._commit(waiting, is_last=not window) or is_over:
                    break
                waiting, since = [], time.perf_counter()
        return self._done

    def _chunks(self, ids: Iterator[int], count: int) -> list[Chunk]:
        """Return the next chunks, as many if there are."""
        window = list(islice(ids, count))
        documents = self._generation.text.documents(window)
        return [documents[chunk_id].to_chunk() for chunk_id in window]

    def _collecting_seconds(self) -> float:
        least = self._job.config.build.commit_seconds
        return max(least, self._commit_seconds / COMMIT_SHARE) if least else 0.0

    def _commit(self, waiting: Sequence[QuantizedBatch], *, is_last: bool) -> bool:
        """Publish vectors of chunks that are still what they were; return whether the index is still of our kind."""
        job, start = self._job, time.perf_counter()
        wait_seconds = max(WAIT_SECONDS, job.wait_seconds)
        opened = self._generation if self._done.manifest is None else None
        if is_last and opened is None:
            self._generation.close()  # so that this commit can collect it
        with (
            job.clock("commit"),
            begin(
                job.index_dir,
                wait_seconds=wait_seconds,
                waiting=job.progress.waiting,
                opened=opened,
                options=job.config.vectors,
            ) as staging,
        ):
            base = staging.base
            if base is None or rebuild_reason(base.manifest, job.identity):
                return False
            chunks = sum(staging.put_vectors(batch) for batch in waiting)
            if not chunks:
                return True
            basis = self._measure.finish(staging) if is_last else self._measure.so_far()
            manifest = staging.commit(
                encoder=job.identity.encoder,
                projection=base.manifest.projection,
                made_with=job.identity.made_with,
                source=base.manifest.source,
                extra=basis.to_extra() | remembered(base),
            )
        self._done = Upgrade(manifest, self._done.chunks + chunks, self._measure.warnings(basis) if is_last else ())
        self._commit_seconds = time.perf_counter() - start
        return True


def _static_ids(generation: Generation) -> Iterator[int]:
    """Yield the ids of chunks with static vectors: sources before tests, prose and data, files changed lately first.

    Those that were changed a moment before they were read have no time recorded, and come before all others.
    """
    static = [segment.number for segment in generation.manifest.segments if segment.tier is Tier.STATIC]
    times = generation.catalog.files_in(static)
    paths = sorted(times, key=lambda path: (file_kind(path), times[path] != RACY, -times[path], path))
    return _chunk_ids(paths, frozenset(static), generation)


def _chunk_ids(paths: Sequence[str], segments: frozenset[int], generation: Generation) -> Iterator[int]:
    """Yield the ids of the files' chunks whose vector lives in one of the segments, in the order of the files."""
    for start in range(0, len(paths), _FILES):
        part = paths[start : start + _FILES]
        path_of, rows = generation.catalog.chunks_in(part)
        place = {path: number for number, path in enumerate(part)}
        yield from (
            chunk_id
            for _, chunk_id in sorted(
                (place[path_of[file]], chunk_id) for file, chunk_id, segment in rows if segment in segments
            )
        )
