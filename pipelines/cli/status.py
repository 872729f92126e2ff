"""`indexer status`: what the index holds, and how many files changed since."""

from __future__ import annotations

from pathlib import Path

import click

from ..report_text import counted, drift_text, left_out_text, recall_text, source_text, upgraded_text
from ..settings import Chosen
from ..status import Status, read_status
from .options import aligned, hash_option, index_options, print_report, settings
from .root import find_index


@click.command(name="status")
@index_options
@hash_option
def command(root: Path | None, index_dir: Path | None, chosen: Chosen, by_content: bool, as_json: bool) -> None:
    """Show what the index of ROOT holds, and how many files changed since it was built.

    ROOT defaults to the nearest folder upwards that holds an index.
    """
    root, index_dir = find_index(root, index_dir)
    status = read_status(root, index_dir, config=settings(root, chosen), by_content=by_content)
    print_report(status, _lines, as_json=as_json)


def _lines(status: Status) -> list[str]:
    languages = ", ".join(f"{name} {counts.chunks}" for name, counts in status.languages.items())
    errors = ", ".join(f"{name} {counts.errors}" for name, counts in status.languages.items() if counts.errors)
    failures = ", ".join(f"{name} {counts.failures}" for name, counts in status.languages.items() if counts.failures)
    size = sum(counts.bytes for counts in status.languages.values())
    skips = ", ".join(f"{reason} {count}" for reason, count in status.skips.items()) or "none"
    stale = f"{counted(status.stale, 'file')} changed since; run `indexer build`" if status.stale else "up to date"
    if status.stale is None:
        stale = "unknown: the indexed files are not here"
    left_out, tracked = left_out_text(status.left_out) if status.left_out else ("", "")
    rows = [
        ("generation", f"{status.generation}  ({status.created})"),
        ("source", source_text(status.source)),
        ("digest", status.digest),
        ("encoder", f"{status.encoder.name}, {status.encoder.dims} dims, digest {status.encoder.digest[:16]}"),
        ("projection", f"{status.projection.mode}, {status.projection.dims} dims, int8"),
        ("files", f"{status.files.indexed} indexed ({size / 1e6:.1f} MB), {status.files.skipped} skipped ({skips})"),
        ("left out", left_out),
        ("tracked", tracked),
        ("chunks", f"{status.chunks}  ({languages})" if languages else "0"),
        ("vectors", upgraded_text(status.upgraded)),
        ("by lines", f"{failures} (files on which the grammar failed)" if failures else ""),
        ("errors", f"{errors or 'none'} (nodes that the parser could not read)"),
        ("recall", recall_text(status.recall)),
        ("drift", drift_text(status.drift)),
        ("size", f"{status.index_bytes / 1e6:.1f} MB"),
        ("freshness", stale),
        *(("advice", warning) for warning in status.warnings),
    ]
    return aligned(rows)
