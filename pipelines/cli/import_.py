"""`indexer import`: take over an index."""

from __future__ import annotations

from pathlib import Path

import click

from indexer.stores.generation.layout import default_index_dir

from ..report_text import counted
from ..share import import_index
from .console import echo
from .options import index_dir_option, json_option, print_json, root_argument, wait_option


@click.command(name="import")
@click.argument("origin", metavar="FILE|FOLDER", type=click.Path(path_type=Path))
@root_argument
@index_dir_option
@wait_option
@json_option
def command(origin: Path, root: Path | None, index_dir: Path | None, wait_seconds: float, as_json: bool) -> None:
    """Make what `indexer export` wrote, or the index in FOLDER, the index of ROOT (default: here).

    It is checked as `indexer verify` does before it is served, and is searched and built upon like one made here: the
    next build embeds what differs. An index that is there already stays until the new one is whole.
    """
    root = root or Path()
    done = import_index(origin, root, index_dir or default_index_dir(root), wait_seconds=wait_seconds)
    if as_json:
        print_json(done)
    else:
        echo(
            f"generation {done.generation}: {counted(done.files, 'file')}, {counted(done.chunks, 'chunk')}, "
            f"{done.index_bytes / 1e6:.1f} MB  digest {done.digest}"
        )
