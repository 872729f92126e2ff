"""The story of a build, top to bottom: detect, parse, embed, reduce, commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.config import Config
from indexer.errors import NoIndexError
from indexer.identity import Identity, rebuild_reason, wanted_identity
from indexer.stages.detect import detect
from indexer.stores.generation.layout import default_index_dir
from indexer.stores.generation.manifest import Projection as Stored
from indexer.stores.generation.reader import Generation, open_generation
from indexer.types import Chunk, FileChanges, FileRecord, IndexedSource, ParsedFile, SkipReason, Source

from .freshness import detect_changes
from .progress import Progress, Silence, StageClock
from .report import BuildReport, Tally, record_of, report_committed, report_unchanged
from .source import open_source

if TYPE_CHECKING:
    from indexer.stores.generation.staging import Staging

NOTHING_INDEXED = "nothing is indexed: {root} holds no text file that the ignore rules let through"


def build(
    root: Path,
    *,
    config: Config | None = None,
    index_dir: Path | None = None,
    full: bool = False,
    by_content: bool = False,
    wait_seconds: float = 0.0,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Bring the index of a folder up to date and return what was done.

    Only files whose content changed are parsed, and only chunks whose text is new are embedded. Nothing is committed
    when nothing changed. `by_content` reads every file to tell whether it changed, instead of trusting its stat.
    `full` starts from nothing and replaces even a damaged index. `cache_dir` holds embeddings shared by all indexes of
    a user; None: no cache. Raises the errors of indexer.errors; whatever is raised, the committed index stays as it
    was.
    """
    config, progress = config or Config(), progress or Silence()
    index_dir = index_dir or default_index_dir(root)
    source = open_source(root, config, index_dir=index_dir)
    made_of = source.description
    job = _Job(source, made_of, config, wanted_identity(config), cache_dir, progress, StageClock(progress))
    while True:
        reason, number, changes = "a full build was asked for" if full else "", 0, None
        if not full:
            # Looking takes no lock and loads no engine: an unchanged tree costs no more than this.
            with job.clock("detect"), ExitStack() as stack:
                generation = _current(index_dir, config, stack)
                if generation is not None:
                    number = generation.number
                    reason = rebuild_reason(generation.manifest, job.identity)
                    changes = detect_changes(source, generation, by_content=by_content)
                    if changes.is_empty and not reason and generation.manifest.source == made_of:
                        return report_unchanged(generation, changes, source.left_out, job.clock.seconds)

        from indexer.stores.generation.staging import begin

        with begin(index_dir, wait_seconds=wait_seconds, fresh=bool(reason), options=config.vectors) as staging:
            if not reason and number != (staging.base.number if staging.base else 0):
                continue  # another writer committed between the look and the lock
            if staging.base is None:
                with job.clock("detect"):
                    changes = detect(source, {})
            assert changes is not None
            tally, embedded, warnings = _commit(staging, changes, job)
            # Read while the lock is held, so that it is this build's generation that is reported.
            with open_generation(index_dir) as generation:
                if not generation.manifest.counts.chunks:
                    warnings = [*warnings, NOTHING_INDEXED.format(root=root)]
                return report_committed(
                    generation,
                    tally,
                    source.left_out,
                    embedded=embedded,
                    seconds=job.clock.seconds,
                    rebuilt=reason,
                    warnings=warnings,
                )


@dataclass(frozen=True, slots=True)
class _Job:
    """What stays the same during a build."""

    source: Source
    made_of: IndexedSource
    config: Config
    identity: Identity
    cache_dir: Path | None
    progress: Progress
    clock: StageClock


def _commit(staging: Staging, changes: FileChanges, job: _Job) -> tuple[Tally, int, list[str]]:
    """Publish what is staged, brought up to date; return the counts, how many texts were embedded, and warnings."""
    from indexer.stages.reduce import FITTED

    from .quality.measure import BasisMeasure
    from .quality.projection import choose_projection
    from .vectors import open_vectorizer

    with open_vectorizer(job.config, job.cache_dir, clock=job.clock, progress=job.progress) as vectorizer:
        projection = choose_projection(job.source, changes, job.config, staging.base, vectorizer)
        measure = BasisMeasure(projection, job.config.recall, staging.base.manifest if staging.base else None)
        tally = Tally(changes)
        for path in changes.removed:
            tally.remove(staging.catalog.chunk_ids_of(path))
            staging.remove_file(path)
        for record in changes.touched:
            staging.touch_file(record)
        for record in changes.skipped_new:
            tally.put(record, staging.catalog.chunk_ids_of(record.path))
            staging.put_file(record)
        parsed_files = parsed_chunks = 0
        parsed = _parse(measure.ordered((*changes.added, *changes.modified)), job)
        for files, chunks in _windows(parsed, size=job.config.encoder.window_chunks):
            parsed_files, parsed_chunks = parsed_files + len(files), parsed_chunks + len(chunks)
            job.progress.parsed(parsed_files, tally.expected, parsed_chunks)
            embedded = vectorizer.embedded
            batch = vectorizer.quantize(chunks, staging, projection, observe=measure.observe)
            job.progress.vectors(len(chunks) - (vectorizer.embedded - embedded))
            with job.clock("store"):
                for file in files:
                    record = record_of(file)
                    tally.put(file, staging.catalog.chunk_ids_of(record.path))
                    if record.skip is SkipReason.VANISHED:
                        staging.remove_file(record.path)
                    else:
                        staging.put_file(record)
                staging.put_chunks(batch)
        with job.clock("measure"):
            basis = measure.finish(staging)
        with job.clock("commit"):
            if projection.mode == FITTED:
                staging.put_projection(projection.matrix, projection.mean)
            staging.commit(
                encoder=job.identity.encoder,
                projection=Stored(mode=projection.mode, digest=projection.digest, dims=projection.dims),
                made_with=job.identity.made_with,
                source=job.made_of,
                extra=basis.to_extra(),
            )
        return tally, vectorizer.embedded, [*vectorizer.warnings, *measure.warnings(basis)]


def _parse(records: Sequence[FileRecord], job: _Job) -> Iterator[ParsedFile | FileRecord]:
    """Parse and chunk files, counting only the time that this process waits for it."""
    from .parsing.pool import parse_files

    parsed = parse_files(job.source, records, job.config)
    while True:
        with job.clock("parse"):
            item = next(parsed, None)
        if item is None:
            return
        yield item


def _current(index_dir: Path, config: Config, stack: ExitStack) -> Generation | None:
    with suppress(NoIndexError):
        return stack.enter_context(open_generation(index_dir, options=config.vectors))
    return None


def _windows(
    parsed: Iterable[ParsedFile | FileRecord], *, size: int
) -> Iterator[tuple[list[ParsedFile | FileRecord], list[Chunk]]]:
    """Group files in order until a group holds `size` chunks, so that the embed stage has enough to sort by length."""
    files: list[ParsedFile | FileRecord] = []
    chunks: list[Chunk] = []
    for item in parsed:
        files.append(item)
        if isinstance(item, ParsedFile):
            chunks.extend(item.chunks)
        if len(chunks) >= size:
            yield files, chunks
            files, chunks = [], []
    if files:
        yield files, chunks
