"""Which fleet a command is about."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from indexer.config import Config
from indexer.errors import ConfigError

from ...fleet.config import FILE, FleetFile, read_fleet_file
from ...fleet.store import FOLDER
from ...settings import Chosen
from ..options import settings


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which fleet; the command gets `fleet_file` and `fleet_dir`."""

    @click.option(
        "--file",
        "-f",
        "fleet_file",
        type=click.Path(path_type=Path),
        help=f"The fleet's file. Default: {FILE} here, which need not be there where a fleet was pulled.",
    )
    @click.option(
        "--fleet-dir", type=click.Path(path_type=Path), help=f"Where shards are. Default: {FOLDER} beside the file."
    )
    @wraps(command)
    def with_place(*arguments: Any, fleet_file: Path | None, fleet_dir: Path | None, **options: Any) -> Any:
        if fleet_file is not None and not os.path.lexists(fleet_file):
            raise ConfigError(f"{fleet_file}: there is no such file; a fleet without one is named by --fleet-dir")
        fleet_file = fleet_file or Path(FILE)
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


def read(file: Path, chosen: Chosen) -> tuple[FleetFile, Config]:
    """Return the fleet's file, and the settings of all of its shards: those that apply to the file's folder."""
    return read_fleet_file(file), settings(file.absolute().parent, chosen)
