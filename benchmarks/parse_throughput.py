"""Megabytes a second from files to chunks, by language on one core, and with a worker on every core.

python -m benchmarks.parse_throughput [FOLDER …]     default: this Python's standard library and its C headers

A folder is walked by the rules of a build; files that a build skips are not counted. One core: the processor time of
read, decode, parse and chunk in one process, without the time that a language's grammar and query take to load once a
process (`load_ms`); the walk's is apart. All cores: wall time with worker processes, their start included.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.measure import write_result
from indexer.config import Config
from indexer.sources.worktree import Worktree
from indexer.stages.detect import detect
from indexer.types import FileRecord, ParsedFile, Source
from pipelines.parse_file import parse_file
from pipelines.parse_pool import parse_files

MIN_BYTES = 20_000
"""Languages with less text than this say nothing about speed and are left out."""


def one_core(source: Source, records: tuple[FileRecord, ...], config: Config) -> dict[str, dict[str, Any]]:
    """Return files, megabytes, chunks, files with errors, load time and megabytes a second of each language."""
    files: Counter[str] = Counter()
    size: Counter[str] = Counter()
    chunks: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    seconds: dict[str, float] = {}
    load: dict[str, float] = {}
    for record in records:
        start = time.process_time()
        content = source.read(record.path)
        outcome = parse_file(record, content, config)
        took = time.process_time() - start
        if not isinstance(outcome, ParsedFile):
            continue
        language = outcome.record.language
        if language not in load:
            start = time.process_time()
            parse_file(record, content, config)
            load[language] = took - (time.process_time() - start)
            took -= load[language]
        files[language] += 1
        size[language] += len(content)
        seconds[language] = seconds.get(language, 0.0) + took
        chunks[language] += len(outcome.chunks)
        errors[language] += outcome.record.errors > 0
    return {
        language: {
            "files": files[language],
            "megabytes": count / 1e6,
            "megabytes_per_second": count / 1e6 / seconds[language],
            "load_ms": 1000 * load[language],
            "chunks": chunks[language],
            "files_with_errors": errors[language],
        }
        for language, count in size.most_common()
        if count >= MIN_BYTES
    }


def all_cores(source: Source, records: tuple[FileRecord, ...], config: Config) -> dict[str, float]:
    """Return megabytes, wall seconds and megabytes a second with one worker a core."""
    start = time.perf_counter()
    parsed = [outcome.record for outcome in parse_files(source, records, config) if isinstance(outcome, ParsedFile)]
    wall = time.perf_counter() - start
    megabytes = sum(record.size for record in parsed) / 1e6
    return {"megabytes": megabytes, "wall_seconds": wall, "megabytes_per_second": megabytes / wall}


def measure(folder: Path) -> dict[str, Any]:
    """Walk and read one folder, and measure both ways."""
    config = Config()
    source = Worktree(folder, config.walk)
    start = time.process_time()
    records = detect(source, {}).added
    walk = time.process_time() - start
    return {
        "walk_seconds": walk,
        "one_core": one_core(source, records, config),
        "all_cores": all_cores(source, records, config),
    }


def _table(name: str, figures: dict[str, Any]) -> str:
    total = figures["all_cores"]
    lines = [f"{name}: walk {figures['walk_seconds']:.2f} s, all cores {total['megabytes_per_second']:.1f} MB/s"]
    for language, row in figures["one_core"].items():
        speed = f"{row['megabytes']:8.2f} MB {row['megabytes_per_second']:6.1f} MB/s"
        lines.append(f"  {language:18} {row['files']:5} files {speed}   {row['files_with_errors']} with errors")
    return "\n".join(lines)


def main() -> None:
    """Measure the folders of the command line and write the result."""
    folders = [Path(name) for name in sys.argv[1:]]
    folders = folders or [Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("include"))]
    figures: dict[str, Any] = {"cores": os.cpu_count()}
    for folder in folders:
        figures[folder.name] = measure(folder)
        print(_table(folder.name, figures[folder.name]))
    names = " ".join(folder.name for folder in folders) if sys.argv[1:] else ""
    print(write_result("parse_throughput", f"python -m benchmarks.parse_throughput {names}".rstrip(), figures))


if __name__ == "__main__":
    main()
