"""`indexer watch`: keep the index fresh while files change."""

from __future__ import annotations

import signal
from datetime import datetime
from pathlib import Path
from types import FrameType

import click

from indexer.errors import ConfigError, LockedError
from indexer.git.repository import is_bare
from indexer.sources.worktree import KIND as WORKTREE
from indexer.stores.generation.layout import default_index_dir

from ..build import build
from ..report import BuildReport
from ..report_text import counted, upgraded_text
from ..settings import Chosen
from ..source import open_worktree, recorded_kind
from .build import cache_folder
from .console import echo, note, warn
from .main import EXIT_INTERRUPTED
from .model import say
from .options import index_options, print_json, settings
from .root import root_to_build


@click.command(name="watch")
@index_options
@click.option("--no-cache", is_flag=True, help="Neither read nor write the embedding cache.")
@click.option(
    "--debounce",
    "debounce_seconds",
    type=click.FloatRange(min=0.05, max=60),
    default=0.5,
    help="Seconds in which no file changed, or five times as long when some always do. Default: 0.5.",
)
def command(
    root: Path | None,
    index_dir: Path | None,
    chosen: Chosen,
    no_cache: bool,
    debounce_seconds: float,
    as_json: bool,
) -> int:
    """Build the index of ROOT, and again whenever files in it change, until interrupted. One line a build.

    Vectors are upgraded while nothing changes. Settings are read at the start.
    """
    from ..serve.watch import watch

    root = root_to_build(root, index_dir)
    config = settings(root, chosen)
    kind = recorded_kind(index_dir or default_index_dir(root), root)
    if kind != WORKTREE:
        instead = "" if is_bare(root) else ", or give an index of the files a folder of its own with --index-dir"
        raise ConfigError(
            f"{root}: its index is of {kind}, and not of the files in it, which are what can be watched; run "
            f"`indexer build` from a git hook{instead}"
        )
    say(config.encoder, builds=True)
    cache_dir = None if no_cache else cache_folder(config.cache)

    def reported(done: BuildReport | LockedError) -> None:
        if isinstance(done, LockedError):
            echo(f"{_now()}  {done}", err=True)
            return
        for warning in done.warnings:
            warn(warning)
        if as_json:
            print_json(done)
        else:
            echo(f"{_now()}  {line(done)}")

    ended: list[int] = []
    terminated = signal.getsignal(signal.SIGTERM)

    def end(number: int, frame: FrameType | None) -> None:
        ended.append(number)
        if callable(terminated):
            terminated(number, frame)

    signal.signal(signal.SIGTERM, end)
    note(f"watching {root}; Ctrl-C ends it")
    try:
        watch(
            root,
            build=lambda seconds: build(
                root, config=config, index_dir=index_dir, cache_dir=cache_dir, max_seconds=seconds
            ),
            source=lambda: open_worktree(root, config, index_dir=index_dir),
            reported=reported,
            debounce_ms=round(1000 * debounce_seconds),
        )
    except KeyboardInterrupt:
        # watchfiles makes one of whatever a signal's handler raised.
        if ended and callable(terminated):
            terminated(ended[0], None)
        # As asked, so no error among the objects of --json.
        echo("watching ended; what was committed stays, and the next build goes on from there", err=True)
        return EXIT_INTERRUPTED
    return 0


def line(report: BuildReport) -> str:
    """Return what a build did in one line."""
    files, chunks = report.files, report.chunks
    if chunks.upgraded and not (files.added or files.modified or files.removed):
        did = f"the vectors of {counted(chunks.total, 'chunk')} are the encoder's own now"
    else:
        did = (
            f"{files.added} added, {files.modified} modified, {files.removed} removed; "
            f"{chunks.embedded} of {counted(chunks.total, 'chunk')} embedded"
        )
    left = f"; {upgraded_text(report.upgraded)}" if report.upgraded < 1 else ""
    return f"generation {report.generation}: {did}, {sum(report.seconds.values()):.1f} s{left}"


def _now() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")
