"""How much of real repositories is indexed: bytes of known languages, every skip with its reason, every line.

python -m benchmarks.coverage FOLDER        each folder in it is a repository

All files below a repository's root but git's own are looked at: `explain` must answer for each of them, every non-blank
line of an indexed file must lie in a chunk, and a build with the hashing encoder must count the same files. Bytes of
known languages are those of text files that the walk takes and whose name, interpreter line or modeline names a
language; plain text, binaries, links and empty files count on neither side. `indexed_percent` is the indexed part of
them. `indexed_percent_of_sources` leaves out what a program wrote, by the skip's own reason or, where a file is too
large to be read, by the same test of its name and content. `hidden` are bytes of known languages that the walk leaves
out because a name begins with a dot, unless an ignore rule names them too. Exits with 1 after any failure.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks.fuzz_parse import uncovered_line
from benchmarks.measure import write_result
from indexer.config import Config, EncoderOptions, ProjectionOptions
from indexer.languages.detection import detect_language
from indexer.languages.registry import PLAIN_TEXT
from indexer.sources.worktree import Worktree
from indexer.stages.classify import classify
from indexer.stages.decode import NotText, decode
from indexer.stages.detect import detect
from indexer.types import FileRecord, ParsedFile, SkipReason
from pipelines.build import build
from pipelines.explain import ExplainedPath, explain_paths
from pipelines.parsing.pool import parse_files
from pipelines.tally import record_of

CONFIG = Config(encoder=EncoderOptions(name="hashing"), projection=ProjectionOptions(mode="none"))
WRITTEN_BY_PROGRAMS = {SkipReason.GENERATED, SkipReason.MINIFIED, SkipReason.VENDORED}
NO_TEXT = {SkipReason.BINARY, SkipReason.LFS_POINTER, SkipReason.EMPTY, SkipReason.SYMLINK, SkipReason.NOT_REGULAR}


class Skip(NamedTuple):
    """A skipped text file of a known language; `reason` is what it would be were there no limit of size."""

    path: str
    language: str
    reason: SkipReason
    detail: str
    size: int


class Figures(msgspec.Struct, kw_only=True):
    """What is counted of one repository, or of all; sizes are bytes."""

    files: int = 0
    indexed_files: int = 0
    indexed_bytes: int = 0
    known_bytes: int = 0
    known_indexed_bytes: int = 0
    skipped_known_bytes: Counter[str] = msgspec.field(default_factory=Counter)
    skipped_files: Counter[str] = msgspec.field(default_factory=Counter)
    left_out_files: int = 0
    hidden_known_bytes: int = 0
    error_nodes: Counter[str] = msgspec.field(default_factory=Counter)
    files_with_errors: Counter[str] = msgspec.field(default_factory=Counter)
    files_by_lines: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def percent(self) -> float:
        """The indexed part of the bytes of known languages."""
        return 100 * self.known_indexed_bytes / max(1, self.known_bytes)

    @property
    def percent_of_sources(self) -> float:
        """The same without what a program wrote."""
        written = sum(size for reason, size in self.skipped_known_bytes.items() if reason in WRITTEN_BY_PROGRAMS)
        return 100 * self.known_indexed_bytes / max(1, self.known_bytes - written)

    def add(self, other: Figures) -> None:
        """Add another repository's figures."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def all_files(root: Path) -> list[str]:
    """Return every path below a root that is no folder, git's own left out; links are not followed."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        links = [name for name in folders if Path(folder, name).is_symlink()]
        found += [Path(folder, name).relative_to(root).as_posix() for name in [*names, *links]]
    return sorted(found)


def known_language(root: Path, path: str) -> tuple[str, str]:
    """Return the text of a file and the language that it is known to have, or two empty strings."""
    decoded = decode((root / path).read_bytes())
    if isinstance(decoded, NotText) or not decoded.text.strip():
        return "", ""
    language = detect_language(path, decoded.text).language
    return decoded.text, "" if language == PLAIN_TEXT else language


def skip_of(root: Path, record: FileRecord) -> Skip | None:
    """Return what a skipped file of a known language is, or None for any other."""
    assert record.skip is not None
    if record.skip in NO_TEXT or record.skip is SkipReason.NESTED_REPOSITORY:
        return None
    text, language = known_language(root, record.path)
    if not language:
        return None
    reason: SkipReason = record.skip
    detail = record.detail
    if reason is SkipReason.TOO_LARGE and (found := classify(record.path, text, language)):
        reason, detail = found.reason, f"{detail}; {found.detail}"
    return Skip(record.path, language, reason, detail, record.size)


def parse_all(root: Path, failures: list[str]) -> tuple[Figures, list[Skip]]:
    """Walk, parse and chunk a repository as a build does."""
    source = Worktree(root, CONFIG.walk)
    changes = detect(source, {})
    figures, skips = Figures(), []
    for outcome in chain(changes.skipped, parse_files(source, changes.added, CONFIG)):
        record = record_of(outcome)
        if not isinstance(outcome, ParsedFile):
            assert record.skip is not None
            figures.skipped_files[record.skip] += 1
            if found := skip_of(root, record):
                skips.append(found)
                figures.known_bytes += found.size
                figures.skipped_known_bytes[found.reason] += found.size
            continue
        figures.indexed_files += 1
        figures.indexed_bytes += record.size
        if record.language != PLAIN_TEXT:
            figures.known_bytes += record.size
            figures.known_indexed_bytes += record.size
        figures.error_nodes[record.language] += record.errors
        figures.files_with_errors[record.language] += record.errors > 0
        figures.files_by_lines[record.language] += bool(record.failure)
        if line := uncovered_line(source.reader().read(record.path)[0], outcome):
            failures.append(f"{root.name}/{record.path}: line {line} is in no chunk")
    return figures, skips


def explain_all(root: Path, figures: Figures, failures: list[str]) -> None:
    """Explain every file on disk, and compare with what the walk and the parser made of it."""
    figures.files = len(paths := all_files(root))
    states: Counter[str] = Counter()
    for path, explained in zip(paths, explain_paths(root, paths, config=CONFIG), strict=True):
        states[explained.state] += 1
        failures.extend(f"{root.name}/{path}: {fault}" for fault in explanation_faults(path, explained))
        if explained.state == "left-out":
            figures.left_out_files += 1
            if not explained.rule and not (root / path).is_symlink() and known_language(root, path)[1]:
                figures.hidden_known_bytes += (root / path).stat().st_size
    if (states["indexed"], states["skipped"]) != (figures.indexed_files, figures.skipped_files.total()):
        failures.append(f"{root.name}: explained {dict(states)}, parsed {figures.indexed_files}")


def explanation_faults(path: str, explained: ExplainedPath) -> list[str]:
    """Return what an explanation lacks."""
    faults = [] if explained.path == path else [f"explained as {explained.path!r}"]
    if explained.state not in ("indexed", "skipped", "left-out") or not explained.message:
        faults.append(f"explained as {explained.state!r} because of {explained.message!r}")
    if explained.state == "indexed" and not (explained.language and explained.language_reason and explained.chunks):
        faults.append("indexed without language, reason or chunks")
    return faults


def check_build(root: Path, figures: Figures, failures: list[str]) -> None:
    """Build an index elsewhere, and compare its counts."""
    with tempfile.TemporaryDirectory() as folder:
        report = build(root, config=CONFIG, index_dir=Path(folder, "index"))
    if (report.files.added, report.bytes) != (figures.indexed_files, figures.indexed_bytes):
        failures.append(f"{root.name}: built {report.files.added} files, {report.bytes} bytes")
    if report.skips != dict(figures.skipped_files):
        failures.append(f"{root.name}: built with skips {report.skips}")


def measure(root: Path, failures: list[str]) -> tuple[Figures, list[Skip]]:
    """Measure one repository; a traceback is a failure."""
    try:
        figures, skips = parse_all(root, failures)
        explain_all(root, figures, failures)
        check_build(root, figures, failures)
    except Exception:
        failures.append(f"{root.name}: {traceback.format_exc()}")
        return Figures(), []
    return figures, skips


def shown(figures: Figures) -> dict[str, Any]:
    """Return figures for the result; zero counts are left out."""
    found = {
        name: {key: count for key, count in value.most_common() if count} if isinstance(value, Counter) else value
        for name, value in msgspec.structs.asdict(figures).items()
    }
    return {
        "indexed_percent": round(figures.percent, 2),
        "indexed_percent_of_sources": round(figures.percent_of_sources, 2),
        **found,
    }


def main() -> None:
    """Measure every repository, print a table, write the result; exit with 1 after any failure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    total, repositories = Figures(), {}
    failures: list[str] = []
    not_indexed: dict[str, list[str]] = {}
    for root in sorted(path for path in folder.iterdir() if path.is_dir()):
        figures, skips = measure(root, failures)
        total.add(figures)
        repositories[root.name] = shown(figures)
        not_indexed[root.name] = [
            f"{skip.path} ({skip.language}, {skip.size:,} bytes): {skip.reason}, {skip.detail}" for skip in skips
        ]
        print(
            f"{root.name:16} {figures.files:6} files  {figures.known_bytes / 1e6:8.2f} MB of known languages  "
            f"{figures.percent:6.2f} % indexed  {figures.percent_of_sources:6.2f} % of sources",
            file=sys.stderr,
        )
    found = {
        "tracebacks": sum("Traceback" in failure for failure in failures),
        "failures": failures,
        "all": shown(total),
        "repositories": repositories,
        "known languages not indexed": {name: skips for name, skips in not_indexed.items() if skips},
    }
    print(write_result("coverage", "python -m benchmarks.coverage FOLDER", found))
    for failure in failures:
        print(failure, file=sys.stderr)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
