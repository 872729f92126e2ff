"""`indexer fleet search`."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click
from msgspec.structs import replace

from indexer.index import MAX_HITS
from indexer.search.passages import MOST_OF_A_FILE
from indexer.types import SearchMode

from ...settings import Chosen
from ..hits import Shown, check_form, show_hits
from ..options import config_option, json_option, print_json, settings
from ..search import ALL_LINES, EXIT_NO_HIT, filter_options
from .options import place_options


@click.command(name="search")
@click.argument("words", nargs=-1, required=True, metavar="QUERY")
@place_options
@click.option("--repo", "repositories", multiple=True, help="Only this repository; may be repeated.")
@click.option("--distinct", is_flag=True, help="Show a text once, wherever it was copied to.")
@click.option("--mode", type=click.Choice(get_args(SearchMode)), default="hybrid", help="Words, meaning, or both.")
@filter_options
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
    from ...fleet.answer import fleet_answer
    from ...fleet.search import open_fleet

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
        shown = Shown(
            as_json=False, line_format=line_format, files_only=files_only, explain=explain, quiet=False, k=k,
            paged=not no_pager, upgraded_by="indexer fleet build" if config.build.upgrade == "now" else "",
        )  # fmt: skip
        show_hits(result.query, [(hit.path, hit) for hit in result.hits], shown, upgraded=result.upgraded)
    return 0 if result.hits else EXIT_NO_HIT
