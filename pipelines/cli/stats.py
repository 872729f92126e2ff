"""`indexer stats`: what is in the index, as charts on a terminal or a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from ..page.html import page
from ..report import BuildReport
from ..report_text import counted, drift_text, recall_text
from ..stats import Stats, read_stats
from ..whole_file import whole_file
from .console import echo
from .options import index_options, print_json
from .root import find_index

WIDTH = 30
MAX_SHOWN = 5
"""Paths of skipped files a reason."""


@click.command(name="stats")
@index_options
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page into this file.")
def command(root: Path | None, index_dir: Path | None, chosen: str | None, as_json: bool, html: Path | None) -> None:
    """Show coverage by language, skips by reason, tiers, recall and sizes of the index of ROOT."""
    root, index_dir = find_index(root, index_dir)
    stats = read_stats(root, index_dir)
    if html is not None:
        write_page(html, stats)
    if as_json:
        print_json(stats)
    else:
        for line in _lines(stats):
            echo(line)


def write_report_page(file: Path, root: Path, index_dir: Path, report: BuildReport) -> None:
    """Write the page of a build; raises StorageError."""
    write_page(file, read_stats(root, index_dir, build=report))


def write_page(file: Path, stats: Stats) -> None:
    """Write a page, which appears whole or not at all; raises StorageError."""
    with whole_file(file) as target:
        target.write(page(stats).encode("utf-8"))


def _lines(stats: Stats) -> Iterator[str]:
    files, chunks = counted(stats.files, "file"), counted(stats.chunks, "chunk")
    yield f"{stats.root}  generation {stats.generation}, {files}, {chunks}"
    yield from _chart(
        "languages",
        (
            (name, own.bytes, f"{own.bytes / 1e6:.2f} MB, {counted(own.chunks, 'chunk')}")
            for name, own in stats.languages.items()
        ),
    )
    yield from _chart("vectors by tier", ((str(tier), count, str(count)) for tier, count in stats.tiers.items()))
    yield from _chart("skipped", ((reason, own.count, str(own.count)) for reason, own in stats.skips.items()))
    for reason, own in stats.skips.items():
        named = ", ".join(found.path for found in own.paths[:MAX_SHOWN])
        yield f"  {reason}: {named}" + (", …" if own.count > MAX_SHOWN else "")
    yield from _chart(
        "size of generations",
        ((str(size.generation), size.index_bytes, f"{size.index_bytes / 1e6:.2f} MB") for size in stats.sizes[-10:]),
    )
    yield f"recall  {recall_text(stats.recall)}"
    yield f"drift   {drift_text(stats.drift)}"


def _chart(title: str, rows: Iterable[tuple[str, float, str]]) -> Iterator[str]:
    rows = list(rows)
    largest = max((value for _, value, _ in rows), default=0) or 1
    if rows:
        yield f"{title}"
    for name, value, shown in rows:
        yield f"  {name:<18} {'█' * round(WIDTH * value / largest):<{WIDTH}} {shown}"
