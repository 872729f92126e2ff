"""`indexer similar`: chunks like the one at a line."""

from __future__ import annotations

from pathlib import Path

import click

from ..settings import Chosen
from .here import from_here, glob_from_here
from .hits import Shown, show
from .options import config_option, index_dir_option, json_option, root_option, settings
from .root import find_index
from .search import ALL_LINES, EXIT_NO_HIT, filter_options, open_index

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
    lines: int,
    full: bool,
    quiet: bool,
    no_pager: bool,
    chosen: Chosen,
    as_json: bool,
) -> int:
    """Find chunks whose meaning is nearest to that of the chunk at PATH:LINE, seen from here or from the root."""
    path, _, line = place.rpartition(":")
    if not path or not line.isdecimal() or len(line) > MAX_LINE_DIGITS:
        raise click.UsageError(f"{place!r} is not PATH:LINE, such as src/app.py:120")
    root, index_dir = find_index(root, index_dir)
    with open_index(root, index_dir, settings(root, chosen)) as index:
        globs = [glob_from_here(glob, root) for glob in paths]
        result = index.similar(
            from_here(path, root),
            int(line),
            k=k,
            languages=languages,
            kinds=kinds,
            paths=globs,
            lines=ALL_LINES if full else lines,
        )
    shown = Shown(as_json=as_json, line_format=line_format, files_only=files_only, quiet=quiet, k=k, paged=not no_pager)
    show(result, [root], shown)
    return 0 if result.hits else EXIT_NO_HIT
