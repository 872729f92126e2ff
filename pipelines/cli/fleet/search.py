"""`indexer fleet search`."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click
from msgspec.structs import replace

from indexer.types import SearchMode

from ...settings import Chosen
from ..asked import EXIT_NO_HIT, Asked, search_options
from ..hits import show_hits
from ..options import config_option, json_option, print_json, settings
from .options import place_options


@click.command(name="search")
@click.argument("words", nargs=-1, required=True, metavar="QUERY")
@place_options
@click.option("--repo", "repositories", multiple=True, help="Only this repository; may be repeated.")
@click.option("--distinct", is_flag=True, help="Show a text once, wherever it was copied to.")
@click.option("--mode", type=click.Choice(get_args(SearchMode)), default="hybrid", help="Words, meaning, or both.")
@search_options
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
    asked: Asked,
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

    shown = asked.shown(as_json=as_json, explain=explain)
    config = settings(fleet_file.absolute().parent, chosen)
    options = replace(config.encoder, queries="static") if fast else config.encoder
    with open_fleet(fleet_dir, options=options, vectors=config.vectors) as fleet:
        result = fleet.search(
            " ".join(words),
            k=asked.hits,
            mode=mode,
            languages=asked.languages,
            kinds=asked.kinds,
            paths=asked.paths,
            within=within,
            pattern=pattern,
            repositories=repositories,
            distinct=distinct,
            explain=explain,
            lines=asked.lines_a_hit,
        )
    if as_json:
        print_json(fleet_answer(result, explain=explain))
    else:
        hits = [(hit.path, hit) for hit in result.hits]
        upgraded_by = "indexer fleet build" if config.build.upgrade == "now" else ""
        show_hits(result.query, hits, shown, upgraded=result.upgraded, upgraded_by=upgraded_by)
    return 0 if result.hits else EXIT_NO_HIT
