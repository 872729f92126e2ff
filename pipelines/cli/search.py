"""`indexer search`: ask the index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click
from msgspec.structs import replace

import indexer
from indexer.config import Config
from indexer.errors import StaleIndexError
from indexer.stores.generation.reader import Generation
from indexer.types import SearchMode, SearchResult

from ..answer import BatchAnswer, answer
from ..freshness import count_stale
from ..report import upgraded_text
from ..settings import Chosen
from .batch import batch_queries
from .console import echo, echo_styled, note, write_out
from .hits import LINE_FORMATS, file_lines, page
from .options import (
    config_option,
    encode_json,
    index_dir_option,
    json_option,
    print_json,
    root_option,
    settings,
)
from .root import find_index


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how many hits, and of what."""
    for option in reversed(
        (
            click.option("-k", type=click.IntRange(1, 1000), default=10, help="How many hits. Default: 10."),
            click.option("--lang", "languages", multiple=True, help="Only this language; may be repeated."),
            click.option("--kind", "kinds", multiple=True, help="Only this kind of symbol; may be repeated."),
            click.option("--path", "paths", multiple=True, help="Only paths that match this glob; !GLOB leaves out."),
            click.option("--format", "line_format", type=click.Choice(list(LINE_FORMATS)), help="A line a hit."),
            click.option("-l", "files_only", is_flag=True, help="Only the names of the files."),
        )
    ):
        command = option(command)
    return command


@click.command(name="search")
@click.argument("words", nargs=-1, metavar="QUERY")
@root_option
@index_dir_option
@click.option("--mode", type=click.Choice(get_args(SearchMode)), default="hybrid", help="Words, meaning, or both.")
@filter_options
@click.option("--in", "within", default="", help="Only inside the symbol of this name.")
@click.option("--batch", metavar="FILE", help='JSON lines {"id","query"} in, {"id","hits"} out; - is stdin.')
@click.option("--require-fresh", is_flag=True, help="Exit 3 when a file's content is not what is indexed.")
@click.option("--fast", is_flag=True, help="Read the query with the static encoder: sooner, finds somewhat less.")
@click.option("--explain", is_flag=True, help="Show each hit's ranks and what made its score.")
@config_option
@json_option
def command(
    words: tuple[str, ...],
    root: Path | None,
    index_dir: Path | None,
    mode: SearchMode,
    k: int,
    languages: tuple[str, ...],
    kinds: tuple[str, ...],
    paths: tuple[str, ...],
    line_format: str | None,
    files_only: bool,
    within: str,
    batch: str | None,
    require_fresh: bool,
    fast: bool,
    explain: bool,
    chosen: Chosen,
    as_json: bool,
) -> None:
    """Find code by word and by meaning. QUERY is a question, an identifier, a path, an error message, or code."""
    if bool(words) == (batch is not None):
        raise click.UsageError("--batch takes no QUERY" if words else "give a QUERY, or --batch FILE")
    root, index_dir = find_index(root, index_dir)
    config = settings(root, chosen)
    if fast:
        config = replace(config, encoder=replace(config.encoder, queries="static"))
    with open_index(root, index_dir, config, by_content=require_fresh) as index:
        if require_fresh and (stale := index.stale()) != 0:
            raise StaleIndexError(_staleness(root, stale) + "; run `indexer build`, or leave out --require-fresh")

        def ask(text: str) -> SearchResult:
            return index.search(
                text, k=k, mode=mode, languages=languages, kinds=kinds, paths=paths, within=within, explain=explain
            )

        if batch is not None:
            for query in batch_queries(batch):
                found = answer(ask(query.query), explain=explain)
                line = BatchAnswer(
                    id=query.id,
                    generation=found.generation,
                    stale=found.stale,
                    upgraded=found.upgraded,
                    hits=found.hits,
                )
                write_out(encode_json(line) + b"\n")
            return
        result = ask(" ".join(words))
        show(result, as_json=as_json, line_format=line_format, files_only=files_only, explain=explain)
        if result.stale and not as_json:
            note(f"{_staleness(root, result.stale)}; `indexer build` brings it up to date")


def open_index(root: Path, index_dir: Path, config: Config, *, by_content: bool = False) -> indexer.Index:
    """Open an index whose answers say how far it is behind the files below `root`; `by_content` reads every one."""

    def stale(generation: Generation) -> int | None:
        return count_stale(root, generation, config, by_content=by_content)

    return indexer.open(index_dir, options=config.encoder, vectors=config.vectors, count_stale=stale)


def show(
    result: SearchResult,
    *,
    as_json: bool,
    line_format: str | None,
    files_only: bool,
    explain: bool = False,
) -> None:
    """Print an answer in the form that was asked for."""
    if as_json:
        print_json(answer(result, explain=explain))
        return
    if files_only:
        lines = file_lines(result.hits)
    elif line_format:
        lines = LINE_FORMATS[line_format](result.hits)
    else:
        lines = page(result, explain=explain)
    for line in lines:
        echo_styled(line)
    if not result.hits:
        echo("no hits", err=True)
    if result.upgraded < 1:
        note(f"of the vectors {upgraded_text(result.upgraded)}; `indexer build` goes on with them")


def _staleness(root: Path, stale: int | None) -> str:
    if stale is None:
        return f"{root}: the indexed files are not here, so the index can't be compared with them"
    return f"{root}: {stale} files changed since the index was built"
