"""`indexer explain`: why a file is indexed or not, and what became of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click

from indexer.sources.worktree import KIND as WORKTREE

from ..explain import ExplainedPath, explain
from ..settings import Chosen
from .options import aligned, config_option, index_dir_option, json_option, print_report, root_option, settings
from .root import find_index


@click.command(name="explain")
@click.argument("path")
@root_option
@index_dir_option
@config_option
@json_option
def command(path: str, root: Path | None, index_dir: Path | None, chosen: Chosen, as_json: bool) -> None:
    """Say which rule takes or skips PATH, its language and why, and its chunks with their vectors.

    PATH is relative to the indexed folder, or to here when it exists here. Of an index of what is staged, or of a
    revision, it is looked for there.
    """
    root, index_dir = find_index(root, index_dir)
    here = Path(path).absolute()
    explained = explain(
        root,
        str(here) if os.path.lexists(here) else path,
        config=settings(root, chosen),
        index_dir=index_dir,
    )
    print_report(explained, _lines, as_json=as_json)


def _lines(explained: ExplainedPath) -> Iterator[str]:
    rows = [
        ("path", explained.path),
        ("state", f"{explained.state}: {explained.message}"),
        ("rule", explained.rule),
        ("source", "" if explained.source == WORKTREE else explained.source),
        ("language", f"{explained.language} ({explained.language_reason})" if explained.language else ""),
        ("encoding", explained.encoding),
        ("errors", str(explained.parse_errors) if explained.parse_errors else ""),
        ("parser", f"{explained.parser_failure}; indexed by lines" if explained.parser_failure else ""),
        ("chunks", str(len(explained.chunks)) if explained.chunks else ""),
    ]
    yield from aligned(rows)
    for chunk in explained.chunks:
        part = f" part {chunk.part}" if chunk.part else ""
        tier = f" ({chunk.tier})" if chunk.tier else ""
        span = f"{chunk.start_line}-{chunk.end_line}"
        vector = f"  vector {chunk.vector}{tier}" if chunk.vector else ""
        yield f"  {span:<12}{chunk.kind:<16}{chunk.name}{part}{vector}"
