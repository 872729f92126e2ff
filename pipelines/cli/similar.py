"""`indexer similar`: chunks like the one at a line."""

from __future__ import annotations

from pathlib import Path

import click

from indexer.index import MAX_HITS
from indexer.types import SearchResult

from ..settings import Chosen
from .asked import EXIT_NO_HIT, Asked, search_options
from .here import from_here, glob_from_here
from .hits import show
from .options import config_option, index_dir_option, json_option, root_option, settings
from .root import find_index
from .search import open_index

MAX_LINE_DIGITS = 9


@click.command(name="similar")
@click.argument("place", metavar="PATH:LINE")
@root_option
@index_dir_option
@search_options
@config_option
@json_option
def command(
    place: str,
    root: Path | None,
    index_dir: Path | None,
    asked: Asked,
    chosen: Chosen,
    as_json: bool,
) -> int:
    """Find chunks whose meaning is nearest to that of the chunk at PATH:LINE, seen from here or from the root."""
    shown = asked.shown(as_json=as_json)
    path, _, line = place.rpartition(":")
    if not path or not line.isdecimal() or len(line) > MAX_LINE_DIGITS:
        raise click.UsageError(f"{place!r} is not PATH:LINE, such as src/app.py:120")
    root, index_dir = find_index(root, index_dir)
    config = settings(root, chosen)
    with open_index(root, index_dir, config) as index:
        globs = [glob_from_here(glob, root) for glob in asked.paths]

        def nearest(count: int) -> SearchResult:
            return index.similar(
                from_here(path, root),
                int(line),
                k=count,
                languages=asked.languages,
                kinds=asked.kinds,
                paths=globs,
                lines=asked.lines_a_hit,
            )

        count, result = asked.k, nearest(asked.k)
        while (
            asked.files_only
            and len({hit.path for hit in result.hits}) < asked.k
            and len(result.hits) == count < MAX_HITS
        ):
            count = min(MAX_HITS, 4 * count)
            result = nearest(count)
    show(result, [root], shown, upgraded_by="indexer build" if config.build.upgrade == "now" else "")
    return 0 if result.hits else EXIT_NO_HIT
