"""`indexer model`: which encoders there are, and their files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from indexer.config import Config, EncoderOptions
from indexer.errors import ModelError

from ..models.choice import is_to_fetch, leaving, notes
from ..settings import Chosen
from .console import echo, note, warn
from .options import config_option, json_option, print_report, settings

if TYPE_CHECKING:
    from ..models.listing import ListedModel
    from ..models.pull import PulledModel
    from ..models.store import CheckedModel

LINE_SECONDS = 2.0


@click.group(name="model")
def command() -> None:
    """List, fetch, check and remove models; make them fast."""


@command.command(name="list", short_help="Show every encoder that can be named.")
@config_option
@json_option
def list_command(chosen: Chosen, as_json: bool) -> None:
    """Show every encoder that can be named: the package's, pulled ones, those of other packages, and known ones."""
    from ..models.listing import list_models

    found = list_models(options(chosen))
    print_report(found, _table, as_json=as_json)


@command.command(name="pull")
@click.argument("name")
@click.option("--from", "source", type=click.Path(path_type=Path), help="Take the files of a folder or an archive.")
@click.option("--mirror", metavar="URL", help="Fetch from there in place of the models' own hub.")
@config_option
@json_option
def pull_command(name: str, source: Path | None, mirror: str | None, chosen: Chosen, as_json: bool) -> None:
    """Fetch the model NAME, or what is missing or altered of it.

    Checksums are compared with those that are known; a file without one is believed once, and said to be.
    """
    own = options(chosen)
    report = fetch(name, Path(own.models), source=source, mirror=mirror or own.mirror)
    print_report(report, _pulled, as_json=as_json)


