"""`indexer hook`: keep an index up to date from git's hooks."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.errors import IndexerError, SourceError
from indexer.git.repository import repository_of

from ..settings import Chosen
from .console import echo
from .options import config_option, json_option, print_report, root_argument

if TYPE_CHECKING:
    from ..hooks import HookState

hooks_option = click.option(
    "--hook", "names", multiple=True, metavar="NAME", help="Only this hook; may be repeated. Default: all five."
)


@click.group(name="hook")
def command() -> None:
    """Keep an index up to date from git's hooks."""


@command.command(name="run", short_help="Bring the index up to what is staged; never fail.")
@click.argument("arguments", nargs=-1)
@config_option
def run_command(arguments: tuple[str, ...], chosen: Chosen) -> None:
    """Bring the index up to what is staged in the repository here; print one line at most, and never fail.

    ARGUMENTS are those that git gives a hook; they are of no use.
    """
    from ..build import build
    from .build import cache_folder
    from .model import warn_of_leaving
    from .options import settings

    start = time.monotonic()
    try:
        root = repository_of(Path.cwd())
        if root is None:
            raise SourceError(f"{Path.cwd()}: is in no git repository")
        config = settings(root, chosen._replace(preset=chosen.preset or "precommit"))
        warn_of_leaving(config.encoder, builds=True)
        report = build(root, config=config, source_kind="staged", cache_dir=cache_folder(config.cache))
    except (IndexerError, OSError) as error:
        # An index that is behind is no reason to keep anybody from a commit.
        echo(f"indexer: not updated: {error}", err=True)
        return
    files = report.files
    if files.added or files.modified or files.removed:  # and not where only the source is another one
        echo(
            f"indexer: {files.added} added, {files.modified} modified, {files.removed} removed, generation "
            f"{report.generation} ({time.monotonic() - start:.1f} s)"
        )


@command.command(name="install", short_help="Write git hooks that keep the index up to date.")
@root_argument
@hooks_option
@json_option
def install_command(root: Path | None, names: tuple[str, ...], as_json: bool) -> None:
    """Write git hooks that run `indexer hook run` in the repository of ROOT (default: here).

    A hook that is there stays, and runs first.
    """
    from ..hooks import install

    program = Path(sys.argv[0]).absolute()
    print_report(install(root or Path(), program, _known(names)), _lines, as_json=as_json)


@command.command(name="remove", short_help="Remove these hooks; those of before get their names back.")
@root_argument
@hooks_option
@json_option
def remove_command(root: Path | None, names: tuple[str, ...], as_json: bool) -> None:
    """Remove the hooks that `install` wrote; those that were there before get their names back."""
    from ..hooks import remove

    print_report(remove(root or Path(), _known(names)), _lines, as_json=as_json)


@command.command(name="status")
@root_argument
@json_option
def status_command(root: Path | None, as_json: bool) -> None:
    """Show which hooks are installed."""
    from ..hooks import state

    print_report(state(root or Path()), _lines, as_json=as_json)


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    from ..hooks import HOOKS

    for name in names:
        if name not in HOOKS:
            raise click.UsageError(f"--hook {name}: there is {', '.join(HOOKS)}")
    return names or HOOKS


def _lines(states: list[HookState]) -> list[str]:
    return [f"{state.name:<14}{_words(state)}" for state in states]


def _words(state: HookState) -> str:
    if state.installed:
        return "installed; runs the hook that was there first" if state.keeps else "installed"
    return "another program's" if state.other else "none"
