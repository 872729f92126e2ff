"""`indexer fleet`: many repositories as one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from msgspec.structs import replace

from indexer.config import Config
from indexer.errors import ConfigError, DamagedIndexError
from indexer.types import SearchMode

from ..fleet.config import FILE, FleetFile, read_fleet_file
from ..fleet.store import FOLDER
from ..report import upgraded_text
from ..settings import Chosen
from .build import cache_folder
from .console import echo, note, print_lines, printable
from .display import PLAIN_INTERVAL_SECONDS
from .model import say
from .options import aligned, config_option, hash_option, json_option, print_json, print_report, settings, wait_option

if TYPE_CHECKING:
    from ..fleet.build import FleetReport
    from ..fleet.engine import Engine
    from ..fleet.gc import FleetRemoved
    from ..fleet.status import FleetStatus

MISSING_RAY = "--engine ray needs Ray: pip install 'codebase-indexer[ray]'"
MAX_SHARDS = 20
"""Shards that a list names; --json has all."""


@click.group(name="fleet")
def command() -> None:
    """Index many repositories as one, and search them together.

    fleet.toml names them; every repository, or part of a large one, is an index of its own below .indexer-fleet.
    """


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which fleet; the command gets `fleet_file` and `fleet_dir`."""

    @click.option(
        "--file",
        "-f",
        "fleet_file",
        type=click.Path(path_type=Path),
        default=Path(FILE),
        help=f"The fleet's file; {FILE} here.",
    )
    @click.option(
        "--fleet-dir", type=click.Path(path_type=Path), help=f"Where shards are. Default: {FOLDER} beside the file."
    )
    @wraps(command)
    def with_place(*arguments: Any, fleet_file: Path, fleet_dir: Path | None, **options: Any) -> Any:
        fleet_dir = fleet_dir or fleet_file.absolute().parent / FOLDER
        return command(*arguments, fleet_file=fleet_file, fleet_dir=fleet_dir, **options)

    return with_place


roots_option = click.option(
    "--root",
    "roots",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder below which repositories may lie, besides the file's own; may be repeated.",
)


