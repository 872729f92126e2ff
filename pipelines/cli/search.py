"""`indexer search`: ask the index, or several."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_args

import click
from msgspec.structs import replace

import indexer
from indexer.config import Config
from indexer.encoders.registry import own_options
from indexer.errors import ConfigError, StaleIndexError
from indexer.index import MAX_HITS, Index
from indexer.search.answer import SNIPPET_LINES
from indexer.search.passages import MOST_OF_A_FILE
from indexer.stores.generation.reader import Generation
from indexer.types import SearchMode, SearchResult

from ..answer import BatchAnswer, answer
from ..freshness import count_stale
from ..report import counted
from ..settings import Chosen
from .batch import batch_queries
from .console import note, write_out
from .here import glob_from_here
from .hits import LINE_FORMATS, Shown, check_form, show
from .model import fetch_missing, say
from .options import config_option, encode_json, index_dir_option, json_option, settings
from .root import find_index

EXIT_NO_HIT = 7
"""What tells that nothing was found; grep's 1 is of errors here."""
ALL_LINES = 1_000_000


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how many hits, of what, and how they are shown."""
    for option in reversed(
        (
            click.option("-k", type=click.IntRange(1, MAX_HITS), default=10, help="How many hits, or files; 10."),
            click.option("--lang", "languages", multiple=True, help="Only this language (py, c++); may be repeated."),
            click.option("--kind", "kinds", multiple=True, help="Only this kind of symbol; may be repeated."),
            click.option("--path", "paths", multiple=True, help="Only paths that match this glob; !GLOB leaves out."),
            click.option("--format", "line_format", type=click.Choice(list(LINE_FORMATS)), help="A line a hit."),
            click.option("-l", "files_only", is_flag=True, help="Only the names of the files."),
            click.option("--lines", type=click.IntRange(1, 1000), default=SNIPPET_LINES, help="Lines a hit; 8."),
            click.option("--full", is_flag=True, help="All lines of each hit's chunk."),
            click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors; the exit code tells."),
            click.option("--no-pager", is_flag=True, help="Never show long output in $PAGER."),
            click.option(
                "--color",
                type=click.Choice(["auto", "always", "never"]),
                callback=_color,
                expose_value=False,
                help="Colours: on a terminal alone, always or never.",
            ),
        )
    ):
        command = option(command)
    return command


def _color(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value in ("always", "never"):
        context.color = value == "always"


@click.command(name="search")
@click.argument("words", nargs=-1, metavar="QUERY")
@click.option(
    "--root",
    "roots",
    multiple=True,
    type=click.Path(path_type=Path),
    help="The indexed folder; several are searched together. Default: the nearest one upwards that holds an index.",
)
@index_dir_option
@click.option("--mode", type=click.Choice(get_args(SearchMode)), default="hybrid", help="Words, meaning, or both.")
@filter_options
@click.option("--in", "within", default="", help="Only inside the symbol of this name.")
@click.option("--grep", "pattern", metavar="REGEX", default="", help="Only chunks that this expression (re2) matches.")
@click.option("--batch", metavar="FILE", help='JSON lines {"id","query"} in, {"id","hits"} out; - is stdin.')
@click.option("--require-fresh", is_flag=True, help="Exit 3 when a file's content is not what is indexed.")
@click.option("--fast", is_flag=True, help="Read the query with the static encoder: sooner, finds somewhat less.")
@click.option("--explain", is_flag=True, help="Show each hit's ranks and what made its score.")
@config_option
@json_option
def command(
    words: tuple[str, ...],
    roots: tuple[Path, ...],
    index_dir: Path | None,
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
    batch: str | None,
    require_fresh: bool,
    fast: bool,
    explain: bool,
    chosen: Chosen,
    as_json: bool,
) -> int:
    """Find code by word and by meaning.

    QUERY is a question, an identifier, a path, an error message, or code. What stands in "double quotes" must stand so
    in the code. A QUERY that begins with a dash comes after --. Exits with 7 when nothing is found.
    """
    check_form(as_json=as_json, line_format=line_format, files_only=files_only)
    if bool(words) == (batch is not None):
        raise click.UsageError("--batch takes no QUERY" if words else "give a QUERY, or --batch FILE")
    if index_dir is not None and len(roots) > 1:
        raise ConfigError("--index-dir is of one index; leave it out with several --root")
    with ExitStack() as stack:
        opened: list[tuple[Path, Index]] = []
        for named in roots or (None,):
            root, folder = find_index(named, index_dir)
            config = settings(root, chosen)
            if fast:
                config = replace(config, encoder=replace(config.encoder, queries="static"))
            index = stack.enter_context(open_index(root, folder, config, by_content=require_fresh))
            made_with = replace(config.encoder, name=index.generation.manifest.encoder.name)
            fetch_missing(made_with)
            if mode != "text":
                say(own_options(config.encoder, made_with.name), builds=False, quiet=quiet)
            if require_fresh and (stale := index.stale()) != 0:
                raise StaleIndexError(_staleness(root, stale) + "; run `indexer build`, or leave out --require-fresh")
            opened.append((root, index))
        searched = [root for root, _ in opened]
        first, *others = (index for _, index in opened)
        globs = [glob if others else glob_from_here(glob, searched[0]) for glob in paths]

        def ask(text: str) -> SearchResult:
            return first.search(
                text,
                k=min(MAX_HITS, k * MOST_OF_A_FILE) if files_only else k,
                mode=mode,
                languages=languages,
                kinds=kinds,
                paths=globs,
                within=within,
                pattern=pattern,
                explain=explain,
                lines=ALL_LINES if full else lines,
                beside=others,
            )

        if batch is not None:
            for query in batch_queries(batch):
                found = answer(ask(query.query), searched, explain=explain)
                line = BatchAnswer(
                    id=query.id,
                    generation=found.generation,
                    stale=found.stale,
                    upgraded=found.upgraded,
                    beside=found.beside,
                    hits=found.hits,
                )
                write_out(encode_json(line) + b"\n")
            return 0
        shown = Shown(
            as_json=as_json, line_format=line_format, files_only=files_only, explain=explain, quiet=quiet, k=k,
            paged=not no_pager, upgraded_by="indexer build" if config.build.upgrade == "now" else "",
        )  # fmt: skip
        result = ask(" ".join(words))
        show(result, searched, shown)
        for root, index in opened:
            if not (as_json or quiet) and (stale := index.stale()):
                note(f"{_staleness(root, stale)}; `indexer build` brings it up to date")
    return 0 if result.hits else EXIT_NO_HIT


def open_index(root: Path, index_dir: Path, config: Config, *, by_content: bool = False) -> Index:
    """Open an index whose answers say how far it is behind the files below `root`; `by_content` reads every one."""

    def stale(generation: Generation) -> int | None:
        return count_stale(root, generation, config, by_content=by_content)

    return indexer.open(index_dir, options=config.encoder, vectors=config.vectors, count_stale=stale)


def _staleness(root: Path, stale: int | None) -> str:
    if stale is None:
        return f"{root}: the indexed files are not here, so the index can't be compared with them"
    return f"{root}: {counted(stale, 'file')} changed since the index was built"
