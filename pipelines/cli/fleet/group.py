"""`indexer fleet`: many repositories as one."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from indexer.errors import DamagedIndexError

from ...settings import Chosen
from ..build import cache_folder
from ..console import echo, is_quiet, warn
from ..display import PLAIN_INTERVAL_SECONDS
from ..model import say
from ..options import config_option, hash_option, json_option, print_json, print_report, quiet_option, wait_option
from . import exchange, search
from .options import place_options, read, roots_option
from .text import built_lines, removed_lines, status_lines

if TYPE_CHECKING:
    from ...fleet.engine import Engine


class _FleetGroup(click.Group):
    """Says of a damaged shard what helps in a fleet."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DamagedIndexError as error:
            from ...fleet.manifest import of_shard

            raise of_shard(error) from error


@click.group(name="fleet", cls=_FleetGroup)
def command() -> None:
    """Index many repositories as one, and search them together.

    fleet.toml names them; every repository, or part of a large one, is an index of its own below .indexer-fleet.
    """


command.add_command(search.command)
command.add_command(exchange.push_command)
command.add_command(exchange.pull_command)


@command.command(name="build", short_help="Bring all repositories up to date, published at once.")
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
@quiet_option
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
    as_json: bool,
) -> None:
    """Bring the shards of all repositories up to date, and publish them at once.

    Only what changed is built. Killed or failed, the fleet that was published before is served, and the next build
    goes on with the shards that are left.
    """
    from ...fleet.build import FleetJob, build_fleet

    fleet, config = read(fleet_file, chosen)
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
            told=_Told(),
        )
    )
    for warning in report.warnings:
        warn(warning)
    for failure in report.failed:
        echo(f"failed: {failure.id}: {failure.message}", err=True)
    print_report(report, built_lines, as_json=as_json)


@command.command(name="status", short_help="Show what the fleet holds, and what is behind.")
@place_options
@roots_option
@config_option
@hash_option
@json_option
def status_command(
    fleet_file: Path, fleet_dir: Path, roots: tuple[Path, ...], chosen: Chosen, by_content: bool, as_json: bool
) -> None:
    """Show what the fleet holds, and which shards are behind their files.

    Where there is no file, as where a fleet was pulled, shards are compared with nothing.
    """
    from ...fleet.build import FleetJob
    from ...fleet.status import fleet_status

    job = None
    if os.path.lexists(fleet_file):
        fleet, config = read(fleet_file, chosen)
        job = FleetJob(
            file=fleet_file, fleet=fleet, fleet_dir=fleet_dir, config=config, roots=roots, by_content=by_content
        )
    status = fleet_status(fleet_dir, job)
    print_report(status, status_lines, as_json=as_json)


@command.command(name="verify")
@place_options
@json_option
def verify_command(fleet_file: Path, fleet_dir: Path, as_json: bool) -> int:
    """Check that every shard is what the manifest says, and whole. Exit 4 on findings."""
    from ...fleet.verify import verify_fleet

    report = verify_fleet(fleet_dir)
    if as_json:
        print_json(report)
    elif report.ok:
        echo(f"ok: manifest {report.number}, {report.shards} shards, {report.chunks} chunks")
    for finding in report.findings:
        echo(f"{finding.kind}: {finding.file}: {finding.message}", err=True)
    return 0 if report.ok else DamagedIndexError.exit_code


@command.command(name="gc", short_help="Remove shards and generations that nobody needs.")
@place_options
@click.option("--keep", type=click.IntRange(min=1), default=1, help="Manifests to keep. Default: 1.")
@wait_option
@json_option
def gc_command(fleet_file: Path, fleet_dir: Path, keep: int, wait_seconds: float, as_json: bool) -> None:
    """Remove shards and generations that neither a manifest nor a reader needs."""
    from ...fleet.gc import collect_fleet

    print_report(collect_fleet(fleet_dir, keep=keep, wait_seconds=wait_seconds), removed_lines, as_json=as_json)


def _engine(name: str, jobs: int, address: str | None) -> Engine:
    if name == "local":
        if address is not None:
            raise click.UsageError("--address is for --engine ray")
        from ...fleet.local import LocalEngine

        return LocalEngine(jobs=jobs)
    from ...fleet.on_ray import RayEngine

    return RayEngine(address=address, jobs=jobs)


class _Told:
    """Prints a line a shard: on a terminal each, elsewhere one every few seconds."""

    def __init__(self) -> None:
        self._quiet = is_quiet()
        self._last = float("-inf")

    def __call__(self, shard: str, done: int, total: int) -> None:
        if self._quiet or (not sys.stderr.isatty() and time.monotonic() - self._last < PLAIN_INTERVAL_SECONDS):
            return
        self._last = time.monotonic()
        echo(f"{done}/{total} shards  {shard}", err=True)
