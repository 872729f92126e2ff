"""The story of a build, top to bottom: look, begin, parse and chunk, embed, reduce, store, commit; then upgrade."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from indexer.config import Config
from indexer.errors import NoIndexError
from indexer.identity import rebuild_reason
from indexer.stages.detect import detect
from indexer.stores.generation.layout import default_index_dir
from indexer.stores.generation.lock import note_progress
from indexer.stores.generation.manifest import Manifest
from indexer.stores.generation.manifest import Projection as Stored
from indexer.stores.generation.reader import Generation, open_generation
from indexer.types import Document, FileChanges, FileRecord, ParsedFile, QuantizedBatch, SkipReason, Source, Tier

from .freshness import detect_changes
from .history import sizes_to_extra
from .job import Job, make_job
from .parsing.waiting import WaitingFiles, fair_order
from .progress import Noted, Progress, Silence
from .report import BuildReport, Held, report_committed, report_unchanged, report_upgraded
from .report_text import nothing_text
from .source import require_whole
from .tally import Tally, record_of

if TYPE_CHECKING:
    from indexer.encoders.registry import Variant
    from indexer.stages.reduce import Projection
    from indexer.stores.generation.staging import Staging

    from .parsing.encode import ChunkEncoder
    from .parsing.pool import Workers
    from .quality.figures import Basis
    from .quality.measure import BasisMeasure

Parsed = ParsedFile | FileRecord

ENCODED_CHUNKS = 256
"""So many chunks that came with their vectors are stored at a time: the fewer, the less is left at the end."""


def build(
    root: Path,
    *,
    config: Config | None = None,
    index_dir: Path | None = None,
    full: bool = False,
    by_content: bool = False,
    source_kind: str | None = None,
    wait_seconds: float = 0.0,
    max_seconds: float | None = None,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    source: Source | None = None,
    workers: Workers | None = None,
) -> BuildReport:
    """Bring the index of a folder up to date and return what was done.

    Only files whose content changed are parsed, and only chunks whose text is new are embedded. Nothing is committed
    when nothing changed. Where the encoder has a static one beside it, new chunks are committed with static vectors
    first, and these are replaced afterwards, for as long as `max_seconds` of the whole build allow, and not at all when
    `build.upgrade` is never. `by_content` reads every file to tell whether it changed, instead of trusting its stat.
    `source_kind` is what `open_source` takes; None: that of the index as it is, or the work tree. `source` is used in
    place of opening one, `workers` in place of starting some; they stay the caller's to close.
    `full` starts from nothing and replaces even a damaged index. `cache_dir` holds embeddings shared by all indexes of
    a user; None: no cache. Raises the errors of indexer.errors; whatever is raised, what was committed stays.
    """
    index_dir = index_dir or default_index_dir(root)
    job = make_job(
        root,
        config or Config(),
        index_dir=index_dir,
        source_kind=source_kind,
        full=full,
        cache_dir=cache_dir,
        wait_seconds=wait_seconds,
        max_seconds=max_seconds,
        progress=Noted(progress or Silence(), partial(note_progress, index_dir)),
        source=source,
    )
    report, measure = _bring_up_to_date(job, full=full, by_content=by_content, workers=workers)
    if not job.upgrades or report.upgraded == 1:
        return report
    from .upgrade import upgrade

    if report.committed:
        job.progress.searchable(report.chunks.total, report.searchable_seconds)
    return report_upgraded(report, upgrade(job, measure), job.clock.seconds)


def _bring_up_to_date(
    job: Job, *, full: bool, by_content: bool, workers: Workers | None
) -> tuple[BuildReport, BasisMeasure | None]:
    """Commit a generation that holds what the source holds now, or see that the current one does.

    Also returns what has measured the first of all vectors, where the others are still to come.
    """
    while True:
        with ExitStack() as stack:
            # Looking takes no lock and loads no engine: an unchanged tree costs no more than this.
            look = _look(job, stack, full=full, by_content=by_content)
            require_whole(job.source, look.changes.skipped)
            base = look.base
            if base and look.changes.is_empty and base.manifest.source == job.source.description:
                return report_unchanged(base, look.changes, job.source.left_out, job.clock.seconds), None

            # Packed before anything else is made: what lies among the records of many files keeps their memory.
            tally, changes = Tally(look.changes), look.changes
            records = WaitingFiles(sorted([*changes.added, *changes.modified], key=attrgetter("path")))
            skipped = WaitingFiles(changes.skipped_new)
            look = replace(look, changes=replace(changes, added=(), modified=(), skipped=(), skipped_new=()))
            del changes

            from .parsing.encode import workers_encode
            from .parsing.pool import Workers

            # Vectors that come with their chunks are not measured, and neighbours share their words.
            encoder = job.first if workers_encode(job.first, records.size) else None
            records = records if encoder else WaitingFiles(fair_order(records))
            # They get ready while this process loads the engines.
            crew = workers or stack.enter_context(Workers(job.config))
            stack.callback(crew.rest)
            encoder = crew.get_ready(records, encoder)

            from indexer.stores.generation.staging import begin

            staging = stack.enter_context(
                begin(
                    job.index_dir,
                    wait_seconds=job.wait_seconds,
                    waiting=job.progress.waiting,
                    fresh=bool(look.rebuilt),
                    opened=base,
                    options=job.config.vectors,
                )
            )
            if staging.base is base:
                _store_unparsed(staging, look.changes, skipped, tally)
                return _update(staging, look.rebuilt, tally, records, job, crew, encoder)
            # Another writer committed between the look and the lock: look again.


class _Look(msgspec.Struct, frozen=True):
    """What a build starts from: a generation, or nothing, and what changed since; `rebuilt` says why not from one."""

    base: Generation | None
    changes: FileChanges
    rebuilt: str = ""


def _look(job: Job, stack: ExitStack, *, full: bool, by_content: bool) -> _Look:
    """Compare the source with the current generation, which stays open until the stack is left."""
    with job.clock("detect"):
        if full:
            return _Look(None, detect(job.source, {}), "a full build was asked for")
        try:
            base = stack.enter_context(open_generation(job.index_dir, options=job.config.vectors))
        except NoIndexError:
            return _Look(None, detect(job.source, {}))
        if reason := rebuild_reason(base.manifest, job.identity):
            return _Look(None, detect(job.source, {}), reason)
        return _Look(base, detect_changes(job.source, base, by_content=by_content))


def _update(
    staging: Staging,
    rebuilt: str,
    tally: Tally,
    records: WaitingFiles,
    job: Job,
    workers: Workers,
    encoder: Variant | None,
) -> tuple[BuildReport, BasisMeasure | None]:
    """Bring what is staged up to date, publish it, and report; what is measured meanwhile only listens.

    `records` are the files to parse, and is emptied; `encoder` is what the workers have loaded to encode their chunks
    with.
    """
    with ExitStack() as stack:
        from .centroids import centroids_of
        from .parsing.encode import ChunkEncoder, load_encoder
        from .parsing.encoded import FromWorkers
        from .quality.measure import BasisMeasure
        from .quality.projection import choose_projection
        from .vectors import make_vectorizer, open_cache

        cache = stack.enter_context(open_cache(job.config, job.cache_dir))
        from_workers = FromWorkers(job.first.identity.tier, job.progress)
        vectorizer = make_vectorizer(
            job.first,
            job.config.encoder,
            # A first build's workers give every vector: what is staged need not be asked.
            index=staging if staging.base or not encoder else None,
            workers=[from_workers],
            cache=cache,
            clock=job.clock,
            progress=job.progress,
        )
        projection = choose_projection(job.source, records, job.config, staging.base, vectorizer)
        known = _measured(staging.base)
        measure = BasisMeasure(projection, job.config.recall, known, tier=job.encoder.identity.tier)
        chunk_encoder = ChunkEncoder(encoder, projection) if encoder else None
        if records and encoder is None and job.first.identity.tier is Tier.STATIC:
            with job.clock("embed"):
                load_encoder(job.first)  # what takes as long as the workers need to get ready
        parsed = _parse_and_chunk(records, job, workers, chunk_encoder)
        size = job.config.encoder.window_chunks
        for files, chunks in _windows(parsed, size=min(size, ENCODED_CHUNKS) if encoder else size):
            from_workers.take(files)
            vectors = vectorizer.embed(chunks)
            batch = vectorizer.reduce(chunks, vectors, projection, listener=measure.observe)
            with job.clock("reduce"):
                centroids = (
                    [file.centroid if isinstance(file, ParsedFile) else b"" for file in files]
                    if encoder
                    else centroids_of(files, batch, job.of_centroids, projection)
                )
            _store(staging, files, centroids, batch, tally, job)
        workers.rest()  # before the commit, which needs memory too
        with job.clock("measure"):
            is_complete = not (job.has_tiers and vectorizer.found["encoder"])
            basis = measure.finish(staging) if is_complete else measure.so_far()
        held = Held.of(staging.catalog)
        manifest = _commit(staging, projection, basis, job)
        warnings = [*vectorizer.warnings, *measure.warnings(basis)]
        if not manifest.counts.chunks:
            warnings.append(nothing_text(job.root, job.source.description.kind, held.skips))
        report = report_committed(
            manifest,
            held,
            tally,
            job.source.left_out,
            embedded=vectorizer.found["encoder"],
            seconds=job.clock.seconds,
            searchable_seconds=time.perf_counter() - job.started,
            rebuilt=rebuilt,
            warnings=warnings,
        )
        return report, measure if known is None and not is_complete else None


def _measured(base: Generation | None) -> Basis | None:
    """Return what is known of the vectors of a generation that holds some."""
    from .quality.figures import Basis

    return Basis.from_extra(base.manifest.extra) if base is not None and base.manifest.counts.chunks else None


def _store_unparsed(staging: Staging, changes: FileChanges, skipped: WaitingFiles, tally: Tally) -> None:
    """Store what is known without parsing: removed files, healed stats, and files that are now skipped."""
    for path in changes.removed:
        tally.remove(staging.remove_file(path))
    for record in changes.touched:
        staging.touch_file(record)
    while skipped:
        record = skipped.popleft()
        tally.put(record, staging.put_file(record))


def _parse_and_chunk(
    records: WaitingFiles, job: Job, workers: Workers, encoder: ChunkEncoder | None
) -> Iterator[Parsed]:
    """Yield files that worker processes parse and chunk, counting only the time that this process waits for them."""
    from .parsing.pool import parse_files

    parsed = parse_files(job.source, records, job.config, for_index=True, encoder=encoder, workers=workers)
    chunks, count = 0, len(records)
    for number in range(1, count + 1):
        with job.clock("parse"):
            file = next(parsed)
        if (record := record_of(file)).skip is SkipReason.UNREADABLE:
            require_whole(job.source, [record])
        chunks += len(file.documents) if isinstance(file, ParsedFile) else 0
        job.progress.parsed(number, count, chunks)
        yield file


def _windows(parsed: Iterable[Parsed], *, size: int) -> Iterator[tuple[list[Parsed], list[Document]]]:
    """Group files in order until a group holds `size` chunks, so that the embed stage has enough to sort by length."""
    files: list[Parsed] = []
    chunks: list[Document] = []
    for item in parsed:
        files.append(item)
        if isinstance(item, ParsedFile):
            chunks.extend(item.documents)
        if len(chunks) >= size:
            yield files, chunks
            files, chunks = [], []
    if files:
        yield files, chunks


def _store(
    staging: Staging, files: Sequence[Parsed], centroids: Sequence[bytes], batch: QuantizedBatch, tally: Tally, job: Job
) -> None:
    """Store a window's files and chunks; a file that vanished since the look is removed."""
    with job.clock("store"):
        for file, centroid in zip(files, centroids, strict=True):
            record = record_of(file)
            if record.skip is SkipReason.VANISHED:
                tally.put(file, staging.remove_file(record.path))
            else:
                tally.put(file, staging.put_file(record, centroid=centroid))
        staging.put_chunks(batch)


def _commit(staging: Staging, projection: Projection, basis: Basis, job: Job) -> Manifest:
    """Publish what is staged."""
    from indexer.stages.reduce import FITTED

    with job.clock("commit"):
        if projection.mode == FITTED:
            staging.put_projection(projection.matrix, projection.mean)
        return staging.commit(
            encoder=job.identity.encoder,
            projection=Stored(mode=projection.mode, digest=projection.digest, dims=projection.dims),
            made_with=job.identity.made_with,
            source=job.source.description,
            extra=basis.to_extra() | sizes_to_extra(staging.base),
        )
