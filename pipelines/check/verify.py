"""Verify: is the index what its writer committed, and do its parts belong together?

Checks give findings and don't raise; what is built from damaged files is not looked into further.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

import msgspec

from indexer.config import Config
from indexer.errors import DamagedIndexError, NoIndexError, UnreadableError
from indexer.stores.folder import special_kind
from indexer.stores.generation import layout
from indexer.stores.generation import manifest as manifests
from indexer.stores.generation.reader import Generation, open_generation
from indexer.stores.text.files import TEXT_LOCKS
from indexer.types import Encoder, Source

from .findings import Finding, FindingKind, Findings
from .source import SourceReport, check_source

if TYPE_CHECKING:
    from indexer.stages.reduce import Projection


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of `indexer verify --json`; `reembedded` chunks were embedded again and compared.

    `rounded` of these have the same vector but for rounding: another processor made it, or another onnxruntime.
    `source` says how the index compares with its files; null where that was not asked, or the index is damaged.
    """

    ok: bool
    generation: str
    files: int
    chunks: int
    reembedded: int
    rounded: int
    findings: tuple[Finding, ...]
    source: SourceReport | None = None


def verify(
    index_dir: Path,
    *,
    deep: Sequence[tuple[Encoder, Projection]] = (),
    source: tuple[Source, Config] | None = None,
    on_chunks: Callable[[int], None] | None = None,
) -> VerifyReport:
    """Check the current generation and return what was found.

    With `deep`, the encoders and the projection that the index should have been made with, a sample of the chunks of
    each encoder's tier is embedded again and compared. With `source`, and the configuration of its build, all files are
    parsed again and compared. `on_chunks` is called with the number of chunks done since the last call. Raises
    NoIndexError when there is nothing to check, UnreadableError when rights are missing to check it, and for `source`
    as `check_source` does.
    """
    findings = Findings(index_dir)
    try:
        generation = open_generation(index_dir, check_files=False)
    except UnreadableError:
        raise
    except (NoIndexError, DamagedIndexError) as error:
        path, kind = _unreadable(index_dir, error)
        findings.add(kind, path, error.what if isinstance(error, DamagedIndexError) else str(error))
        return VerifyReport(
            ok=False, generation="", files=0, chunks=0, reembedded=0, rounded=0, findings=tuple(findings.found)
        )
    with generation:
        compared: SourceReport | None = None
        samples: list[tuple[int, int]] = []
        _check(findings, generation, on_chunks or (lambda _: None))
        if deep and not findings.found:
            from .chunks import check_encoder

            samples = [check_encoder(findings, generation, *space) for space in deep]
        if source and not findings.found:
            compared = check_source(findings, generation, *source)
        return VerifyReport(
            ok=not findings.found,
            generation=generation.name,
            files=len(generation.manifest.files),
            chunks=generation.manifest.counts.chunks,
            reembedded=sum(again for again, _ in samples),
            rounded=sum(rounded for _, rounded in samples),
            findings=tuple(findings.found),
            source=compared,
        )


def _check(findings: Findings, generation: Generation, on_chunks: Callable[[int], None]) -> None:
    """Check the files of the index, and that they belong together."""
    catalog, text, vectors = (generation.path / name for name in (layout.CATALOG, layout.TEXT, layout.VECTORS))
    findings.catch(generation.path, lambda: check_files(findings, generation))
    if findings.sound(catalog):
        findings.catch(catalog, lambda: check_catalog(findings, generation))
    if findings.sound(text):
        findings.catch(text, lambda: generation.text.count)
    if findings.sound(vectors):
        for segment in generation.manifest.segments:
            findings.catch(vectors, lambda number=segment.number: generation.vectors.segment(number))  # type: ignore[misc]
    if all(findings.sound(path) for path in (catalog, text, vectors)):
        from .chunks import check_chunks

        findings.catch(text, lambda: check_chunks(findings, generation, on_chunks))


def check_files(findings: Findings, generation: Generation) -> None:
    """Compare every file to its checksum, and the folder to the list of files."""
    files, found = generation.manifest.files, generation.listing()
    for name, expected in files.items():
        path, status = generation.path / name, found.get(name)
        if status is None:
            findings.add(FindingKind.MISSING_FILE, path, "the file is missing")
        elif not S_ISREG(status.st_mode):
            pass  # said below
        elif status.st_size != expected.size:
            findings.add(FindingKind.SIZE, path, f"the file has {status.st_size} bytes instead of {expected.size}")
        else:
            try:
                if generation.file_sum(name) != expected:
                    findings.add(FindingKind.CHECKSUM, path, "the content was altered: its checksum differs")
            except PermissionError as error:
                raise UnreadableError(f"{path}: can't be read ({error.strerror})", "check the permissions") from error
            except OSError as error:
                findings.add(FindingKind.MISSING_FILE, path, f"the file can't be read: {error.strerror}")
    for name, status in found.items():
        path = generation.path / name
        if not S_ISREG(status.st_mode):
            findings.add(FindingKind.SPECIAL_FILE, path, f"where an index has a file {special_kind(status)}")
        elif name not in files and name != layout.MANIFEST and path.name not in TEXT_LOCKS:
            findings.add(FindingKind.UNEXPECTED_FILE, path, "the file is no part of the generation")


def check_catalog(findings: Findings, generation: Generation) -> None:
    """Run SQLite's own check, and compare the counts to the manifest."""
    catalog, path = generation.catalog, generation.path / layout.CATALOG
    for message in catalog.integrity_errors():
        findings.add(FindingKind.MALFORMED, path, message)
    counts = generation.manifest.counts
    pairs = {
        "files": (catalog.file_count(), counts.files),
        "skipped files": (catalog.skipped_count(), counts.skipped),
        "chunks": (catalog.chunk_count(), counts.chunks),
    }
    for segment in generation.manifest.segments:
        live = sum(1 for _ in catalog.chunk_ids(segment=segment.number))
        pairs[f"live vectors of segment {segment.number}"] = (live, segment.live)
    for what, (found, expected) in pairs.items():
        if found != expected:
            message = f"the catalog holds {found} {what}, the manifest says {expected}"
            findings.add(FindingKind.COUNTS, path, message)


def _unreadable(index_dir: Path, error: Exception) -> tuple[Path, FindingKind]:
    """Return which file to name when the current generation can't be opened: CURRENT, or the manifest it names.

    Raises `error` when there is no generation at all.
    """
    current = index_dir / layout.CURRENT, FindingKind.CURRENT
    try:
        folder = layout.generation_dir(index_dir, layout.read_current(index_dir).number)
    except NoIndexError:
        with layout.reading(index_dir):
            if layout.generation_numbers(index_dir):
                return current
        raise error from None
    except DamagedIndexError:
        return current
    manifest = folder / layout.MANIFEST
    try:
        if not folder.is_dir():
            return current
        sound = manifests.read(folder).generation == int(folder.name)
    except (DamagedIndexError, OSError):
        sound = False
    return current if sound else (manifest, FindingKind.MANIFEST)
