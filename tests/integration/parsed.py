"""Trees whose files worker processes parse, and what became of each."""

from __future__ import annotations

from pathlib import Path

import psutil

from indexer.config import Config, ParseOptions, WalkOptions
from indexer.sources.worktree import Worktree
from indexer.stages.detect import detect
from indexer.types import FileRecord, ParsedFile
from pipelines.parsing.pool import parse_files

QUICK = ParseOptions(timeout_seconds=0.5, memory_megabytes=1024)


def parse_tree(root: Path, options: ParseOptions = QUICK) -> list[ParsedFile | FileRecord]:
    tree = Worktree(root, WalkOptions())
    return list(parse_files(tree, detect(tree, {}).added, Config(parse=options)))


def summary(results: list[ParsedFile | FileRecord]) -> dict[str, str]:
    """Return "parsed", "by lines" and why, or the reason to skip and its detail, by path."""
    states = {}
    for result in results:
        if not isinstance(result, ParsedFile):
            states[result.path] = f"{result.skip}: {result.detail}"
        elif result.record.failure:
            states[result.record.path] = f"by lines: {result.record.failure}"
        else:
            states[result.record.path] = "parsed"
    return states


def workers() -> list[psutil.Process]:
    """Return the parser processes; the standard library keeps one of its own after some tests."""
    return [child for child in psutil.Process().children() if "parsing.worker" in " ".join(child.cmdline())]
