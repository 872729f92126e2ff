"""`indexer similar`: chunks like the one at a line."""

from __future__ import annotations

from pathlib import Path

import click

from ..settings import Chosen
from .options import config_option, index_dir_option, json_option, root_option, settings
from .root import find_index
from .search import filter_options, open_index, show

MAX_LINE_DIGITS = 9


@click.command(name="similar")
@click.argument("place", metavar="PATH:LINE")
@root_option
@index_dir_option
@filter_options
@config_option
@json_option
def command(
    place: str,
    root: Path | None,
    index_dir: Path | None,
    k: int,
    languages: tuple[str, ...],
    kinds: tuple[str, ...],
    paths: tuple[str, ...],
    line_format: str | None,
    files_only: bool,
    chosen: Chosen,
    as_json: bool,
) -> None:
    """Find chunks whose meaning is nearest to that of the chunk at PATH:LINE."""
    path, _, line = place.rpartition(":")
    if not path or not line.isdecimal() or len(line) > MAX_LINE_DIGITS:
        raise click.UsageError(f"{place!r} is not PATH:LINE, such as src/app.py:120")
    root, index_dir = find_index(root, index_dir)
    with open_index(root, index_dir, settings(root, chosen)) as index:
        result = index.similar(path, int(line), k=k, languages=languages, kinds=kinds, paths=paths)
    show(result, as_json=as_json, line_format=line_format, files_only=files_only)
