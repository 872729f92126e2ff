"""`indexer mcp`: answer agents over the Model Context Protocol, and tell agents of it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

import indexer
from indexer.errors import ConfigError
from indexer.git.repository import is_repository

from ..serve.clients import CLIENTS, Entry, install, remove, shown
from .console import echo
from .options import index_dir_option
from .root import nearest_root

INHERITED = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME")
"""What agents don't pass on to a server, and what decides where its settings and its cache are."""

ALL = "all"

folder_option = click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The project. Default: the nearest folder upwards with an index, else the repository.",
)
clients_argument = click.argument("clients", type=click.Choice([*CLIENTS, ALL]), nargs=-1, required=True)


@click.group(name="mcp", invoke_without_command=True)
@click.option(
    "--root",
    "roots",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="An indexed folder; may be repeated. Default: the nearest one upwards with an index, else the repository.",
)
@index_dir_option
@click.option(
    "--fleet",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder of a fleet's file, or the fleet's own: answer about all of its repositories.",
)
@click.option("--no-build", is_flag=True, help="Never build: answer from the indexes that there are.")
@click.option(
    "--idle",
    "idle_seconds",
    type=click.FloatRange(min=0.1),
    default=300.0,
    help="Seconds without a question after which encoder and index leave memory. Default: 300.",
)
@click.pass_context
def command(
    context: click.Context,
    roots: tuple[Path, ...],
    index_dir: Path | None,
    fleet: Path | None,
    no_build: bool,
    idle_seconds: float,
) -> None:
    """Answer an agent's questions on stdin and stdout, until they are closed.

    An index that is missing or stale is built beside, while questions are answered from what there is.
    """
    if context.invoked_subcommand is not None:
        return
    if index_dir is not None and len(roots) != 1:
        raise click.UsageError("--index-dir is that of one folder; name that with --root")
    if fleet is not None and (roots or index_dir):
        raise click.UsageError("--fleet is instead of --root and --index-dir")
    from ..serve.process import Folder
    from ..serve.server import serve

    if fleet is not None:
        serve([], version=indexer.__version__, idle_seconds=idle_seconds, fleet=fleet.resolve())
        return
    folders = list(dict.fromkeys(root.resolve() for root in roots or (_default_root(),)))
    named = _names(folders)
    serve(
        [Folder(named[root], root, index_dir, not no_build) for root in folders],
        version=indexer.__version__,
        idle_seconds=idle_seconds,
    )


@command.command(name="install", short_help="Tell agents of the server.")
@clients_argument
@folder_option
@click.option("--print", "only_shows", is_flag=True, help="Show what would be written; write nothing.")
def install_command(clients: tuple[str, ...], root: Path | None, only_shows: bool) -> None:
    """Tell agents of the server, in their configuration files in the project.

    An entry that this did not write is left as it is.
    """
    root = (root or _default_root()).resolve()
    entry = Entry(*_program(), {name: os.environ[name] for name in INHERITED if os.environ.get(name)})
    entry = Entry(entry.command, (*entry.args, "mcp", "--root", str(root)), entry.env)
    for client in CLIENTS if ALL in clients else clients:
        path = CLIENTS[client][0]
        if only_shows:
            echo(f"{client}: {root / path}")
            for line in shown(client, entry).splitlines():
                echo(line)
        else:
            echo(f"{client}: {root / path} {'written' if install(root, client, entry) else 'is as it should be'}")


@command.command(name="remove", short_help="Take the server out of agents' files.")
@clients_argument
@folder_option
def remove_command(clients: tuple[str, ...], root: Path | None) -> None:
    """Take the server out of agents' configuration files in the project."""
    root = (root or _default_root()).resolve()
    for client in CLIENTS if ALL in clients else clients:
        if remove(root, client):
            echo(f"{client}: removed from {root / CLIENTS[client][0]}")


def _program() -> tuple[str, tuple[str, ...]]:
    """Return how to start this program from anywhere: by its path, or else by that of its interpreter."""
    found = shutil.which("indexer")
    beside = Path(sys.executable).with_name("indexer")
    if beside.exists():
        return ("indexer" if found and Path(found).samefile(beside) else str(beside)), ()
    return sys.executable, ("-P", "-m", "indexer")


def _default_root() -> Path:
    """Return what a server is for that was told nothing; raises ConfigError rather than index somebody's home."""
    here = Path.cwd()
    root = nearest_root() or next(filter(is_repository, (here, *here.parents)), None)
    if root is None:
        raise ConfigError(f"{here}: is in no index and no repository; name the folder with --root")
    return root


def _names(roots: list[Path]) -> dict[Path, str]:
    """Return a short name for each folder: its own, numbered where another one has the same."""
    names: dict[Path, str] = {}
    for root in roots:
        own, number = root.name or "root", 1
        while own in names.values():
            number += 1
            own = f"{root.name}-{number}"
        names[root] = own
    return names
