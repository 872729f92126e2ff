"""`indexer fleet search`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from msgspec.structs import replace

from indexer.types import SearchMode

from ...report import upgraded_text
from ...settings import Chosen
from ..console import echo, note, print_lines
from ..options import config_option, json_option, print_json, settings

if TYPE_CHECKING:
    pass

from .options import place_options


def _search_options(command: Callable[..., Any]) -> Callable[..., Any]:
    from ..search import filter_options

    return filter_options(command)


@click.command(name="search")
@click.argument("words", nargs=-1, required=True, metavar="QUERY")
@place_options
@click.option("--repo", "repositories", multiple=True, help="Only this repository; may be repeated.")
@click.option("--distinct", is_flag=True, help="Show a text once, wherever it was copied to.")
@click.option("--mode", type=click.Choice(get_args(SearchMode)), default="hybrid", help="Words, meaning, or both.")
@_search_options
@click.option("--in", "within", default="", help="Only inside the symbol of this name.")
@click.option("--grep", "pattern", metavar="REGEX", default="", help="Only chunks that this expression (re2) matches.")
@click.option("--fast", is_flag=True, help="Read the query with the static encoder: sooner, finds somewhat less.")
@click.option("--explain", is_flag=True, help="Show each hit's ranks and what made its score.")
@config_option
@json_option
def command(
    words: tuple[str, ...],
    fleet_file: Path,
    fleet_dir: Path,
    repositories: tuple[str, ...],
    distinct: bool,
    mode: SearchMode,
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
    within: str,
    pattern: str,
    fast: bool,
    explain: bool,
    chosen: Chosen,
    as_json: bool,
) -> int:
    """Find code in all repositories, by word and by meaning.

    Paths begin with the repository's name, and so do --path globs. Exits with 7 when nothing is found.
    """
    from indexer.index import MAX_HITS
    from indexer.search.passages import MOST_OF_A_FILE

    from ...fleet.answer import fleet_answer
    from ...fleet.search import open_fleet
    from ..hits import LINE_FORMATS, check_form, file_lines, page
    from ..search import ALL_LINES, EXIT_NO_HIT

    check_form(as_json=as_json, line_format=line_format, files_only=files_only)
    config = settings(fleet_file.absolute().parent, chosen)
    options = replace(config.encoder, queries="static") if fast else config.encoder
    with open_fleet(fleet_dir, options=options, vectors=config.vectors) as fleet:
        result = fleet.search(
            " ".join(words),
            k=min(MAX_HITS, k * MOST_OF_A_FILE) if files_only else k,
            mode=mode,
            languages=languages,
            kinds=kinds,
            paths=paths,
            within=within,
            pattern=pattern,
            repositories=repositories,
            distinct=distinct,
            explain=explain,
            lines=ALL_LINES if full else lines,
        )
    if as_json and not quiet:
        print_json(fleet_answer(result, explain=explain))
    elif not quiet:
        hits = [(hit.path, hit) for hit in result.hits]
        if files_only:
            shown = list(file_lines(hits))[:k]
        elif line_format:
            shown = list(LINE_FORMATS[line_format](hits))
        else:
            shown = list(page(result.query, hits, explain=explain))
        print_lines(shown, paged=not no_pager)
        if not result.hits:
            echo("no hits", err=True)
        if result.upgraded < 1:
            note(f"of the vectors {upgraded_text(result.upgraded)}; `indexer fleet build` goes on with them")
    return 0 if result.hits else EXIT_NO_HIT
