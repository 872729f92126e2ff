"""`indexer gc`: remove old generations."""

from __future__ import annotations

from pathlib import Path

import click

from indexer.stores.generation.commit import gc

from ..report_text import counted
from .console import echo
from .options import index_dir_option, json_option, print_json, root_argument, wait_option
from .root import find_index_dir


@click.command(name="gc")
@root_argument
@index_dir_option
@click.option("--keep", type=click.IntRange(min=1), default=2, help="Generations to keep. Default: 2.")
@wait_option
@json_option
def command(root: Path | None, index_dir: Path | None, keep: int, wait_seconds: float, as_json: bool) -> None:
    """Remove all but the newest generations, and what unfinished builds left."""
    removed = gc(find_index_dir(root, index_dir), keep=keep, wait_seconds=wait_seconds)
    if as_json:
        print_json({"removed": [f"{number:08d}" for number in removed]})
    else:
        echo(f"{counted(len(removed), 'generation')} removed")