@command.command(name="verify", short_help="Compare models' files with their checksums.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@config_option
@json_option
def verify_command(names: tuple[str, ...], chosen: Chosen, as_json: bool) -> int:
    """Compare models' files with their checksums, of all that were pulled and the package's when none is named."""
    from ..models.store import check, pulled_names

    own = options(chosen)
    chosen_names = names or ("minilm", "static", *pulled_names(Path(own.models)))
    reports = [check(replace(own, name=name)) for name in chosen_names]
    print_report(reports, _checked, as_json=as_json)
    return 0 if all(report.ok for report in reports) else ModelError.exit_code


@command.command(name="path")
@click.argument("name")
@config_option
def path_command(name: str, chosen: Chosen) -> None:
    """Print the folder of a model's files."""
    from ..models.store import open_model

    echo(str(open_model(replace(options(chosen), name=name)).folder))


@command.command(name="remove")
@click.argument("name")
@config_option
def remove_command(name: str, chosen: Chosen) -> None:
    """Remove a pulled model. Its checksums stay known."""
    from ..models.store import remove

    echo(f"{remove(Path(options(chosen).models), name)} removed")


@command.command(name="distil", short_help="Give a model a fast tier, fitted to code of yours.")
@click.argument("name")
@click.argument(
    "folders", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="[FOLDER]..."
)
@click.option("--texts", type=click.IntRange(min=1), default=50_000, help="How many texts the model reads; 50000.")
@click.option("--seconds", type=click.FloatRange(min=0), help="For how long it reads at most.")
@config_option
@json_option
def distil_command(
    name: str, folders: tuple[Path, ...], texts: int, seconds: float | None, chosen: Chosen, as_json: bool
) -> None:
    """Give the model NAME a fast tier: fit a table to its vectors of the code in FOLDERs, here when none is named.

    The next build of an index with this model makes it anew, searchable with the table first.
    """
    from ..models.distil import DistilledModel, distil

    def lines(report: DistilledModel) -> Iterator[str]:
        yield f"{report.texts} texts, {report.rows} rows of {report.components} components in {report.seconds:.1f} s"
        yield f"mean cosine to the model, on texts that it was not fitted on: {report.cosine:.3f}"
        yield report.folder

    last = 0.0

    def told(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > LINE_SECONDS or done == total:
            last = time.monotonic()
            note(f"{done} of {total} texts read")

    assignments = (*chosen.assignments, f"encoder.name={name}")
    config = settings(Path("/"), chosen._replace(assignments=assignments))
    report = distil(
        config,
        folders or (Path(),),
        most_texts=texts,
        seconds=float("inf") if seconds is None else seconds,
        told=told,
    )
    print_report(report, lines, as_json=as_json)


def options(chosen: Chosen) -> EncoderOptions:
    """Return the settings of encoders, which here are those of no repository."""
    return settings(Path("/"), chosen).encoder


def settings_with_model(root: Path, chosen: Chosen) -> Config:
    """Return the settings of a run, its model fetched first where encoder.download asks for that."""
    config = settings(root, chosen)
    return settings(root, chosen) if fetch_missing(config.encoder) else config


def fetch_missing(own: EncoderOptions) -> bool:
    """Fetch a model that is not here, if that is asked for; return whether it was."""
    if not is_to_fetch(own):
        return False
    note(f"fetching the model {own.name}, since encoder.download is set")
    fetch(own.name, Path(own.models), mirror=own.mirror)
    return True


def say(own: EncoderOptions, *, builds: bool) -> None:
    """Say what a user should know of an encoder before it is used, and warn where texts leave the machine."""
    warn_of_leaving(own, builds=builds)
    for text in notes(own, builds=builds):
        note(text)


def warn_of_leaving(own: EncoderOptions, *, builds: bool) -> None:
    """Warn where an encoder sends texts to a server."""
    for text in leaving(own, builds=builds):
        warn(text)


def fetch(name: str, models: Path, *, source: Path | None = None, mirror: str | None = None) -> PulledModel:
    """Pull a model, saying how far it is."""
    from ..models.pull import pull

    last = 0.0

    def show(file: str, done: int, total: int | None) -> None:
        nonlocal last
        if time.monotonic() - last > LINE_SECONDS or done == total:
            last = time.monotonic()
            note(f"{file}: {done / 1e6:.1f} of {'?' if total is None else f'{total / 1e6:.1f}'} MB")

    return pull(name, models, source=source, mirror=mirror, on_bytes=show)


def _table(models: list[ListedModel]) -> Iterator[str]:
    yield f"{'NAME':<56} {'DIMS':>5} {'WINDOW':>6} {'MB':>6}  {'LICENCE':<13} {'STATE':<15} LANGUAGES"
    for model in models:
        size = f"{model.megabytes:.0f}" if model.megabytes else ""
        row = f"{model.name:<56} {model.dims or '':>5} {model.window or '':>6} {size:>6}  {model.licence:<13} "
        marks = [model.languages, "two tiers" if model.fast_tier else "", model.note]
        if model.query_prefix or model.passage_prefix:
            marks.append(f"prefixes {model.query_prefix!r}, {model.passage_prefix!r}")
        yield f"{row}{model.state:<15} {'; '.join(filter(None, marks))}"
        if model.folder:
            yield f"  {model.folder}"


def _pulled(report: PulledModel) -> Iterator[str]:
    for file in report.files:
        yield f"{file.sha256[:12]}  {file.trust:<15}  {file.bytes / 1e6:9.2f} MB  {file.file}"
    first = [file.file for file in report.files if file.trust == "recorded now"]
    if first:
        yield (
            f"No checksum of {len(first)} files was known: what came was believed and recorded, and later fetches are "
            "held against it."
        )
    what = (
        f"{len(report.fetched)} files fetched" if report.fetched else "nothing to fetch, all files are what they were"
    )
    yield f"{report.name}: {what}; {report.dims} dims, in {report.folder}"


def _checked(reports: list[CheckedModel]) -> Iterator[str]:
    for report in reports:
        yield f"{report.name}: {'whole' if report.ok else 'DAMAGED'}, {len(report.files)} files in {report.folder}"
        yield from (f"  {finding}" for finding in report.findings.values())
