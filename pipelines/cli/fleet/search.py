"""`indexer fleet search`."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec.structs import replace

from indexer.encoders.registry import own_options

from ...settings import Chosen
from ..asked import EXIT_NO_HIT, Asked, Question, question_options, search_options
from ..hits import show_hits
from ..model import say
from ..options import config_option, json_option, print_json, settings
from .options import place_options


@click.command(name="search")
@click.argument("words", nargs=-1, required=True, metavar="QUERY")
@place_options
@click.option("--repo", "repositories", multiple=True, help="Only this repository; may be repeated.")
@click.option("--distinct", is_flag=True, help="Show a text once, wherever it was copied to.")
@question_options
@search_options
@config_option
@json_option
def command(
    words: tuple[str, ...],
    fleet_file: Path,
    fleet_dir: Path,
    repositories: tuple[str, ...],
    distinct: bool,
    question: Question,
    asked: Asked,
    chosen: Chosen,
    as_json: bool,
) -> int:
    """Find code in all repositories, by word and by meaning.

    Paths begin with the repository's name, and so do --path globs. Exits with 7 when nothing is found.
    """
    from ...fleet.answer import fleet_answer
    from ...fleet.search import open_fleet

    shown = asked.shown(as_json=as_json, explain=question.explain)
    config = settings(fleet_file.absolute().parent, chosen)
    options = replace(config.encoder, queries="static") if question.fast else config.encoder
    with open_fleet(fleet_dir, options=options, vectors=config.vectors) as fleet:
        if question.mode != "text":
            say(own_options(config.encoder, fleet.manifest.encoder.name), builds=False)
        result = fleet.search(
            " ".join(words),
            k=asked.hits,
            mode=question.mode,
            languages=asked.languages,
            kinds=asked.kinds,
            paths=asked.paths,
            within=question.within,
            pattern=question.pattern,
            repositories=repositories,
            distinct=distinct,
            explain=question.explain,
            lines=asked.lines_a_hit,
        )
    if as_json:
        print_json(fleet_answer(result, explain=question.explain))
    else:
        hits = [(hit.path, hit) for hit in result.hits]
        upgraded_by = "indexer fleet build" if config.build.upgrade == "now" else ""
        show_hits(result.query, hits, shown, upgraded=result.upgraded, upgraded_by=upgraded_by)
    return 0 if result.hits else EXIT_NO_HIT
