"""Megabytes of source a second from the walk to chunks: by language on one core, and with a worker on every core.

python -m benchmarks.parse_throughput [--runs N] [FOLDER …]     default: this Python's standard library and its headers

FOLDER is a repository, or several. It is walked by the rules of a build; files that a build skips are not counted. All
figures are medians of N runs (default 5):

- one core, warm: the processor's time for reading, decoding, parsing and chunking after one uncounted run, each file
  with its share of the walk; `tree_sitter_alone` is what the parser does by itself with the same text, the bound on
  whatever is built on it;
- one core, cold: wall time of a new process that does the same once: the start of Python, imports, the walk, and the
  grammars and queries of all languages are in it, the files are in the system's cache;
- all cores: wall time with worker processes, their start included; peak resident megabytes of the largest worker.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import sysconfig
import threading
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from tree_sitter import Parser
from tree_sitter_language_pack import get_language

from benchmarks.measure import write_result
from indexer.config import Config
from indexer.languages.registry import LANGUAGES
from indexer.sources.worktree import Worktree
from indexer.stages.decode import Decoded, decode
from indexer.stages.detect import detect
from indexer.types import FileRecord, ParsedFile
from pipelines.parsing.file import parse_file
from pipelines.parsing.pool import parse_files

MIN_BYTES = 100_000
"""Languages with less text than this say little about speed and are left out."""


class Repository(NamedTuple):
    """A folder with the files that a build would parse, and the processor seconds that the walk took."""

    source: Worktree
    records: tuple[FileRecord, ...]
    walk_seconds: float


def walk(folder: Path, config: Config) -> Repository:
    """Walk and hash a folder as a build does."""
    start = time.process_time()
    source = Worktree(folder, config.walk)
    records = detect(source, {}).added
    return Repository(source, records, time.process_time() - start)


def one_core(repository: Repository, config: Config) -> dict[str, tuple[int, int, float]]:
    """Return files, bytes and processor seconds of each language, the walk's time shared out by files."""
    totals: dict[str, tuple[int, int, float]] = defaultdict(lambda: (0, 0, 0.0))
    share = repository.walk_seconds / max(1, len(repository.records))
    for record in repository.records:
        start = time.process_time()
        outcome = parse_file(record, repository.source.reader().read(record.path)[0], config)
        seconds = time.process_time() - start + share
        if isinstance(outcome, ParsedFile):
            files, size, before = totals[outcome.record.language]
            totals[outcome.record.language] = files + 1, size + record.size, before + seconds
    return dict(totals)


def parser_alone(repository: Repository, config: Config) -> dict[str, float]:
    """Return the processor seconds that tree-sitter takes for the trees of each language, and nothing else."""
    totals: dict[str, float] = defaultdict(float)
    parsers = {
        name: Parser(get_language(row.grammar))  # type: ignore[arg-type]
        for name, row in LANGUAGES.items()
        if row.has_symbols
    }
    for record in repository.records:
        content = repository.source.reader().read(record.path)[0]
        outcome, decoded = parse_file(record, content, config), decode(content)
        if isinstance(outcome, ParsedFile) and isinstance(decoded, Decoded) and outcome.record.language in parsers:
            text = decoded.text.encode()
            start = time.process_time()
            parsers[outcome.record.language].parse(text)
            totals[outcome.record.language] += time.process_time() - start
    return dict(totals)


def all_cores(repository: Repository, config: Config) -> float:
    """Return megabytes parsed a second of wall time with one worker a core."""
    start = time.perf_counter()
    outcomes = parse_files(repository.source, repository.records, config)
    size = sum(outcome.record.size for outcome in outcomes if isinstance(outcome, ParsedFile))
    return size / 1e6 / (time.perf_counter() - start)


def peak_worker(repository: Repository, config: Config) -> float:
    """Return the resident megabytes of the largest worker during one more run, looked at every 10 ms.

    The kernel's own figure for child processes counts what they share with this process until they start a program.
    """
    peak, own = 0, psutil.Process().cmdline()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.01):
            for worker in psutil.Process().children():
                with suppress(psutil.Error):
                    if worker.cmdline() != own:
                        peak = max(peak, worker.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    all_cores(repository, config)
    done.set()
    watcher.join()
    return peak / 1e6


def cold(folder: Path) -> float:
    """Return the wall seconds of a new process that walks, parses and chunks once on one core."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "benchmarks.parse_throughput", "--once", folder], check=True)
    return time.perf_counter() - start


def measure(folder: Path, runs: int) -> dict[str, Any]:
    """Measure a folder in this process and with workers."""
    config = Config()
    one_core(walk(folder, config), config)
    repeated = [one_core(walk(folder, config), config) for _ in range(runs)]
    repository = walk(folder, config)
    alone = [parser_alone(repository, config) for _ in range(runs)]
    languages = {}
    for language, (files, size, _) in sorted(repeated[0].items(), key=lambda item: -item[1][1]):
        if size < MIN_BYTES:
            continue
        speeds = [size / 1e6 / run[language][2] for run in repeated]
        tree = statistics.median(run.get(language, 0.0) for run in alone)
        languages[language] = {
            "files": files,
            "megabytes": size / 1e6,
            "megabytes_per_second": statistics.median(speeds),
            "slowest_run": min(speeds),
            "fastest_run": max(speeds),
            "tree_sitter_alone": size / 1e6 / tree if tree else None,
        }
    return {
        "megabytes": sum(size for _, size, _ in repeated[0].values()) / 1e6,
        "walk_seconds": repository.walk_seconds,
        "one_core_warm": languages,
        "all_cores_megabytes_per_second": statistics.median(all_cores(repository, config) for _ in range(runs)),
        "peak_worker_rss_mb": peak_worker(repository, config),
    }


def _table(name: str, figures: dict[str, Any]) -> str:
    speed, peak = figures["all_cores_megabytes_per_second"], figures["peak_worker_rss_mb"]
    lines = [f"{name}: {figures['megabytes']:.1f} MB, all cores {speed:.1f} MB/s, {peak:.0f} MB a worker"]
    for language, row in figures["one_core_warm"].items():
        alone = f"   tree-sitter alone {row['tree_sitter_alone']:6.1f}" if row["tree_sitter_alone"] else ""
        speed = f"{row['megabytes']:8.2f} MB {row['megabytes_per_second']:6.1f} MB/s"
        lines.append(f"  {language:18} {row['files']:5} files {speed}{alone}")
    return "\n".join(lines)


def main() -> None:
    """Measure the folders of the command line and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        one_core(walk(options.folders[0], Config()), Config())
        return
    folders = options.folders or [Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("include"))]
    figures: dict[str, Any] = {"runs": options.runs}
    for folder in folders:
        figures[folder.name] = measure(folder, options.runs)
        print(_table(folder.name, figures[folder.name]), flush=True)
    for folder in folders:
        seconds = statistics.median(cold(folder) for _ in range(options.runs))
        speed = figures[folder.name]["megabytes"] / seconds
        figures[folder.name]["one_core_cold_megabytes_per_second"] = speed
        print(f"{folder.name}: one core cold {speed:.1f} MB/s")
    names = " ".join(folder.name for folder in options.folders)
    command = f"python -m benchmarks.parse_throughput --runs {options.runs} {names}".rstrip()
    print(write_result("parse_throughput", command, figures))


if __name__ == "__main__":
    main()
