"""`indexer export`: write the index into one file."""

from __future__ import annotations

from pathlib import Path

import click

from ..report_text import counted
from ..share import export_index
from .console import echo
from .options import index_dir_option, json_option, print_json, root_argument
from .root import find_index_dir


@click.command(name="export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@root_argument
@index_dir_option
@json_option
def command(file: Path, root: Path | None, index_dir: Path | None, as_json: bool) -> None:
    """Write the index of ROOT into FILE, which `indexer import` reads anywhere.

    The same generation gives the same bytes. FILE holds the text of all indexed files.
    """
    done = export_index(find_index_dir(root, index_dir), file)
    if as_json:
        print_json(done)
    else:
        echo(
            f"{file}: generation {done.generation}, {counted(done.files, 'file')}, {counted(done.chunks, 'chunk')}, "
            f"{done.archive_bytes / 1e6:.1f} MB  digest {done.digest}"
        )
