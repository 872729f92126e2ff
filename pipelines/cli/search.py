"""`indexer search`: ask the index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

import indexer
from indexer.errors import StaleIndexError
from indexer.types import SearchMode, SearchResult

from ..answer import BatchAnswer, answer
from ..freshness import count_stale
from ..settings import Chosen
from .batch import batch_queries
from .console import echo, echo_styled, note, write_out
from .hits import file_lines, location_lines, page
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
            click.option("--format", "line_format", type=click.Choice(["path:line"]), help="path:line:name lines."),
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
    explain: bool,
    chosen: Chosen,
    as_json: bool,
) -> None:
    """Find code by word and by meaning. QUERY is a question, an identifier, a path, an error message, or code."""
    if bool(words) == (batch is not None):
        raise click.UsageError("--batch takes no QUERY" if words else "give a QUERY, or --batch FILE")
    root, index_dir = find_index(root, index_dir)
    config = settings(root, chosen)
    with indexer.open(index_dir, options=config.encoder, vectors=config.vectors) as index:
        stale = count_stale(root, index.generation, config, by_content=require_fresh)
        if require_fresh and stale != 0:
            raise StaleIndexError(_staleness(root, stale) + "; run `indexer build`, or leave out --require-fresh")

        def ask(text: str) -> SearchResult:
            return index.search(
                text, k=k, mode=mode, languages=languages, kinds=kinds, paths=paths, within=within, explain=explain
            )

        if batch is not None:
            for query in batch_queries(batch):
                found = answer(ask(query.query), stale=stale, explain=explain)
                line = BatchAnswer(id=query.id, generation=found.generation, stale=stale, hits=found.hits)
                write_out(encode_json(line) + b"\n")
            return
        show(
            ask(" ".join(words)),
            stale=stale,
            as_json=as_json,
            line_format=line_format,
            files_only=files_only,
            explain=explain,
        )
        if stale and not as_json:
            note(f"{_staleness(root, stale)}; `indexer build` brings it up to date")


def show(
    result: SearchResult,
    *,
    stale: int | None,
    as_json: bool,
    line_format: str | None,
    files_only: bool,
    explain: bool = False,
) -> None:
    """Print an answer in the form that was asked for."""
    if as_json:
        print_json(answer(result, stale=stale, explain=explain))
        return
    if files_only:
        lines = file_lines(result.hits)
    elif line_format:
        lines = location_lines(result.hits)
    else:
        lines = page(result, explain=explain)
    for line in lines:
        echo_styled(line)
    if not result.hits:
        echo("no hits", err=True)


def _staleness(root: Path, stale: int | None) -> str:
    if stale is None:
        return f"{root}: the indexed files are not here, so the index can't be compared with them"
    return f"{root}: {stale} files changed since the index was built"
