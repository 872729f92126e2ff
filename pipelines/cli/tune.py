"""`indexer tune`: find out how the encoder is fed best here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..settings import Chosen, user_file
from ..settings.tuned import FILE, this_host
from .console import note
from .model import warn_of_leaving
from .options import index_options, print_report, settings
from .root import root_to_build

if TYPE_CHECKING:
    from ..models.tune import Tried, TuneReport


@click.command(name="tune")
@index_options
@click.option("--seconds", type=click.FloatRange(min=0), default=60.0, help="About how long to try; 60.")
def command(root: Path | None, index_dir: Path | None, chosen: Chosen, seconds: float, as_json: bool) -> None:
    """Try batch sizes, threads and devices with the chunks of ROOT; later builds here use the best.

    ROOT defaults to the nearest folder upwards that holds an index, and else to here. It is remembered for this
    machine and the encoder, and counts where no setting says otherwise.
    """
    from ..models.tune import tune

    root = root_to_build(root, index_dir)
    last = -1

    def told(done: int, total: int) -> None:
        nonlocal last
        if 10 * done // total > last:
            last = 10 * done // total
            note(f"{done} of {total} runs")

    config = settings(root, chosen)
    warn_of_leaving(config.encoder, builds=True)
    report = tune(
        root,
        config,
        kept_in=user_file().with_name(FILE),
        host=this_host(),
        seconds=seconds,
        told=told,
    )
    print_report(report, _lines, as_json=as_json)


def _lines(report: TuneReport) -> Iterator[str]:
    yield f"{report.model} on {report.host}: {report.texts} chunks, {report.tokens} tokens, each way three times"
    yield f"{'TOKENS A BATCH':>14}  {'THREADS':>7}  {'DEVICE':<10} {'TOKENS/S':>9} {'CHUNKS/S':>9}"
    for tried in report.tried:
        mark = "  best" if tried == report.best else "  settings" if tried == report.before else ""
        yield f"{_row(tried)}{mark}"
    yield f"kept in {report.kept_in}"


def _row(tried: Tried) -> str:
    device = ",".join(tried.providers) or "cpu"
    return (
        f"{tried.token_budget:>14}  {tried.threads:>7}  {device:<10} {tried.tokens_per_second:>9.0f} "
        f"{tried.chunks_per_second:>9.1f}"
    )
