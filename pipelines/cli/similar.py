"""`indexer similar`: chunks like the one at a line."""

from __future__ import annotations

from pathlib import Path

import click

from indexer.index import MAX_HITS
from indexer.types import SearchResult

from ..settings import Chosen
from .here import from_here, glob_from_here
from .hits import Shown, check_form, show
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
    check_form(as_json=as_json, line_format=line_format, files_only=files_only)
    path, _, line = place.rpartition(":")
    if not path or not line.isdecimal() or len(line) > MAX_LINE_DIGITS:
        raise click.UsageError(f"{place!r} is not PATH:LINE, such as src/app.py:120")
    root, index_dir = find_index(root, index_dir)
    config = settings(root, chosen)
    with open_index(root, index_dir, config) as index:
        globs = [glob_from_here(glob, root) for glob in paths]

        def nearest(count: int) -> SearchResult:
            return index.similar(
                from_here(path, root),
                int(line),
                k=count,
                languages=languages,
                kinds=kinds,
                paths=globs,
                lines=ALL_LINES if full else lines,
            )

        count, result = k, nearest(k)
        while files_only and len({hit.path for hit in result.hits}) < k and len(result.hits) == count < MAX_HITS:
            count = min(MAX_HITS, 4 * count)
            result = nearest(count)
    shown = Shown(
        as_json=as_json, line_format=line_format, files_only=files_only, quiet=quiet, k=k, paged=not no_pager,
        upgraded_by="indexer build" if config.build.upgrade == "now" else "",
    )  # fmt: skip
    show(result, [root], shown)
    return 0 if result.hits else EXIT_NO_HIT