@command.command(name="build")
@place_options
@roots_option
@config_option
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", help="Who builds shards.")
@click.option("--jobs", type=click.IntRange(0, 4096), default=0, help="Shards at a time. Default: one a core.")
@click.option("--address", help="The Ray cluster to join; auto is the one that `ray start` made here.")
@click.option("--repo", "only", multiple=True, help="With --full: only this repository; may be repeated.")
@click.option("--full", is_flag=True, help="Build shards from nothing; replaces damaged ones too.")
@hash_option
@click.option("--partial", is_flag=True, help="Publish without shards that could not be made; they are named.")
@wait_option
@click.option("--fast", is_flag=True, help="Stop when all is searchable; upgrade no vectors.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the embedding cache.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@json_option
def build_command(
    fleet_file: Path,
    fleet_dir: Path,
    roots: tuple[Path, ...],
    chosen: Chosen,
    engine: str,
    jobs: int,
    address: str | None,
    only: tuple[str, ...],
    full: bool,
    by_content: bool,
    partial: bool,
    wait_seconds: float,
    fast: bool,
    no_cache: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Bring the shards of all repositories up to date, and publish them at once.

    Only what changed is built. Killed or failed, the fleet that was published before is served, and the next build
    goes on with the shards that are left.
    """
    from ..fleet.build import FleetJob, build_fleet

    fleet, config = _read(fleet_file, chosen)
    say(config.encoder, builds=True)
    if fast:
        config = replace(config, build=replace(config.build, upgrade="never"))
    if only and not full:
        raise click.UsageError("--repo is for --full: without, what changed is found out by itself")
    report = build_fleet(
        FleetJob(
            file=fleet_file,
            fleet=fleet,
            fleet_dir=fleet_dir,
            config=config,
            roots=roots,
            engine=_engine(engine, jobs, address),
            only=only,
            full=full,
            by_content=by_content,
            partial=partial,
            cache_dir=None if no_cache else cache_folder(config.cache),
            wait_seconds=wait_seconds,
            told=_Told(quiet=quiet),
        )
    )
    for warning in report.warnings:
        echo(f"warning: {warning}", err=True)
    for failure in report.failed:
        echo(f"failed: {failure.id}: {failure.message}", err=True)
    print_report(report, _built_lines, as_json=as_json)


@command.command(name="status")
@place_options
@roots_option
@config_option
@hash_option
@json_option
def status_command(
    fleet_file: Path, fleet_dir: Path, roots: tuple[Path, ...], chosen: Chosen, by_content: bool, as_json: bool
) -> None:
    """Show what the fleet holds, and which shards are behind their files."""
    from ..fleet.status import fleet_status

    fleet, config = _read(fleet_file, chosen)
    status = fleet_status(fleet_dir, config, file=fleet_file, fleet=fleet, roots=roots, by_content=by_content)
    print_report(status, _status_lines, as_json=as_json)


@command.command(name="verify")
@place_options
@json_option
def verify_command(fleet_file: Path, fleet_dir: Path, as_json: bool) -> int:
    """Check that every shard is what the manifest says, and whole. Exit 4 on findings."""
    from ..fleet.verify import verify_fleet

    report = verify_fleet(fleet_dir)
    if as_json:
        print_json(report)
    elif report.ok:
        echo(f"ok: manifest {report.number}, {report.shards} shards, {report.chunks} chunks")
    for finding in report.findings:
        echo(f"{finding.kind}: {finding.file}: {finding.message}", err=True)
    return 0 if report.ok else DamagedIndexError.exit_code


@command.command(name="gc")
@place_options
@click.option("--keep", type=click.IntRange(min=1), default=1, help="Manifests to keep. Default: 1.")
@wait_option
@json_option
def gc_command(fleet_file: Path, fleet_dir: Path, keep: int, wait_seconds: float, as_json: bool) -> None:
    """Remove shards and generations that neither a manifest nor a reader needs."""
    from ..fleet.gc import collect_fleet

    print_report(collect_fleet(fleet_dir, keep=keep, wait_seconds=wait_seconds), _removed_lines, as_json=as_json)


def _search_options(command: Callable[..., Any]) -> Callable[..., Any]:
    from .search import filter_options

    return filter_options(command)


@command.command(name="search")
@click.argument("words", nargs=-1, required=True, metavar="QUERY")
@place_options
@click.option("--repo", "repositories", multiple=True, help="Only this repository; may be repeated.")
@click.option("--distinct", is_flag=True, help="Show a text once, wherever it was copied to.")
@click.option("--mode", type=click.Choice(get_args(SearchMode)), default="hybrid", help="Words, meaning, or both.")
@_search_options
@click.option("--in", "within", default="", help="Only inside the symbol of this name.")
@click.option("--grep", "pattern", metavar="REGEX", default="", help="Only chunks that this expression (re2) matches.")
@click.option("--fast", is_flag=True, help="Read the query with the static encoder: sooner, finds somewhat less.")
@click.option("--explain", is_flag=True, help="Show each hit's ranks and what made its score.")
@config_option
@json_option
def search_command(
    words: tuple[str, ...],
    fleet_file: Path,
    fleet_dir: Path,
    repositories: tuple[str, ...],
    distinct: bool,
    mode: SearchMode,
    k: int,
    languages: tuple[str, ...],
    kinds: tuple[str, ...],
    paths: tuple[str, ...],
    line_format: str | None,
    files_only: bool,
    lines: int,
    full: bool,
    quiet: bool,
    no_pager: bool,
    within: str,
    pattern: str,
    fast: bool,
    explain: bool,
    chosen: Chosen,
    as_json: bool,
) -> int:
    """Find code in all repositories, by word and by meaning.

    Paths begin with the repository's name, and so do --path globs. Exits with 7 when nothing is found.
    """
    from indexer.index import MAX_HITS
    from indexer.search.passages import MOST_OF_A_FILE

    from ..fleet.answer import fleet_answer
    from ..fleet.search import open_fleet
    from .hits import LINE_FORMATS, file_lines, page
    from .search import ALL_LINES, EXIT_NO_HIT

    config = settings(fleet_file.absolute().parent, chosen)
    options = replace(config.encoder, queries="static") if fast else config.encoder
    with open_fleet(fleet_dir, options=options, vectors=config.vectors) as fleet:
        result = fleet.search(
            " ".join(words),
            k=min(MAX_HITS, k * MOST_OF_A_FILE) if files_only else k,
            mode=mode,
            languages=languages,
            kinds=kinds,
            paths=paths,
            within=within,
            pattern=pattern,
            repositories=repositories,
            distinct=distinct,
            explain=explain,
            lines=ALL_LINES if full else lines,
        )
    if as_json and not quiet:
        print_json(fleet_answer(result, explain=explain))
    elif not quiet:
        hits = [(hit.path, hit) for hit in result.hits]
        if files_only:
            shown = list(file_lines(hits))[:k]
        elif line_format:
            shown = list(LINE_FORMATS[line_format](hits))
        else:
            shown = list(page(result.query, hits, explain=explain))
        print_lines(shown, paged=not no_pager)
        if not result.hits:
            echo("no hits", err=True)
        if result.upgraded < 1:
            note(f"of the vectors {upgraded_text(result.upgraded)}; `indexer fleet build` goes on with them")
    return 0 if result.hits else EXIT_NO_HIT


def _read(file: Path, chosen: Chosen) -> tuple[FleetFile, Config]:
    """Return the fleet's file, and the settings of all of its shards: those that apply to the file's folder."""
    return read_fleet_file(file), settings(file.absolute().parent, chosen)


def _engine(name: str, jobs: int, address: str | None) -> Engine:
    if name == "local":
        if address is not None:
            raise click.UsageError("--address is for --engine ray")
        from ..fleet.local import LocalEngine

        return LocalEngine(jobs=jobs)
    from ..fleet.on_ray import RayEngine

    try:
        return RayEngine(address=address, jobs=jobs)
    except ModuleNotFoundError as error:
        raise ConfigError(MISSING_RAY) from error


class _Told:
    """Prints a line a shard: on a terminal each, elsewhere one every few seconds."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._last = float("-inf")

    def __call__(self, shard: str, done: int, total: int) -> None:
        if self._quiet or (not sys.stderr.isatty() and time.monotonic() - self._last < PLAIN_INTERVAL_SECONDS):
            return
        self._last = time.monotonic()
        echo(f"{done}/{total} shards  {shard}", err=True)


def _built_lines(report: FleetReport) -> list[str]:
    if not report.committed:
        return [
            f"Nothing changed: {report.repositories} repositories, {report.shards} shards, {report.chunks} chunks, "
            f"manifest {report.number} stays ({1000 * report.seconds:.0f} ms)."
        ]
    built = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in list(report.built.items())[:MAX_SHARDS])
    more = f", {len(report.built) - MAX_SHARDS} more" if len(report.built) > MAX_SHARDS else ""
    return aligned(
        [
            ("repositories", f" {report.repositories} in {report.shards} shards"),
            ("built", built + more),
            ("removed", ", ".join(report.removed)),
            ("files", str(report.files)),
            ("chunks", str(report.chunks)),
            ("vectors", upgraded_text(report.upgraded)),
            ("seconds", f"{report.seconds:.1f}"),
            ("manifest", f"{report.number}  digest {report.digest}"),
        ]
    )


def _status_lines(status: FleetStatus) -> list[str]:
    stale = ", ".join((status.stale or ())[:MAX_SHARDS])
    if status.stale and len(status.stale) > MAX_SHARDS:
        stale += f", {len(status.stale) - MAX_SHARDS} more"
    largest = sorted(status.shards, key=lambda shard: -shard.chunks)[:MAX_SHARDS]
    return aligned(
        [
            ("manifest", f"{status.number}  ({status.created})"),
            ("digest", status.digest),
            ("encoder", f"{status.encoder.name}, {status.encoder.dims} dims, digest {status.encoder.digest[:16]}"),
            ("repositories", f" {status.repositories} in {len(status.shards)} shards"),
            ("largest", ", ".join(f"{shard.id} {shard.chunks}" for shard in largest)),
            ("files", f"{status.files} indexed ({status.bytes / 1e6:.1f} MB)"),
            ("chunks", str(status.chunks)),
            ("vectors", upgraded_text(status.upgraded)),
            ("size", f"{status.index_bytes / 1e6:.1f} MB"),
            ("failed", "; ".join(f"{failure.id}: {failure.message}" for failure in status.failed)),
            ("freshness", f"behind: {stale}; run `indexer fleet build`" if stale else "up to date"),
            ("gone", ", ".join(status.gone or ())),
        ]
    )


def _removed_lines(removed: FleetRemoved) -> list[str]:
    generations = sum(map(len, removed.generations.values()))
    return [
        printable(
            f"{len(removed.manifests)} manifests, {len(removed.shards)} shards, {generations} generations and "
            f"{removed.tables} tables removed"
        )
    ]
